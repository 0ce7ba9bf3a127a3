// The host of perform.h: what a step of the cores does to the world and tells the recorder.
#include <algorithm>
#include <utility>
#include <variant>

#include "sim/random.h"
#include "sim/sim_node.h"
#include "totem/group/perform.h"

namespace sim {

namespace {

NodeMask mask_of_list(const std::vector<totem::NodeId>& ids, std::uint32_t nodes, bool& listed) {
    NodeMask mask = 0;
    std::uint32_t last = 0;
    for (const totem::NodeId id : ids) {
        std::uint32_t index = 0;
        listed = listed && index_of(id, nodes, index) && totem::raw(id) > last;
        last = totem::raw(id);
        mask |= index < kNodesMax ? mask_of(index) : 0;
    }
    return mask;
}

}  // namespace

void SimNode::step(Instant now, const totem::group::StackInput& input) {
    now_ = now;
    ++steps_;
    effects_.clear();
    const Instant local = clock_.local(now);
    if (deadline_passed(now)) {
        late_until_ = local + world_.options.ring.join;
    }
    gained_early_ = false;
    strike_from_ambush();
    synchronising_ = stack_machine_ != nullptr && stack_machine_->stack().synchronising();
    machine_->step(local, input, effects_);
    // Numbers are given before anything is sent or delivered.
    for (const totem::Trace& trace : effects_.ring.traces) {
        if (trace.kind == totem::TraceKind::kOriginated) {
            const Seq seq{static_cast<std::uint32_t>(trace.a)};
            world_.recorder.publish(Originated{.where = where(), .ring = trace.ring, .seq = seq});
        }
    }
    memo_.used = std::max(memo_.used, machine_->node().ring_number_used());
    totem::group::perform(effects_, *this);
    if (dying_) {
        fall(now, dying_fate_, *this);
        return;
    }
    if (gained_early_) {
        report_gain();
    }
    check_invariants();
}

void SimNode::strike_from_ambush() {
    if (ambush_ && state() == ambush_->state && ++steps_in_state_ >= ambush_->steps) {
        crash_during(1, DiskFate::kKept);
    }
}

void SimNode::check_invariants() {
    const totem::Snapshot now = machine_->node().snapshot();
    auto broken = totem::broken_invariant(now);
    if (!broken && snapshot_) {
        broken = totem::broken_change(*snapshot_, now);
    }
    if (broken) {
        world_.recorder.report({"invariants", std::string(broken->substr(0, broken->find(' '))),
                                std::string(*broken), where()});
    }
    publish_progress(now);
    snapshot_ = now;
}

// What only the node knows, when it changes.
void SimNode::publish_progress(const totem::Snapshot& now) {
    const bool operational = now.state == totem::State::kOperational;
    if (operational &&
        (!snapshot_ || !(snapshot_->stable == now.stable) || !(snapshot_->ring == now.ring))) {
        world_.recorder.publish(SafeLine{where(), now.ring, now.stable});
    }
    const Idle idle{where(), now.ring, now.holds_token, operational && now.backlog > 0};
    if (idle.holds != idle_.holds || idle.news != idle_.news || !(idle.ring == idle_.ring)) {
        idle_ = idle;
        world_.recorder.publish(idle);
    }
}

bool SimNode::effect_happens() {
    if (effects_left_ > 0 && --effects_left_ == 0) {
        dying_ = true;
    }
    return !dying_;
}

void SimNode::persist(std::uint64_t ring_seq) {
    if (!effect_happens()) {
        return;
    }
    memo_.asked = ring_seq;
    // Writes of one file follow each other.
    const std::uint64_t h = draw(world_.options.seed, Purpose::kDisk,
                                 (std::uint64_t{index_} << 32U) | life_, ++writes_);
    write_free_at_ = std::max(write_free_at_, now_) +
                     sample({disk_latency_ / 2, disk_latency_ / 10, Tail::kExponential}, h);
    writing_.push_back(ring_seq);
    plan_persisted(write_free_at_, ring_seq);
}

void SimNode::plan_persisted(Instant at, std::uint64_t ring_seq) {
    world_.queue.push({.at = at,
                       .kind = EventKind::kPersisted,
                       .node = static_cast<std::uint8_t>(index_),
                       .life = life_,
                       .a = static_cast<std::uint32_t>(ring_seq),
                       .b = static_cast<std::uint32_t>(ring_seq >> 32U)});
}

void SimNode::deliver_message(const totem::DeliveredMessage& message) {
    const auto bytes = message.payload.bytes();
    world_.recorder.publish(Delivered{where(), message.ring, message.seq, message.sender,
                                      message.guarantee, hash_bytes(bytes),
                                      static_cast<std::uint32_t>(bytes.size())});
}

void SimNode::deliver_configuration(const totem::Configuration& change) {
    Configured event;
    event.where = where();
    event.regular = change.kind == totem::Configuration::Kind::kRegular;
    event.ring = change.ring;
    event.members = mask_of_list(change.members, world_.options.nodes, event.listed);
    event.left = mask_of_list(change.left, world_.options.nodes, event.listed);
    event.joined = mask_of_list(change.joined, world_.options.nodes, event.listed);
    if (event.regular) {
        configuration_ = event;
        ++installs_;
    }
    world_.recorder.publish(event);
}

void SimNode::deliver(const totem::Delivery& delivery) {
    if (!effect_happens()) {
        return;
    }
    if (const auto* message = std::get_if<totem::DeliveredMessage>(&delivery)) {
        deliver_message(*message);
    } else if (const auto* change = std::get_if<totem::Configuration>(&delivery)) {
        deliver_configuration(*change);
    }
}

void SimNode::trace(const totem::Trace& trace) {
    switch (trace.kind) {
        case totem::TraceKind::kState:
            ++moves_;
            steps_in_state_ = 0;
            world_.recorder.publish(StateChanged{where(), static_cast<totem::State>(trace.a),
                                                 static_cast<totem::State>(trace.b),
                                                 static_cast<totem::GatherReason>(trace.c)});
            return;
        case totem::TraceKind::kReleased:
            world_.recorder.publish(
                Released{where(), trace.ring, Seq{static_cast<std::uint32_t>(trace.a)}});
            return;
        case totem::TraceKind::kTokenReceived:
            world_.recorder.publish(TokenTaken{where(), trace.ring,
                                               static_cast<std::uint32_t>(trace.b),
                                               Seq{static_cast<std::uint32_t>(trace.a)}});
            return;
        default:
            return;
    }
}

void SimNode::wake_at(std::optional<totem::Instant> deadline) {
    deadline_ = deadline;
    arm();
}

void SimNode::arm() {
    if (!deadline_) {
        return;
    }
    const Instant when = std::max(clock_.world(*deadline_), now_ + Duration{1});
    if (!armed_ || when < *armed_) {
        armed_ = when;
        world_.queue.push({.at = when,
                           .kind = EventKind::kWake,
                           .node = static_cast<std::uint8_t>(index_),
                           .life = life_});
    }
}

}  // namespace sim
