// C1 and C3: no damaged or replayed frame passes the seal, over all lives of its receiver
// (properties.md section 9). What does not pass is never shown to the ring.
#pragma once

#include <set>
#include <vector>

#include "sim/checker.h"

namespace sim {

class Seal : public Checker {
  public:
    Seal(Findings& findings, std::uint32_t nodes) : Checker("seal", findings), taken_(nodes) {}

    using Checker::on;
    void on(const FrameOpened& event) override {
        if (!event.accepted) {
            return;
        }
        if (event.damaged) {
            violate(event.where, "C1", "a damaged frame passed the seal");
        }
        if (!taken_[event.where.node].insert(event.name).second) {
            violate(event.where, "C3", "a frame passed the seal twice");
        }
    }

  private:
    std::vector<std::set<std::uint64_t>> taken_;  // frames of each node, over its lives
};

}  // namespace sim
