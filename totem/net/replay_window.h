// Which frame counters of one session have been taken: each at most once, in any order.
//
// Reordering between networks is tolerated up to kBits counters behind the highest; what is older
// counts as taken. Constant size, no allocation. Source: properties.md C3; RFC 6479 has the idea.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace totem::net {

class ReplayWindow {
  public:
    static constexpr std::uint64_t kBits = 4096;

    // Forgets everything; all counters up to and including `floor` count as taken.
    void reset(std::uint64_t floor) noexcept {
        highest_ = floor;
        words_.fill(~std::uint64_t{0});
    }

    [[nodiscard]] bool taken(std::uint64_t counter) const noexcept {
        if (counter > highest_) {
            return false;
        }
        return highest_ - counter >= kBits || (word(counter) & bit(counter)) != 0;
    }

    // Only for counters that are not taken().
    void take(std::uint64_t counter) noexcept {
        if (counter > highest_) {
            advance(counter);
        }
        words_[index(counter)] |= bit(counter);
    }

  private:
    static constexpr std::uint64_t kWords = kBits / 64;

    static constexpr std::size_t index(std::uint64_t counter) noexcept {
        return static_cast<std::size_t>(counter / 64 % kWords);
    }
    static constexpr std::uint64_t bit(std::uint64_t counter) noexcept {
        return std::uint64_t{1} << (counter % 64);
    }
    [[nodiscard]] std::uint64_t word(std::uint64_t counter) const noexcept {
        return words_[index(counter)];
    }

    // The counters between the old and the new highest are new: their bits still say what lay kBits
    // before them.
    void advance(std::uint64_t counter) noexcept {
        if (counter - highest_ >= kBits) {
            words_.fill(0);
        } else {
            for (std::uint64_t c = highest_ + 1; c <= counter; ++c) {
                words_[index(c)] &= ~bit(c);
            }
        }
        highest_ = counter;
    }

    std::array<std::uint64_t, kWords> words_{};
    std::uint64_t highest_ = 0;
};

}  // namespace totem::net
