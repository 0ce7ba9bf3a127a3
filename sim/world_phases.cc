// The phases of a run, and what must hold at the end of each.
#include <algorithm>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "sim/world.h"

namespace sim {

namespace {

// The target of L6 is 3; timers that expire at unlucky moments cost one or two more (measured:
// docs/protocol.md, GATHER).
constexpr std::uint64_t kRingsAfterHeal = 5;

}  // namespace

void World::enter(Phase phase) {
    switch (phase) {
        case Phase::kHeal:
            healed_ = true;
            heal(options_.core);
            return;
        case Phase::kWhole:
            check_formed(false);
            heal(all_nodes(options_.nodes));
            return;
        case Phase::kProbe:
            probe_files();
            return;
        case Phase::kCut:
            check_formed(false);
            cut_power_of_all();
            heal(all_nodes(options_.nodes) & ~dead_);
            return;
        case Phase::kEnd:
            if (messages_move()) {
                queue_.push({.at = now_ + sending_bound(options_),
                             .kind = EventKind::kPhase,
                             .a = static_cast<std::uint32_t>(Phase::kEnd)});
                return;
            }
            check_formed(true);
            ended_ = true;
            return;
    }
}

// E3b, of what may take long: a ring that was offered more than its network carries has thousands
// of frames waiting when nothing new is sent any more. Each node's have to become fewer from look
// to look, so this ends. False when none is left, or a node with some left got nothing through.
bool World::messages_move() {
    std::vector<std::uint64_t> open;
    bool moves = false;
    for (const auto& node : nodes_) {
        open.push_back(node->open_sends());
        moves = moves || open.back() != 0;
    }
    for (std::size_t i = 0; i < open_sends_.size(); ++i) {
        moves = moves && (open[i] == 0 || open[i] < open_sends_[i]);
    }
    open_sends_ = std::move(open);
    return moves;
}

void World::heal(NodeMask core) {
    core_ = core;
    wire_.network().heal(core);
    watch_graph();
    installs_.clear();
    for (const auto& node : nodes_) {
        installs_.push_back(node->installs());
    }
    for (std::uint32_t node = 0; node < options_.nodes; ++node) {
        if ((dead_ & mask_of(node)) == 0) {
            nodes_[node]->heal(now_);
            nodes_[node]->boot(now_);
        }
    }
}

// L6: a heal costs few rings. Each ring that is left over from before costs one merge, and timers
// that are apart briefly exclude a member once or twice.
void World::check_churn() {
    for (std::uint32_t node = 0; node < options_.nodes; ++node) {
        const std::uint64_t rings = nodes_[node]->installs() - installs_[node];
        rings_after_heal_ = std::max(rings_after_heal_, rings);
        if (rings > kRingsAfterHeal) {
            recorder_.report({"liveness",
                              "L6",
                              std::to_string(rings) + " rings installed after one heal",
                              {now_, node, nodes_[node]->life()}});
        }
    }
}

void World::check_formed(bool quiet) {
    check_churn();
    NodeMask seen = 0;
    for (std::uint32_t node = 0; node < options_.nodes; ++node) {
        if ((dead_ & mask_of(node)) != 0) {
            continue;
        }
        const NodeMask members = (core_ & mask_of(node)) != 0 ? core_ : mask_of(node);
        check_member(node, members);
        if (options_.layer == Layer::kStack) {
            check_services(node, members, quiet);
            check_files(node, members, quiet);
        }
        if ((seen & members) == 0) {
            seen |= members;
            recorder_.publish(Settled{{now_, node, nodes_[node]->life()}, members, quiet});
        }
    }
}

// Every synchronisation has ended (L8), the ring has the quorum that its votes give (Q1), and, at
// the end, every message has found its fate (E3b).
void World::check_services(std::uint32_t node, NodeMask members, bool quiet) {
    SimNode& found = *nodes_[node];
    const Where where{now_, node, found.life()};
    if (found.stack() == nullptr) {
        return;
    }
    const auto& stack = found.stack()->stack();
    for (std::uint32_t client = 0; quiet && client < found.clients(); ++client) {
        if (const auto open = found.client(client).open_sends(); open != 0) {
            recorder_.report({"liveness", "E3b",
                              std::to_string(open) + " messages of client " +
                                  std::to_string(client) + " without a fate, long after the heal",
                              where});
        }
    }
    if (stack.synchronising() || !stack.ready()) {
        recorder_.report({"liveness", "L8", "still synchronising long after the heal", where});
    }
    const bool everybody = members == all_nodes(options_.nodes);
    const auto count = static_cast<std::uint32_t>(std::popcount(members));
    const bool enough = options_.two_node ? count >= 1 : count * 2 > options_.nodes;
    const bool quorate = found.stack()->votes().ballot().quorate();
    const bool may_wait = options_.wait_for_all || options_.two_node;
    if (quorate != enough && !(may_wait && !everybody && !quorate)) {
        recorder_.report({"liveness", "Q1",
                          std::string(quorate ? "quorate" : "not quorate") + " in a ring of " +
                              members_text(members),
                          where});
    }
}

void World::check_member(std::uint32_t node, NodeMask expected) {
    const SimNode& found = *nodes_[node];
    const Where where{now_, node, found.life()};
    if (!found.alive() || found.state() != totem::State::kOperational || !found.configuration()) {
        recorder_.report(
            {"liveness", "L1",
             "not operational long after the heal; expected a ring of " + members_text(expected),
             where});
    } else if (found.configuration()->members != expected) {
        recorder_.report({"liveness", "L1",
                          "in ring " + text(found.configuration()->ring) + " of " +
                              members_text(found.configuration()->members) +
                              " long after the heal; expected " + members_text(expected),
                          where});
    }
}

}  // namespace sim
