// M2: a ring number is on stable storage before a commit token with it leaves, and before it is
// installed (properties.md section 4).
#pragma once

#include <algorithm>
#include <vector>

#include "sim/checker.h"
#include "totem/core/codec.h"

namespace sim {

class Durability : public Checker {
  public:
    Durability(Findings& findings, std::uint32_t nodes)
        : Checker("durability", findings), durable_(nodes) {}

    using Checker::on;
    void on(const Started& event) override { durable_[event.where.node] = event.stored_ring_seq; }
    void on(const Durable& event) override {
        std::uint64_t& durable = durable_[event.where.node];
        durable = std::max(durable, event.ring_seq);
    }
    void on(const Spoke& event) override {
        if (event.kind == static_cast<std::uint8_t>(totem::FrameType::kCommitToken)) {
            check(event.where, event.ring, "sent a commit token of");
        }
    }
    void on(const Configured& event) override { check(event.where, event.ring, "installed"); }

  private:
    void check(const Where& where, const RingId& ring, const char* what) {
        if (ring.seq > durable_[where.node]) {
            violate(where, "M2",
                    std::string(what) + " ring " + text(ring) + " while only " +
                        std::to_string(durable_[where.node]) + " is on stable storage");
        }
    }

    std::vector<std::uint64_t> durable_;
};

}  // namespace sim
