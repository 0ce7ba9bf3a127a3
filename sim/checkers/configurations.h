// E2.1 to E2.4, E2.7 and M1: configuration changes come in pairs, agree between nodes, and no two
// rings share a name (properties.md sections 2 and 4).
#pragma once

#include <map>
#include <vector>

#include "sim/checker.h"

namespace sim {

class Configurations : public Checker {
  public:
    Configurations(Findings& findings, std::uint32_t nodes);

    using Checker::on;
    void on(const Started& event) override;
    void on(const Configured& event) override;

  private:
    struct Process {
        bool configured = false;
        bool transitional = false;  // the last change was a transitional one
        RingId ring;                // last regular configuration
        NodeMask members = 0;
        RingId next;  // of the transitional one
        NodeMask together = 0;
    };
    // How a node came to a ring.
    struct Arrival {
        bool present = false;
        bool configured = false;
        RingId from;
        NodeMask together = 0;
        std::uint32_t life = 0;
    };
    struct Ring {
        NodeMask members = 0;
        std::vector<Arrival> arrivals;
    };

    void on_transitional(const Configured& event, Process& process);
    void on_regular(const Configured& event, Process& process);
    void check_identity(const Configured& event, const Process& process);
    void check_arrivals(const Configured& event, const Ring& ring, const Arrival& mine);

    std::vector<Process> processes_;
    std::vector<std::uint64_t> highest_;  // ring number that a node installed, over all its lives
    std::map<RingId, Ring> rings_;
};

}  // namespace sim
