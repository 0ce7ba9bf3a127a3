// Numbers from one seed, the same on every machine.
#pragma once

#include <cstdint>

namespace cfs::testing {

class Draws {
  public:
    explicit Draws(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    std::uint64_t below(std::uint64_t bound) {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return (state_ >> 11U) % bound;
    }

  private:
    std::uint64_t state_;
};

}  // namespace cfs::testing
