// R1, M5, M6, M9, M9b and M15: frames that must not matter change nothing (sim/frame_rules.h judges
// which, and the node itself when it refuses one), and a node that has gone on to another ring
// never speaks for an earlier one again (properties.md sections 1.1, 3 and 4).
#pragma once

#include <algorithm>
#include <vector>

#include "sim/checker.h"
#include "totem/core/codec.h"

namespace sim {

class Silence : public Checker {
  public:
    Silence(Findings& findings, std::uint32_t nodes)
        : Checker("silence", findings), rings_(nodes) {}

    using Checker::on;
    void on(const Started& event) override { rings_[event.where.node] = {}; }
    void on(const Ignorable& event) override {
        if (event.before != event.after) {
            violate(event.where, event.property, std::string(event.why) + " changed the state");
        }
    }
    void on(const Spoke& event) override {
        const bool orders = event.kind == static_cast<std::uint8_t>(totem::FrameType::kData) ||
                            event.kind == static_cast<std::uint8_t>(totem::FrameType::kOrfToken);
        Rings& rings = rings_[event.where.node];
        if (!orders || (rings.spoken && rings.now == event.ring)) {
            return;
        }
        if (std::ranges::find(rings.left, event.ring) != rings.left.end()) {
            violate(event.where, "M9b",
                    "spoke for ring " + text(event.ring) + " after going on to " + text(rings.now));
            return;
        }
        if (rings.spoken) {
            rings.left.push_back(rings.now);
        }
        rings.spoken = true;
        rings.now = event.ring;
    }

  private:
    struct Rings {
        bool spoken = false;
        RingId now;
        std::vector<RingId> left;
    };
    std::vector<Rings> rings_;
};

}  // namespace sim
