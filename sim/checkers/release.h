// R6: what a node forgets is in the hands of every member of the ring, and forgetting never goes
// back (properties.md section 3; ground truth).
#pragma once

#include <map>

#include "sim/checker.h"
#include "sim/ledger.h"

namespace sim {

class Release : public Checker {
  public:
    Release(Findings& findings, const Ledger& ledger)
        : Checker("release", findings), ledger_(&ledger) {}

    using Checker::on;
    void on(const Released& event) override {
        const auto* ring = ledger_->find(event.ring);
        if (ring == nullptr || ring->members == 0) {
            return;  // not installed by anybody yet
        }
        std::uint32_t& verified = verified_[event.ring];
        while (verified < event.upto - ring->base && verified < ring->entries.size()) {
            const auto& entry = ring->entries[verified];
            ++verified;
            const NodeMask without = ring->members & ~entry.holders;
            if (entry.known && without != 0) {
                violate(event.where, "R6",
                        "forgot message " + text(ring->base + verified) + " of ring " +
                            text(event.ring) + ", which " + members_text(without) + " never had");
                return;
            }
        }
    }

  private:
    const Ledger* ledger_;
    std::map<RingId, std::uint32_t> verified_;  // messages of a ring known to be held by all
};

}  // namespace sim
