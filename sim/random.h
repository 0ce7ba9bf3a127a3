// Randomness of the simulated world: a pure function of (seed, purpose, meaning), never a stream.
//
// A decision is named by what it decides (which pair, which kind of frame, the how-many-th), so
// taking one fault out of a schedule leaves all other decisions as they were, and a failing run can
// shrink. Integers only: the same seed gives the same world in every build. Source:
// properties.md 13.1.
#pragma once

#include <array>
#include <cstdint>

namespace sim {

enum class Purpose : std::uint32_t {
    kOptions = 1,
    kSchedule,
    kLoss,
    kLatency,
    kTail,
    kDuplicate,
    kReorder,
    kCorrupt,
    kReplay,
    kDisk,
    kLoad,
    kClient,
    kBoot,
    kSeal,
    kFiles,
    kFileDisk,
};

constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x ^= x >> 30U;
    x *= 0xBF58476D1CE4E5B9ULL;
    x ^= x >> 27U;
    x *= 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
}

constexpr std::uint64_t combine(std::uint64_t h, std::uint64_t value) noexcept {
    return mix(h + 0x9E3779B97F4A7C15ULL + value * 0xD6E8FEB86659FD93ULL);
}

constexpr std::uint64_t draw(std::uint64_t seed, Purpose purpose, std::uint64_t a = 0,
                             std::uint64_t b = 0) noexcept {
    return combine(combine(combine(seed, static_cast<std::uint64_t>(purpose)), a), b);
}

// A number in [0, n) from a hash.
constexpr std::uint32_t below(std::uint64_t h, std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>(((h >> 32U) * n) >> 32U);
}

constexpr bool chance(std::uint64_t h, std::uint32_t per_mille) noexcept {
    return below(h, 1000) < per_mille;
}

// Successive draws for one purpose, for code that makes a list from a seed (never inside a run).
class Draws {
  public:
    constexpr Draws(std::uint64_t seed, Purpose purpose, std::uint64_t salt = 0) noexcept
        : base_(draw(seed, purpose, salt)) {}

    constexpr std::uint64_t next() noexcept { return combine(base_, ++count_); }
    constexpr std::uint32_t below(std::uint32_t n) noexcept { return sim::below(next(), n); }
    constexpr bool chance(std::uint32_t per_mille) noexcept {
        return sim::chance(next(), per_mille);
    }
    // A number in [low, high], each equally likely.
    constexpr std::uint32_t between(std::uint32_t low, std::uint32_t high) noexcept {
        return low + below(high - low + 1);
    }
    template <typename T, std::size_t N>
    constexpr T pick(const std::array<T, N>& choices) noexcept {
        return choices.at(below(static_cast<std::uint32_t>(N)));
    }

  private:
    std::uint64_t base_;
    std::uint64_t count_ = 0;
};

}  // namespace sim
