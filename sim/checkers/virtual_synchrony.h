// E3, E4 and E2.6: who goes through the same configurations has delivered the same messages between
// them, its own included (properties.md section 2, sketch in 19.1).
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "sim/checker.h"

namespace sim {

class VirtualSynchrony : public Checker {
  public:
    VirtualSynchrony(Findings& findings, std::uint32_t nodes);

    using Checker::on;
    void on(const Started& event) override;
    void on(const Originated& event) override;
    void on(const Configured& event) override;
    void on(const Delivered& event) override;

  private:
    // The step from one ring to the next of those that make it together.
    struct Passage {
        RingId from;
        RingId to;
        NodeMask together = 0;
        friend auto operator<=>(const Passage&, const Passage&) = default;
    };
    struct Delivery {
        std::uint64_t hash = 0;
        std::uint32_t count = 0;
        Seq last;
        std::uint32_t node = 0;
    };
    struct Process {
        bool configured = false;
        RingId ring;
        Delivery delivered;
        Passage passage;
        std::set<std::uint32_t> own;  // originated in `ring`, not yet delivered
    };

    void compare(const Where& where, std::map<Passage, Delivery>& seen, const Process& process,
                 const char* property);

    std::vector<Process> processes_;
    std::map<Passage, Delivery> before_;  // delivered in the old regular configuration
    std::map<Passage, Delivery> within_;  // delivered in the transitional one
};

}  // namespace sim
