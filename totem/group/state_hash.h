// A running hash over the values that decide a state machine's future behaviour.
//
// Not cryptographic and not stable between versions: only compared within one run, to show that an
// input had no effect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "totem/core/types.h"

namespace totem::group {

class StateHash {
  public:
    StateHash& add(std::uint64_t value) noexcept {
        constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;
        value_ = (value_ ^ value) * kMultiplier;
        value_ ^= value_ >> 29U;
        return *this;
    }
    StateHash& add(NodeId node) noexcept { return add(std::uint64_t{raw(node)}); }
    StateHash& add(const RingId& ring) noexcept { return add(ring.representative).add(ring.seq); }
    StateHash& add(std::span<const NodeId> nodes) noexcept {
        add(std::uint64_t{nodes.size()});
        for (const NodeId node : nodes) {
            add(node);
        }
        return *this;
    }
    StateHash& add(std::span<const std::byte> bytes) noexcept {
        add(std::uint64_t{bytes.size()});
        for (const std::byte byte : bytes) {
            add(std::to_integer<std::uint64_t>(byte));
        }
        return *this;
    }
    StateHash& add(std::string_view text) noexcept { return add(std::as_bytes(std::span(text))); }

    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  private:
    std::uint64_t value_ = 0x2545F4914F6CDD1DULL;
};

}  // namespace totem::group
