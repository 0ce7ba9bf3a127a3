// E1.2, E1.3, E1.4, E2.2, E6.1, E6.2, E6.3, E8.1: one order of messages, the same for all, without
// gaps other than those that extended virtual synchrony allows (properties.md section 2).
#pragma once

#include <vector>

#include "sim/checker.h"
#include "sim/ledger.h"

namespace sim {

class MessageOrder : public Checker {
  public:
    MessageOrder(Findings& findings, const Ledger& ledger, std::uint32_t nodes, Seq first);

    using Checker::on;
    void on(const Started& event) override;
    void on(const Originated& event) override;
    void on(const Configured& event) override;
    void on(const Delivered& event) override;

  private:
    struct Process {
        bool configured = false;  // has a regular configuration behind it
        bool transitional = false;
        RingId ring;  // whose messages may be delivered now
        NodeMask members = 0;
        Seq last;
    };

    void check_content(const Delivered& event);
    void check_gap(const Delivered& event, const Process& process);

    const Ledger* ledger_;
    Seq first_;
    std::vector<Process> processes_;
};

}  // namespace sim
