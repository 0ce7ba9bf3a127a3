// Ground truth for R5 and R6: up to where every member of a ring holds its messages (properties.md
// section 3).
#pragma once

#include <map>
#include <optional>

#include "sim/ledger.h"

namespace sim {

class HeldByAll {
  public:
    explicit HeldByAll(const Ledger& ledger) : ledger_(&ledger) {}

    // A message that some members never had.
    struct Missing {
        Seq seq{};
        NodeMask without = 0;
    };
    // The first one up to `upto`, if any; told of once. Nothing of a ring that nobody installed
    // yet.
    [[nodiscard]] std::optional<Missing> missing(const RingId& id, Seq upto) {
        const auto* ring = ledger_->find(id);
        if (ring == nullptr || ring->members == 0) {
            return std::nullopt;
        }
        std::uint32_t& verified = verified_[id];
        while (verified < upto - ring->base && verified < ring->entries.size()) {
            const auto& entry = ring->entries[verified];
            ++verified;
            const NodeMask without = ring->members & ~entry.holders;
            if (entry.known && without != 0) {
                return Missing{ring->base + verified, without};
            }
        }
        return std::nullopt;
    }

  private:
    const Ledger* ledger_;
    std::map<RingId, std::uint32_t> verified_;  // messages of a ring known to be held by all
};

}  // namespace sim
