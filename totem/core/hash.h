// Folds values into one number, the same on every machine and compiler.
//
// Source: FNV-1a over 64-bit words with a final mix; chosen for being short, not for strength.
#pragma once

#include <cstdint>
#include <optional>

#include "totem/core/node_list.h"
#include "totem/core/types.h"

namespace totem {

class Hasher {
  public:
    void add(std::uint64_t value) noexcept {
        state_ = (state_ ^ value) * 0x100000001B3ULL;
        state_ ^= state_ >> 29U;
    }
    void add(NodeId node) noexcept { add(std::uint64_t{raw(node)}); }
    void add(Seq seq) noexcept { add(std::uint64_t{seq.value}); }
    void add(const RingId& ring) noexcept {
        add(ring.representative);
        add(ring.seq);
    }
    void add(const NodeList& nodes) noexcept {
        add(std::uint64_t{nodes.size()});
        for (const NodeId node : nodes) {
            add(node);
        }
    }
    void add(const std::optional<Instant>& when) noexcept {
        add(when ? static_cast<std::uint64_t>(when->time_since_epoch().count())
                 : ~std::uint64_t{0});
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

  private:
    std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

}  // namespace totem
