// GATHER: agreeing on who is to form the next ring (totem.md 4.1, 4.2, 4.4, 6.1).
#include "totem/core/machine.h"
#include "totem/core/mutant.h"

namespace totem {

void Machine::enter_gather(GatherReason reason) {
    if (state_ == State::kRecovery) {
        abandon_recovery();
    }
    if (!(ring_ == installed_ring_)) {
        membership_.leave_ring(ring_);
    }
    timers_.cancel_all();
    stored_ = {};
    commit_waits_ = false;
    believes_held_ = false;
    enter_state(State::kGather, static_cast<std::uint64_t>(reason));
    ++context_.stats.gather_entered;
    ++context_.stats.continuous_gather;

    membership_.begin_round();
    start(TimerId::kConsensus, config().consensus);
    if (config().send_join.count() > 0) {
        start(TimerId::kJoin, join_delay());
        return;
    }
    start(TimerId::kJoin, config().join);
    send_join();
    commit_if_agreed();
}

// The own join reaches this node without the network: begin_round() counted it.
void Machine::send_join() {
    const Join join{.from = self(),
                    .system_from = self(),
                    .ring_seq = std::min(numbers_.own(), numbers_.durable_bound()),
                    .proc = membership_.proc(),
                    .failed = membership_.failed()};
    context_.multicast(encode(*context_.pool, join));
    ++context_.stats.memb_join_tx;
    context_.trace({.kind = TraceKind::kJoinSent,
                    .ring = ring_,
                    .a = join.proc.size(),
                    .b = join.failed.size()});
}

// The random part of a join's time: the core's only randomness (splitmix64), from config.seed.
Duration Machine::join_delay() {
    const auto most = static_cast<std::uint64_t>(Duration(config().send_join).count());
    if (most == 0) {
        return {};
    }
    jitter_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t mixed = jitter_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBULL;
    mixed ^= mixed >> 31U;
    return Duration(static_cast<Duration::rep>(mixed % most));
}

void Machine::send_leave() {
    Join leave{.from = kNoNode,
               .system_from = self(),
               .ring_seq = std::min(numbers_.own(), numbers_.durable_bound()),
               .proc = membership_.proc(),
               .failed = membership_.failed()};
    leave.proc.erase(self());
    leave.failed.erase(self());
    if (!leave.failed.full()) {
        leave.failed.insert(self());
    }
    context_.multicast(encode(*context_.pool, leave));
    ++context_.stats.memb_join_tx;
}

// ---- joins ------------------------------------------------------------------------------------

void Machine::on_join(const FrameRef& frame) {
    const auto join = decode_join(frame.bytes());
    if (!join) {
        return refuse(frame.bytes(), static_cast<std::uint64_t>(join.error()));
    }
    const bool two_names = join->from != kNoNode && join->from != join->system_from;
    if (two_names || join->system_from == self()) {
        return refuse(frame.bytes(), FrameRefusal::kImpersonates);
    }
    if (!numbers_.plausible(join->ring_seq)) {
        return refuse(frame.bytes(), FrameRefusal::kImplausible);
    }
    if (drain_until_) {
        return refuse(frame.bytes(), FrameRefusal::kLate);
    }
    ++context_.stats.memb_join_rx;
    context_.trace({.kind = TraceKind::kJoinReceived,
                    .peer = join->system_from,
                    .ring = ring_,
                    .a = join->ring_seq});
    numbers_.hear(join->ring_seq);
    request_persist();
    if (ignores(*join)) {
        return;
    }
    if (state_ == State::kCommit || state_ == State::kRecovery) {
        return join_while_forming(*join);
    }
    process_join(*join);
    if (state_ == State::kOperational) {
        enter_gather(GatherReason::kJoinOperational);
        agree_again(*join);
    }
}

// Joins that this state does not look at (totem.md 4.1).
bool Machine::ignores(const Join& join) const {
    const NodeId sender = join.system_from;
    const bool leave = join.from == kNoNode;
    switch (state_) {
        case State::kOperational:
            if (!membership_.members().contains(sender)) {
                // A leave of a stranger is none of our business. One that has excluded a member of
                // this ring cannot become part of it in this gather, and would only split it.
                return leave || membership_.goes_alone(join) ||
                       (join.failed.contains_any(membership_.members()) &&
                        !TOTEM_MUTANT(accusation_heeded));
            }
            return (join.ring_seq < ring_.seq && !TOTEM_MUTANT(late_join_heeded)) ||
                   (!leave && join.failed.contains(self()) && !TOTEM_MUTANT(accusation_heeded));
        case State::kGather:
            return membership_.goes_alone(join);
        case State::kCommit:
        case State::kRecovery:
            return !forming_members_.contains(sender) || join.ring_seq < ring_.seq;
    }
    return true;
}

void Machine::process_join(const Join& join) {
    const NodeList failed_before = membership_.failed();
    switch (membership_.judge(join)) {
        case Membership::Verdict::kSame:
            return commit_if_agreed();
        case Membership::Verdict::kChanged: {
            const bool leave = join.from == kNoNode;
            if (leave) {
                context_.trace({.kind = TraceKind::kLeft, .peer = join.system_from, .ring = ring_});
            }
            const FailCause told =
                join.failed.contains(self()) ? FailCause::kAccusesMe : FailCause::kToldByMember;
            trace_failed(failed_before, leave ? FailCause::kLeaves : told);
            enter_gather(GatherReason::kJoinChangedLists);
            return agree_again(join);
        }
        case Membership::Verdict::kBehind:
        case Membership::Verdict::kExcluded:
        case Membership::Verdict::kSplits:
        case Membership::Verdict::kTooMany:
            return;
    }
}

// Entering GATHER forgot who agrees; a sender whose sets are now ours does.
void Machine::agree_again(const Join& join) {
    if (state_ == State::kGather && membership_.judge(join) == Membership::Verdict::kSame) {
        commit_if_agreed();
    }
}

// All members of the forming ring agreed on the same fail set, and only to install the ring clears
// it. So a member without it has installed that ring and gathers from there, with new nodes maybe
// those that were excluded: to exclude them still would undo every merge at its last step.
bool Machine::installed_by_sender(const Join& join) const {
    return join.from != kNoNode && join.proc.contains(self()) &&
           !join.failed.contains_all(membership_.failed());
}

// A member of the ring that is being formed has given up on it: so does this node.
void Machine::join_while_forming(const Join& join) {
    const GatherReason reason =
        state_ == State::kCommit ? GatherReason::kJoinCommit : GatherReason::kJoinRecovery;
    if (state_ == State::kRecovery && installed_by_sender(join)) {
        membership_.gather_from(forming_members_);
    }
    enter_gather(reason);
    if (state_ == State::kGather) {
        process_join(join);
    }
}

void Machine::commit_if_agreed() {
    if (state_ != State::kGather || !membership_.agreed()) {
        return;
    }
    if (membership_.cannot_receive()) {
        membership_.become_singleton();
        create_commit_token();
    } else if (membership_.lowest_candidate()) {
        create_commit_token();
    }
}

void Machine::on_consensus_timeout(GatherReason reason) {
    const bool token_timer = reason == GatherReason::kConsensusExpired;
    if (membership_.agreed()) {
        // The representative's turn to commit: wait for it for a token timeout.
        membership_.begin_round();
        if (!token_timer) {
            return start(TimerId::kTokenLoss, config().token);
        }
    } else {
        ++context_.stats.consensus_timeouts;
        const NodeList before = membership_.failed();
        membership_.fail_the_silent();
        trace_failed(before, FailCause::kNoConsensus);
    }
    enter_gather(reason);
}

void Machine::trace_failed(const NodeList& before, FailCause cause) {
    for (const NodeId node : membership_.failed().minus(before)) {
        context_.trace({.kind = TraceKind::kFailed,
                        .peer = node,
                        .ring = ring_,
                        .a = static_cast<std::uint64_t>(cause)});
    }
}

// ---- foreign frames -----------------------------------------------------------------------------

void Machine::on_merge_detect(const FrameRef& frame) {
    const auto message = decode_merge_detect(frame.bytes());
    if (!message) {
        return refuse(frame.bytes(), static_cast<std::uint64_t>(message.error()));
    }
    if (message->from != message->system_from || message->system_from == self()) {
        return refuse(frame.bytes(), FrameRefusal::kImpersonates);
    }
    ++context_.stats.memb_merge_detect_rx;
    if (!(message->ring == ring_)) {
        on_foreign(message->system_from, message->ring, GatherReason::kMergeOperational,
                   GatherReason::kMergeGather);
    }
}

// A copy that was under way for long: of a ring that this node was part of and has left, or of a
// member's past. Neither tells of a ring to merge with.
bool Machine::late_copy(NodeId sender, const RingId& ring) const {
    const bool members_past =
        ring.seq < installed_ring_.seq && membership_.members().contains(sender);
    return membership_.has_left(ring) || members_past;
}

void Machine::on_foreign(NodeId sender, const RingId& ring, GatherReason operational,
                         GatherReason gathering) {
    if (state_ == State::kCommit || state_ == State::kRecovery || late_copy(sender, ring)) {
        return;
    }
    const bool news = membership_.consider(sender);
    if (state_ == State::kOperational) {
        enter_gather(operational);
    } else if (news) {
        enter_gather(gathering);
    }
}

}  // namespace totem
