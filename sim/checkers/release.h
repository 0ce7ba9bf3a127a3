// R6: what a node forgets is in the hands of every member of the ring, and forgetting never goes
// back (properties.md section 3; ground truth).
#pragma once

#include "sim/checker.h"
#include "sim/checkers/held_by_all.h"

namespace sim {

class Release : public Checker {
  public:
    Release(Findings& findings, const Ledger& ledger)
        : Checker("release", findings), held_(ledger) {}

    using Checker::on;
    void on(const Released& event) override {
        if (const auto missing = held_.missing(event.ring, event.upto)) {
            violate(event.where, "R6",
                    "forgot message " + text(missing->seq) + " of ring " + text(event.ring) +
                        ", which " + members_text(missing->without) + " never had");
        }
    }

  private:
    HeldByAll held_;
};

}  // namespace sim
