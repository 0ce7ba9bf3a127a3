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

}  // namespace

World::World(const Options& options, Schedule schedule)
    : options_(options),
      schedule_(std::move(schedule)),
      recorder_(Seq{options.ring.first_seq}, options.nodes),
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
    if (options_.files.on) {
        phase(options_.files.cut_at, Phase::kCut);
        for (const Duration end : {options_.whole_at, options_.files.cut_at, options_.duration}) {
            phase(end - options_.files.settle / 2, Phase::kProbe);
        }
    }
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
    outcome.files = told_of_files();
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
                node.crash(now_, fate, *nodes_[(index + 1) % options_.nodes]);
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
            node.crash_client(now_, client_of(fault, node), fate,
                              *nodes_[(index + 1) % options_.nodes]);
            return;
        case FaultKind::kClientPause:
            node.set_client_paused(now_, client_of(fault, node), true);
            return;
        case FaultKind::kExpect:
            node.expect_votes(now_, fault.value);
            return;
        case FaultKind::kForeign:
            if (node.files() != nullptr) {
                node.start_client(now_, kForeigner);
            }
            return;
        case FaultKind::kDiskFull:
        case FaultKind::kDiskFails:
            begin_disk_fault(fault, node);
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
            if (node.starts_itself(client_of(fault, node))) {
                node.start_client(now_, client_of(fault, node));
            }
            return;
        case FaultKind::kClientPause:
            node.set_client_paused(now_, client_of(fault, node), false);
            return;
        case FaultKind::kForeign:
            if (node.files() != nullptr) {
                node.crash_client(now_, kForeigner, DiskFate::kKept, node);
            }
            return;
        case FaultKind::kDiskFull:
            if (node.files() != nullptr) {
                node.files()->disk().set_full(false);
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

// Which of the node's clients a fault is about.
std::uint32_t World::client_of(const Fault& fault, const SimNode& node) {
    const auto clients = static_cast<std::uint32_t>(node.clients());
    return clients == 0 ? 0 : fault.extra % clients;
}

void World::begin_disk_fault(const Fault& fault, SimNode& node) {
    if (node.files() == nullptr) {
        return;
    }
    if (fault.kind == FaultKind::kDiskFull) {
        node.files()->disk().set_full(true);
    } else {
        node.files()->fail_disk();
    }
}

}  // namespace sim
