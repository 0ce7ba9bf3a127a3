// Digests: 256 bits of BLAKE2b (RFC 7693), and sums of them.
//
// A set is compared by the sum of its members' digests: the sum does not depend on order, and one
// member changes it by one addition and one subtraction. Each of the four words is summed by
// itself, modulo 2^64.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cfs {

inline constexpr std::size_t kDigestBytes = 32;

struct Digest {
    std::array<std::uint64_t, 4> words{};

    friend constexpr bool operator==(const Digest&, const Digest&) noexcept = default;
    constexpr Digest& operator+=(const Digest& other) noexcept {
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] += other.words[i];
        }
        return *this;
    }
    constexpr Digest& operator-=(const Digest& other) noexcept {
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] -= other.words[i];
        }
        return *this;
    }
    friend constexpr Digest operator+(Digest a, const Digest& b) noexcept { return a += b; }
};

// What is hashed: begins every digest that goes into a sum, so that none can pass for another.
enum class Hashed : std::uint8_t { kEntry = 1, kRecord, kFloor, kPart, kLimits };

class Hasher {
  public:
    Hasher() noexcept;
    explicit Hasher(Hashed what) noexcept : Hasher() { number(static_cast<std::uint8_t>(what)); }

    Hasher& bytes(std::span<const std::byte> data) noexcept;
    // Eight bytes, least significant first.
    Hasher& number(std::uint64_t value) noexcept;
    // Its length, then its bytes.
    Hasher& text(std::string_view value) noexcept;
    Hasher& digest(const Digest& value) noexcept;

    // Ends the hasher.
    [[nodiscard]] Digest finish() noexcept;

  private:
    static constexpr std::size_t kBlock = 128;

    void compress(bool last) noexcept;

    std::array<std::uint64_t, 8> state_{};
    std::array<std::byte, kBlock> block_{};
    std::size_t filled_ = 0;
    std::uint64_t hashed_ = 0;  // bytes; no input of ours reaches 2^64
};

}  // namespace cfs
