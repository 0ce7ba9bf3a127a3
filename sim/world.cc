#include "sim/world.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "sim/checkers/all.h"
#include "sim/random.h"

namespace sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// The target of L6 is 3; clocks that are 10 % apart cost one or two more.
constexpr std::uint64_t kRingsAfterHeal = 5;

}  // namespace

World::World(const Options& options, Schedule schedule)
    : options_(options),
      schedule_(std::move(schedule)),
      recorder_(Seq{options.ring.first_seq}),
      wire_(options_, queue_),
      core_(all_nodes(options.nodes)),
      submits_(options.nodes) {
    add_all_checkers(recorder_, options_);
    for (std::uint32_t node = 0; node < options_.nodes; ++node) {
        nodes_.push_back(
            std::make_unique<SimNode>(Surroundings{options_, queue_, wire_, recorder_}, node));
        const std::uint64_t h = draw(options_.seed, Purpose::kBoot, node);
        const auto at = microseconds{below(h, chance(mix(h), 300) ? 1 : 500'000)};
        queue_.push(
            {.at = after(at), .kind = EventKind::kBoot, .node = static_cast<std::uint8_t>(node)});
        next_submit(node);
    }
    for (std::uint32_t i = 0; i < schedule_.size(); ++i) {
        const Fault& fault = schedule_[i];
        queue_.push({.at = after(fault.at), .kind = EventKind::kFaultBegin, .a = i});
        queue_.push({.at = after(fault.at + fault.lasts), .kind = EventKind::kFaultEnd, .a = i});
    }
    const auto phase = [this](Duration at, Phase which) {
        queue_.push(
            {.at = after(at), .kind = EventKind::kPhase, .a = static_cast<std::uint32_t>(which)});
    };
    phase(options_.heal_at, Phase::kHeal);
    phase(options_.whole_at, Phase::kWhole);
    phase(options_.duration, Phase::kEnd);
}

World::~World() = default;

Outcome World::run() {
    Outcome outcome;
    while (!queue_.empty() && !ended_ && !recorder_.findings().first()) {
        const Event event = queue_.pop();
        now_ = event.at;
        ++outcome.events;
        dispatch(event);
    }
    outcome.trace_hash = recorder_.hash();
    outcome.rings_installed = recorder_.rings_installed();
    outcome.deliveries =
        options_.layer == Layer::kRing ? recorder_.deliveries() : recorder_.heard();
    outcome.datagrams = wire_.sent();
    outcome.torn = torn_time_;
    outcome.torn_rings = torn_rings_;
    outcome.rings_after_heal = rings_after_heal_;
    outcome.coverage = recorder_.coverage();
    outcome.violation = recorder_.findings().first();
    if (outcome.violation) {
        outcome.evidence = recorder_.recent();
    }
    return outcome;
}

void World::dispatch(const Event& event) {
    SimNode& node = *nodes_[event.node];
    switch (event.kind) {
        case EventKind::kArrive:
            if (Packet packet = wire_.take(event.a); !packet.replayed || !healed_) {
                node.arrive(now_, std::move(packet));
            }
            return;
        case EventKind::kWake:
            node.on_wake(now_, event.life);
            return;
        case EventKind::kRun:
            node.on_run(now_, event.life);
            return;
        case EventKind::kPersisted:
            node.on_persisted(now_, event.life, (std::uint64_t{event.b} << 32U) | event.a);
            return;
        case EventKind::kSubmit:
            submit(event.node);
            return;
        case EventKind::kBoot:
            node.boot(now_);
            return;
        case EventKind::kFaultBegin:
            begin_fault(schedule_[event.a]);
            return;
        case EventKind::kFaultEnd:
            end_fault(schedule_[event.a]);
            return;
        case EventKind::kClient:
            node.on_client(now_, event.a);
            return;
        case EventKind::kHangUp:
            node.on_hang_up(now_, event.life, event.a);
            return;
        case EventKind::kPhase:
            enter(static_cast<Phase>(event.a));
            return;
    }
}

// ---- load
// -----------------------------------------------------------------------------------------

void World::next_submit(std::uint32_t node) {
    const std::uint64_t h =
        draw(options_.seed, Purpose::kLoad, node, ~std::uint64_t{submits_[node]});
    const Latency gap{options_.load.every / 4, options_.load.every * 3 / 4, Tail::kExponential};
    queue_.push({.at = now_ + sample(gap, h),
                 .kind = EventKind::kSubmit,
                 .node = static_cast<std::uint8_t>(node)});
}

void World::submit(std::uint32_t node) {
    const Load& load = options_.load;
    const std::uint64_t h = draw(options_.seed, Purpose::kLoad, node, ++submits_[node]);
    const Duration since_start = now_.time_since_epoch();
    // The last third of the settling is quiet, so that everything sent has arrived at the end.
    const bool ending =
        since_start > options_.duration - (options_.duration - options_.whole_at) / 3;
    if (!ending && (since_start < load.quiet_from || since_start >= load.quiet_until)) {
        nodes_[node]->submit(now_, 1 + below(mix(h), load.burst_max));
    }
    next_submit(node);
}

// ---- faults
// ---------------------------------------------------------------------------------------

void World::begin_fault(const Fault& fault) {
    if (healed_) {
        return;
    }
    wire_.network().begin(fault);
    watch_graph();
    for (std::uint32_t node = 0; node < options_.nodes; ++node) {
        if ((fault.from & mask_of(node)) != 0) {
            begin_node_fault(fault, *nodes_[node], node);
        }
    }
}

void World::begin_node_fault(const Fault& fault, SimNode& node, std::uint32_t index) {
    const auto fate = static_cast<DiskFate>(fault.value % kDiskFates);
    switch (fault.kind) {
        case FaultKind::kCrash:
            if (fault.extra == 0) {
                node.crash(now_, fate, nodes_[(index + 1) % options_.nodes]->disk());
            } else {
                node.crash_during(fault.extra, fate);
            }
            return;
        case FaultKind::kAmbush:
            node.lie_in_wait({static_cast<totem::State>(fault.value % 4), fault.extra});
            return;
        case FaultKind::kLeave:
            node.leave(now_);
            return;
        case FaultKind::kPause:
            node.pause(now_);
            return;
        case FaultKind::kSlow:
            node.set_service(microseconds{fault.value});
            return;
        case FaultKind::kClockJump:
            node.jump_clock(now_, milliseconds{fault.value});
            return;
        case FaultKind::kSlowDisk:
            node.set_disk_latency(milliseconds{fault.value});
            return;
        case FaultKind::kForceGather:
            node.force_gather(now_);
            return;
        case FaultKind::kBurst:
            node.submit(now_, fault.value);
            return;
        case FaultKind::kClientCrash:
            if (node.clients() > 0) {
                node.client(fault.extra % static_cast<std::uint32_t>(node.clients())).crash(now_);
            }
            return;
        case FaultKind::kClientPause:
            if (node.clients() > 0) {
                node.client(fault.extra % static_cast<std::uint32_t>(node.clients())).pause();
            }
            return;
        default:
            return;
    }
}

void World::end_fault(const Fault& fault) {
    if (healed_) {
        return;
    }
    wire_.network().end(fault);
    watch_graph();
    for (std::uint32_t node = 0; node < options_.nodes; ++node) {
        if ((fault.from & mask_of(node)) != 0) {
            end_node_fault(fault, *nodes_[node]);
        }
    }
}

void World::end_node_fault(const Fault& fault, SimNode& node) {
    switch (fault.kind) {
        case FaultKind::kCrash:
        case FaultKind::kAmbush:
            node.cancel_crash();
            node.boot(now_);
            return;
        case FaultKind::kLeave:
            node.boot(now_);
            return;
        case FaultKind::kPause:
            node.resume(now_);
            return;
        case FaultKind::kSlow:
            node.set_service(options_.service);
            return;
        case FaultKind::kSlowDisk:
            node.set_disk_latency(milliseconds{1});
            return;
        case FaultKind::kClientCrash:
            if (node.clients() > 0) {
                node.client(fault.extra % static_cast<std::uint32_t>(node.clients())).start(now_);
            }
            return;
        case FaultKind::kClientPause:
            if (node.clients() > 0) {
                node.client(fault.extra % static_cast<std::uint32_t>(node.clients())).resume(now_);
            }
            return;
        default:
            return;
    }
}

// Classical Totem promises no stable ring on such a graph (L7 is for a later extension).
void World::watch_graph() {
    if (torn_) {
        torn_time_ += now_ - torn_since_;
        torn_rings_ += recorder_.rings_installed() - torn_from_rings_;
    }
    torn_ = !wire_.network().transitive();
    torn_since_ = now_;
    torn_from_rings_ = recorder_.rings_installed();
}

// ---- phases
// ---------------------------------------------------------------------------------------

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
        case Phase::kEnd:
            check_formed(true);
            ended_ = true;
            return;
    }
}

void World::heal(NodeMask core) {
    core_ = core;
    wire_.network().heal(core);
    watch_graph();
    installs_.clear();
    for (const auto& node : nodes_) {
        installs_.push_back(node->installs());
    }
    for (const auto& node : nodes_) {
        node->heal(now_);
        node->boot(now_);
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
        const NodeMask members = (core_ & mask_of(node)) != 0 ? core_ : mask_of(node);
        check_member(node, members);
        if (options_.layer == Layer::kStack) {
            check_services(node, members, quiet);
        }
        if ((seen & members) == 0) {
            seen |= members;
            recorder_.publish(Settled{{now_, node, nodes_[node]->life()}, members, quiet});
        }
    }
}

// Every synchronisation has ended (L8), the ring has the quorum that its votes give (Q1), and, once
// nothing is sent, every message has found its fate (E3b).
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
