// Q2, Q5, Q16 and L8: what votequorum says fits the ring, no two disjoint sets are quorate, quorum
// is gained only after a synchronisation and lost before the new ring speaks; a synchronisation
// that waits says for whom (properties.md sections 5 and 6).
#pragma once

#include <bit>
#include <set>
#include <vector>

#include "sim/checker.h"
#include "sim/options.h"

namespace sim {

class Quorum : public Checker {
  public:
    Quorum(Findings& findings, const Options& options)
        : Checker("quorum", findings),
          nodes_(options.nodes),
          two_node_(options.two_node),
          quorate_(options.nodes),
          rings_(options.nodes) {}

    using Checker::on;
    void on(const Started& event) override {
        quorate_[event.where.node] = false;
        rings_[event.where.node] = {};
    }
    void on(const QuorumView& event) override {
        // In one step the old ring's synchronisation may end and a new ring begin.
        RingId& ring = rings_[event.where.node];
        const bool gained = event.quorate && !quorate_[event.where.node] && ring == event.node_ring;
        quorate_[event.where.node] = event.quorate;
        ring = event.node_ring;
        if (!event.quorate) {
            return;
        }
        if (gained && event.synchronising) {
            violate(event.where, "Q16", "quorum gained during a synchronisation");
        }
        if (!event.synchronising && !(event.ring == event.node_ring)) {
            violate(event.where, "Q5",
                    "quorate for ring " + text(event.ring) + " while messages are ordered in " +
                        text(event.node_ring));
        }
        if (overridden_) {
            return;
        }
        // Between the configuration and the end of its synchronisation this is Q16, after it Q2.
        if (!enough(event.members)) {
            violate(event.where, event.synchronising ? "Q16" : "Q2",
                    "quorate with " + members_text(event.members));
        }
        check_exclusive(event);
    }
    // From here on fewer votes are enough (Q9), and two sets may have them.
    void on(const FileVotes& event) override {
        overridden_ = overridden_ || event.expected < event.total;
    }
    void on(const SyncWaits& event) override {
        if (event.waiting_for == 0 || !event.listed || (event.waiting_for & ~event.members) != 0) {
            violate(event.where, "L8",
                    "waits for " + members_text(event.waiting_for) + " in a ring of " +
                        members_text(event.members));
        }
    }

  private:
    [[nodiscard]] bool enough(NodeMask members) const {
        const auto votes = static_cast<std::uint32_t>(std::popcount(members));
        return two_node_ ? votes >= 1 : votes * 2 > nodes_;
    }
    void check_exclusive(const QuorumView& event) {
        if (two_node_ || !seen_.insert(event.members).second) {
            return;
        }
        for (const NodeMask other : seen_) {
            if ((other & event.members) == 0) {
                violate(event.where, "Q2",
                        "quorate with " + members_text(event.members) + " and with " +
                            members_text(other));
            }
        }
    }

    std::uint32_t nodes_;
    bool two_node_;
    bool overridden_ = false;
    std::vector<bool> quorate_;
    std::vector<RingId> rings_;
    std::set<NodeMask> seen_;
};

}  // namespace sim
