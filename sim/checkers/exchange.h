// M10: who goes on together holds, before the new ring is installed, every message of the old one
// that any of them holds (properties.md section 4; ground truth).
#pragma once

#include <set>
#include <tuple>
#include <vector>

#include "sim/checker.h"
#include "sim/ledger.h"

namespace sim {

class Exchange : public Checker {
  public:
    Exchange(Findings& findings, const Ledger& ledger, std::uint32_t nodes)
        : Checker("exchange", findings), ledger_(&ledger), rings_(nodes) {}

    using Checker::on;
    void on(const Started& event) override { rings_[event.where.node] = {}; }
    void on(const Configured& event) override {
        RingId& from = rings_[event.where.node];
        if (event.regular) {
            from = event.ring;
            return;
        }
        const auto* ring = ledger_->find(from);
        if (ring == nullptr || !done_.insert({from, event.ring, event.members}).second) {
            return;
        }
        for (std::size_t i = 0; i < ring->entries.size(); ++i) {
            const auto& entry = ring->entries[i];
            const NodeMask without = event.members & ~entry.holders;
            if ((entry.holders & event.members) != 0 && without != 0 && !entry.recovery) {
                violate(event.where, "M10",
                        "goes on to ring " + text(event.ring) + " with " +
                            members_text(event.members) + ", and " + members_text(without) +
                            " never got message " +
                            text(ring->base + static_cast<std::uint32_t>(i) + 1) + " of ring " +
                            text(from));
                return;
            }
        }
    }

  private:
    const Ledger* ledger_;
    std::vector<RingId> rings_;  // that each node is in
    std::set<std::tuple<RingId, RingId, NodeMask>> done_;
};

}  // namespace sim
