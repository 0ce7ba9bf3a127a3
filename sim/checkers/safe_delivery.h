// E7: a message delivered as safe is in the hands of every member, each of them delivers it as well
// before it goes on to another ring, and in a regular configuration every member has installed it
// (properties.md section 2; ground truth).
#pragma once

#include <map>
#include <vector>

#include "sim/checker.h"
#include "sim/ledger.h"

namespace sim {

class SafeDelivery : public Checker {
  public:
    SafeDelivery(Findings& findings, const Ledger& ledger, std::uint32_t nodes)
        : Checker("safe-delivery", findings), ledger_(&ledger), last_(nodes), rings_of_(nodes) {}

    using Checker::on;
    void on(const Started& event) override { rings_of_[event.where.node] = {}; }
    void on(const Configured& event) override;
    void on(const Delivered& event) override;

  private:
    // Who must deliver a message, because somebody delivered it as safe among them, and who has.
    struct Promise {
        NodeMask to = 0;
        NodeMask kept = 0;
    };
    struct Ring {
        NodeMask gone = 0;              // who has gone on to another ring
        std::vector<Promise> promises;  // by number behind the ring's first
    };
    void check_held(const Delivered& event, const Ledger::Ring& ring, const Ledger::Entry& entry);
    void note_promise(const Delivered& event, Seq base);

    const Ledger* ledger_;
    std::vector<Configured> last_;
    std::vector<RingId> rings_of_;  // that each node is in, in its present life
    std::map<RingId, Ring> rings_;
};

}  // namespace sim
