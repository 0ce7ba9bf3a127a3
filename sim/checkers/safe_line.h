// R5: what a node takes to be in the hands of all is, and its safe line never goes back
// (properties.md section 3; ground truth).
#pragma once

#include <vector>

#include "sim/checker.h"
#include "sim/checkers/held_by_all.h"

namespace sim {

class SafeLineTruth : public Checker {
  public:
    SafeLineTruth(Findings& findings, const Ledger& ledger, std::uint32_t nodes)
        : Checker("safe-line", findings), held_(ledger), lines_(nodes) {}

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
        if (const auto missing = held_.missing(event.ring, event.upto)) {
            violate(event.where, "R5",
                    "takes message " + text(missing->seq) + " of ring " + text(event.ring) +
                        " for safe, which " + members_text(missing->without) + " never had");
        }
    }

  private:
    HeldByAll held_;
    std::vector<SafeLine> lines_;
};

}  // namespace sim
