// The ring processor: the four states, what moves it between them, and the handlers of every frame.
//
// Handlers are grouped in files by concern: machine.cc (inputs, timers), gather.cc (joins, foreign
// frames), commit.cc (the commit token), token.cc (the regular token and messages), change.cc
// (recovery, and installing a ring). Decisions that need no effects live in Membership, Ordering,
// Recovery, FlowControl, HoldRule and StuckRule.
//
// Source: totem.md sections 4 to 6; deviations in docs/protocol.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "totem/core/codec.h"
#include "totem/core/context.h"
#include "totem/core/effects.h"
#include "totem/core/flow_control.h"
#include "totem/core/invariants.h"
#include "totem/core/membership.h"
#include "totem/core/ordering.h"
#include "totem/core/recovery.h"
#include "totem/core/ring_numbers.h"
#include "totem/core/timers.h"
#include "totem/core/token_rules.h"

namespace totem {

class Machine {
  public:
    Machine(const RingConfig& config, FramePool& pool, MessageSource& source, TraceMask mask);

    void step(Instant now, const Input& input, Effects& out);

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] const RingId& ring() const noexcept { return ring_; }
    [[nodiscard]] std::uint64_t ring_number_used() const noexcept { return numbers_.own(); }
    [[nodiscard]] const NodeStats& stats() const noexcept { return context_.stats; }
    [[nodiscard]] std::uint64_t state_hash() const;
    [[nodiscard]] Snapshot snapshot() const;

  private:
    // Why a well-formed frame changed nothing; follows DecodeError's values in traces.
    void refuse(Bytes frame, std::uint64_t reason);
    void refuse(Bytes frame, FrameRefusal reason);
    [[nodiscard]] NodeId self() const noexcept { return context_.self(); }
    [[nodiscard]] const RingConfig& config() const noexcept { return context_.config; }
    void start(TimerId timer, Duration period) { timers_.start(timer, context_.now, period); }

    // machine.cc: inputs and timers
    void on(const Start& input);
    void on(const Received& input);
    void on(const Submitted& input);
    void on(const Leave& input);
    void on(const LinkChange& input);
    void on(const Reconfigure& input);
    void on(const Persisted& input);
    void on(const ForceGather& input);
    void on(const Wake& input);
    void on_timer(TimerId timer);
    void on_token_loss();
    void notice_pause();
    void enter_state(State next, std::uint64_t reason);
    void request_persist();

    // gather.cc
    void enter_gather(GatherReason reason);
    void on_join(const FrameRef& frame);
    void on_merge_detect(const FrameRef& frame);
    void on_foreign(NodeId sender, const RingId& ring, GatherReason operational,
                    GatherReason gathering);
    [[nodiscard]] bool late_copy(NodeId sender, const RingId& ring) const;
    [[nodiscard]] bool ignores(const Join& join) const;
    void process_join(const Join& join);
    void agree_again(const Join& join);
    void join_while_forming(const Join& join);
    [[nodiscard]] bool installed_by_sender(const Join& join) const;
    void send_join();
    [[nodiscard]] Duration join_delay();
    void commit_if_agreed();
    void on_consensus_timeout(GatherReason reason);
    void trace_failed(const NodeList& before, FailCause cause);
    void send_leave();

    // commit.cc
    void create_commit_token();
    void enter_commit();
    void write_own_entry();
    void send_commit_token();
    void on_commit_token(const FrameRef& frame);
    [[nodiscard]] bool acceptable_first_pass(const CommitToken& token) const;
    [[nodiscard]] bool completes_commit(const CommitToken& token) const;
    void start_ring();

    // token.cc
    void on_token(const FrameRef& frame);
    [[nodiscard]] bool plausible(const OrfToken& token) const;
    void visit(OrfToken& token);
    void watch_idle(const OrfToken& token);
    void release();
    std::uint32_t retransmit(OrfToken& token, std::uint32_t allowed);
    std::uint32_t originate(OrfToken& token, std::uint32_t allowed);
    [[nodiscard]] FrameRef next_frame(Seq seq, ReceiveWindow::Entry& entry);
    void lower_or_raise_aru(OrfToken& token) const;
    [[nodiscard]] bool gathers_for_stuck_member(const OrfToken& token);
    void pass_on(OrfToken& token, bool hold);
    void resend_stored();
    void release_hold();
    void on_data(const FrameRef& frame);
    void store(const FrameRef& frame, const DataHeader& header, const NodeList& members,
               Ordering& messages);
    void on_hold_cancel(const FrameRef& frame);
    void count_visit(const OrfToken& token);

    // change.cc
    void enter_recovery();
    void enter_operational();
    void abandon_recovery();

    [[nodiscard]] bool representative() const noexcept { return ring_.representative == self(); }
    [[nodiscard]] bool in_ring() const noexcept {
        return state_ == State::kOperational || state_ == State::kRecovery;
    }
    // The messages of ring_ while in_ring().
    [[nodiscard]] Ordering& current() noexcept {
        return state_ == State::kOperational ? installed_ : forming_;
    }
    [[nodiscard]] Seq first_seq() const noexcept { return {config().first_seq}; }

    Context context_;
    Timers timers_;
    State state_ = State::kGather;
    bool started_ = false;  // the first ring number is durable
    bool ended_ = false;    // left

    RingNumbers numbers_;
    RingId ring_;            // being formed, or installed when equal to installed_ring_
    RingId installed_ring_;  // whose messages are in installed_; at first, this node's own name for
                             // itself
    bool installed_any_ = false;
    Membership membership_;
    NodeList forming_members_;             // of ring_ in COMMIT and RECOVERY
    std::unique_ptr<CommitToken> commit_;  // as last sent; large
    bool commit_waits_ = false;            // for stable storage
    bool ring_started_ = false;            // the representative originated the regular token

    Ordering installed_;
    Ordering forming_;
    Recovery recovery_;
    FlowControl flow_;
    HoldRule hold_rule_;
    StuckRule stuck_rule_;
    StoredToken stored_;
    Seq token_seq_;                 // of the last accepted token (my_token_seq)
    bool believes_held_ = false;    // a member that thinks the representative holds the token
    std::int32_t frames_sent_ = 0;  // this_seqno

    std::uint64_t jitter_ = 0;            // state of the send_join generator
    std::uint8_t links_down_ = 0;         // bit per link
    std::optional<Instant> drain_until_;  // after a pause, joins are ignored until then
};

}  // namespace totem
