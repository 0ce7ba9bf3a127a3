#include "totem/core/machine.h"

#include <algorithm>
#include <variant>

namespace totem {

Machine::Machine(const RingConfig& config, FramePool& pool, MessageSource& source, TraceMask mask)
    : context_{.config = config,
               .pool = &pool,
               .source = &source,
               .mask = mask,
               .stats = {},
               .now = {}},
      membership_(config.self),
      commit_(std::make_unique<CommitToken>()),
      jitter_(config.seed) {
    TOTEM_CHECK(config.self != kNoNode);
}

void Machine::step(Instant now, const Input& input, Effects& out) {
    TOTEM_CHECK(context_.now <= now);
    context_.now = now;
    context_.out = &out;
    if (!ended_) {
        notice_pause();
        std::visit([this](const auto& value) { on(value); }, input);
    }
    out.wake_at = timers_.earliest();
}

// ---- inputs -----------------------------------------------------------------------------------

void Machine::on(const Start& input) {
    if (started_ || numbers_.own() != 0) {
        return;
    }
    numbers_.start(input.stored_ring_seq);
    ring_ = {.representative = self(), .seq = numbers_.own()};
    installed_ring_ = ring_;
    installed_.reset(first_seq());
    forming_.reset(first_seq());
    // Silent until the first number is durable: a node with a stalled disk must not draw others
    // into a ring that it cannot form.
    request_persist();
}

void Machine::on(const Persisted& input) {
    numbers_.persisted(std::min(input.ring_seq, RingNumbers::kLargest));
    if (!started_ && numbers_.own() != 0 && numbers_.durable(numbers_.own())) {
        started_ = true;
        enter_gather(GatherReason::kInterfaceChange);
    } else if (commit_waits_ && state_ == State::kCommit && numbers_.durable(ring_.seq)) {
        commit_waits_ = false;
        send_commit_token();
    }
}

void Machine::on(const Received& input) {
    if (!started_) {
        return;
    }
    const Bytes bytes = input.frame.bytes();
    const auto type = peek_type(bytes);
    if (!type) {
        refuse(bytes, static_cast<std::uint64_t>(type.error()));
        return;
    }
    switch (*type) {
        case FrameType::kOrfToken:
            return on_token(input.frame);
        case FrameType::kData:
            return on_data(input.frame);
        case FrameType::kMergeDetect:
            return on_merge_detect(input.frame);
        case FrameType::kJoin:
            return on_join(input.frame);
        case FrameType::kCommitToken:
            return on_commit_token(input.frame);
        case FrameType::kHoldCancel:
            return on_hold_cancel(input.frame);
    }
}

void Machine::on(const Submitted& /*input*/) {
    if (state_ != State::kOperational || context_.source->backlog() == 0) {
        return;
    }
    if (stored_.held) {
        release_hold();
    } else if (believes_held_) {
        believes_held_ = false;
        context_.multicast(encode(*context_.pool, HoldCancel{.from = self(), .ring = ring_}));
        ++context_.stats.token_hold_cancel_tx;
        context_.trace({.kind = TraceKind::kHoldCancelSent, .ring = ring_});
    }
}

void Machine::on(const Leave& /*input*/) {
    if (started_) {
        send_leave();
    }
    ended_ = true;
    timers_.cancel_all();
    stored_ = {};
}

void Machine::on(const LinkChange& input) {
    const auto bit = static_cast<std::uint8_t>(1U << (static_cast<unsigned>(input.link) & 7U));
    const auto down = static_cast<std::uint8_t>(input.up ? links_down_ & ~bit : links_down_ | bit);
    if (down == links_down_) {
        return;
    }
    links_down_ = down;
    if (started_) {
        enter_gather(GatherReason::kInterfaceChange);
    }
}

void Machine::on(const Reconfigure& input) {
    const RingConfig before = context_.config;
    context_.config = input.config;
    context_.config.self = before.self;
    context_.config.first_seq = before.first_seq;
}

void Machine::on(const ForceGather& /*input*/) {
    if (started_) {
        enter_gather(GatherReason::kForced);
    }
}

void Machine::on(const Wake& /*input*/) {
    while (const auto timer = timers_.take_due(context_.now)) {
        on_timer(*timer);
    }
}

// ---- timers -----------------------------------------------------------------------------------

// A step that comes more than half a token timeout late means that this process did not run. What
// is queued was sent to a node that seemed dead, and the timers measured its own sleep: they start
// again, and joins of that time are not believed (totem.md 2, pause timer; properties.md M13).
void Machine::notice_pause() {
    const auto due = timers_.earliest();
    const Duration allowed = config().token / 2;
    if (due && context_.now - *due > allowed) {
        context_.trace({.kind = TraceKind::kPaused,
                        .ring = ring_,
                        .a = static_cast<std::uint64_t>((context_.now - *due).count()),
                        .b = static_cast<std::uint64_t>(allowed.count())});
        timers_.restart_all(context_.now);
        drain_until_ = context_.now + config().join;
    } else if (drain_until_ && *drain_until_ <= context_.now) {
        drain_until_.reset();
    }
}

void Machine::on_timer(TimerId timer) {
    switch (timer) {
        case TimerId::kTokenLoss:
            return on_token_loss();
        case TimerId::kTokenRetransmit:
            return resend_stored();
        case TimerId::kHold:
            return release_hold();
        case TimerId::kJoin:
            send_join();
            start(TimerId::kJoin, config().join + join_delay());
            return commit_if_agreed();
        case TimerId::kConsensus:
            return on_consensus_timeout(GatherReason::kConsensusTimeout);
        case TimerId::kMerge:
            if (state_ == State::kOperational) {
                context_.multicast(
                    encode(*context_.pool,
                           MergeDetect{.from = self(), .system_from = self(), .ring = ring_}));
                ++context_.stats.memb_merge_detect_tx;
                context_.trace({.kind = TraceKind::kMergeDetectSent, .ring = ring_});
            }
            return;
        case TimerId::kCommit:
            ++context_.stats.commit_token_lost;
            return enter_gather(GatherReason::kTokenLostCommit);
    }
}

void Machine::on_token_loss() {
    switch (state_) {
        case State::kOperational:
            ++context_.stats.operational_token_lost;
            return enter_gather(GatherReason::kTokenLostOperational);
        case State::kGather:
            ++context_.stats.gather_token_lost;
            on_consensus_timeout(GatherReason::kConsensusExpired);
            return;
        case State::kCommit:
            ++context_.stats.commit_token_lost;
            return enter_gather(GatherReason::kTokenLostCommit);
        case State::kRecovery:
            ++context_.stats.recovery_token_lost;
            return enter_gather(GatherReason::kTokenLostRecovery);
    }
}

// ---- shared -----------------------------------------------------------------------------------

void Machine::refuse(Bytes frame, std::uint64_t reason) {
    ++context_.stats.rx_msg_dropped;
    if ((context_.mask & trace_bit(TraceKind::kFrameRejected)) == 0) {
        return;
    }
    const auto type = peek_type(frame);
    context_.trace({.kind = TraceKind::kFrameRejected,
                    .peer = claimed_sender(frame),
                    .ring = ring_,
                    .a = type ? static_cast<std::uint64_t>(*type) : 255,
                    .b = reason});
}

void Machine::refuse(Bytes frame, FrameRefusal reason) {
    ++context_.stats.refused[static_cast<std::size_t>(reason) - kFirstFrameRefusal];
    refuse(frame, static_cast<std::uint64_t>(reason));
}

void Machine::enter_state(State next, std::uint64_t reason) {
    context_.trace({.kind = TraceKind::kState,
                    .ring = ring_,
                    .a = static_cast<std::uint64_t>(state_),
                    .b = static_cast<std::uint64_t>(next),
                    .c = reason});
    state_ = next;
}

void Machine::request_persist() {
    if (const auto bound = numbers_.bound_wanted()) {
        context_.out->persist = bound;
    }
}

std::uint64_t Machine::state_hash() const {
    Hasher hasher;
    hasher.add(static_cast<std::uint64_t>(state_) | (started_ ? 8U : 0U) | (ended_ ? 16U : 0U) |
               (installed_any_ ? 32U : 0U) | (commit_waits_ ? 64U : 0U) |
               (ring_started_ ? 128U : 0U) | (believes_held_ ? 256U : 0U) |
               (stored_.held ? 512U : 0U) | (std::uint64_t{links_down_} << 16U));
    hasher.add(ring_);
    hasher.add(installed_ring_);
    hasher.add(forming_members_);
    numbers_.hash(hasher);
    membership_.hash(hasher);
    timers_.hash(hasher);
    installed_.hash(hasher);
    forming_.hash(hasher);
    recovery_.hash(hasher);
    flow_.hash(hasher);
    hold_rule_.hash(hasher);
    stuck_rule_.hash(hasher);
    hasher.add(stored_.successor);
    hasher.add(std::uint64_t{stored_.token_seq} << 32U | token_seq_.value);
    hasher.add(std::uint64_t{commit_->token_seq} << 32U | commit_->memb_index);
    hasher.add(std::uint64_t{static_cast<std::uint32_t>(frames_sent_)});
    hasher.add(jitter_);
    hasher.add(drain_until_);
    return hasher.value();
}

Snapshot Machine::snapshot() const {
    const NodeList& consensus = membership_.consensus();
    const std::size_t backlog =
        state_ == State::kRecovery ? recovery_.backlog() : context_.source->backlog();
    return {.state = state_,
            .started = started_,
            .ended = ended_,
            .ring = ring_,
            .installed_ring = installed_ring_,
            .durable_bound = numbers_.durable_bound(),
            .commit_sent = state_ == State::kCommit && !commit_waits_,
            .released = installed_.released(),
            .aru = installed_.aru(),
            .high_seq = installed_.high_seq(),
            .delivered = installed_.delivered(),
            .stable = installed_.stable(),
            .token_seq = token_seq_,
            .sent_last = flow_.sent_last(),
            .max_messages = config().max_messages,
            .backlog = backlog,
            .proved_complete = state_ == State::kRecovery && recovery_.proved(),
            .owed = recovery_.owed(),
            .behind_gap =
                state_ == State::kOperational ? std::size_t{0} : recovery_.behind_gap(installed_),
            .proc_size = membership_.proc().size(),
            .failed_size = membership_.failed().size(),
            .members_size = membership_.members().size(),
            .self_in_proc = membership_.proc().contains(self()),
            .self_failed = membership_.failed().contains(self()),
            .cannot_receive = membership_.cannot_receive(),
            .consensus_within_proc = membership_.proc().contains_all(consensus),
            .holds_token = stored_.held,
            .representative = representative(),
            .wake_at = timers_.earliest()};
}

}  // namespace totem
