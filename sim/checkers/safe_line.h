// R5: what a node takes to be in the hands of all is, and its safe line never goes back
// (properties.md section 3; ground truth).
#pragma once

#include <map>
#include <vector>

#include "sim/checker.h"
#include "sim/ledger.h"

namespace sim {

class SafeLineTruth : public Checker {
  public:
    SafeLineTruth(Findings& findings, const Ledger& ledger, std::uint32_t nodes)
        : Checker("safe-line", findings), ledger_(&ledger), lines_(nodes) {}

    using Checker::on;
    void on(const SafeLine& event) override {
        SafeLine& before = lines_[event.where.node];
        if (before.ring == event.ring && before.where.life == event.where.life &&
            event.upto < before.upto) {
            violate(
                event.where, "R5",
                "the safe line went back from " + text(before.upto) + " to " + text(event.upto));
        }
        before = event;
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
                violate(event.where, "R5",
                        "takes message " + text(ring->base + verified) + " of ring " +
                            text(event.ring) + " for safe, which " + members_text(without) +
                            " never had");
                return;
            }
        }
    }

  private:
    const Ledger* ledger_;
    std::vector<SafeLine> lines_;
    std::map<RingId, std::uint32_t> verified_;  // messages of a ring known to be held by all
};

}  // namespace sim
