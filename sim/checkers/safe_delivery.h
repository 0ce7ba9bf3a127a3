// E7: a message delivered as safe is in the hands of every member, and in a regular configuration
// every member has installed it (properties.md section 2; ground truth).
#pragma once

#include <vector>

#include "sim/checker.h"
#include "sim/ledger.h"

namespace sim {

class SafeDelivery : public Checker {
  public:
    SafeDelivery(Findings& findings, const Ledger& ledger, std::uint32_t nodes)
        : Checker("safe-delivery", findings), ledger_(&ledger), last_(nodes) {}

    using Checker::on;
    void on(const Configured& event) override { last_[event.where.node] = event; }
    void on(const Delivered& event) override {
        if (event.guarantee != Guarantee::kSafe) {
            return;
        }
        const auto* ring = ledger_->find(event.ring);
        const auto* entry = ledger_->find(event.ring, event.seq);
        if (ring == nullptr || entry == nullptr) {
            return;  // MessageOrder reports it
        }
        const Configured& now = last_[event.where.node];
        if (const NodeMask without = now.members & ~entry->holders; without != 0) {
            violate(event.where, "E7.1",
                    "safe message " + text(event.seq) + " of ring " + text(event.ring) +
                        " delivered in " + members_text(now.members) + ", but " +
                        members_text(without) + " never had it");
        }
        if (now.regular && (ring->members & ~ring->installed) != 0) {
            violate(event.where, "E7.2",
                    "safe message " + text(event.seq) + " delivered in ring " + text(event.ring) +
                        " that " + members_text(ring->members & ~ring->installed) +
                        " never installed");
        }
    }

  private:
    const Ledger* ledger_;
    std::vector<Configured> last_;
};

}  // namespace sim
