// Folds numbers into one hash, for Service::state_hash(): 64-bit FNV-1a over their bytes.
#pragma once

#include <cstdint>

#include "totem/core/types.h"

namespace votequorum {

class StateHasher {
  public:
    StateHasher& add(std::uint64_t value) noexcept {
        constexpr std::uint64_t kPrime = 0x100000001B3U;
        constexpr unsigned kBytes = 8;
        for (unsigned i = 0; i < kBytes; ++i) {
            hash_ = (hash_ ^ ((value >> (8 * i)) & 0xFFU)) * kPrime;
        }
        return *this;
    }
    StateHasher& add(totem::NodeId node) noexcept { return add(std::uint64_t{totem::raw(node)}); }
    StateHasher& add(const totem::RingId& ring) noexcept {
        return add(ring.representative).add(ring.seq);
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

  private:
    std::uint64_t hash_ = 0xCBF29CE484222325U;
};

}  // namespace votequorum
