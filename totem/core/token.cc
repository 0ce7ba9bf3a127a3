// The regular token, and the messages that it puts in order (totem.md 5).
#include <algorithm>
#include <utility>

#include "totem/core/delivery.h"
#include "totem/core/machine.h"
#include "totem/core/mutant.h"

namespace totem {

void Machine::on_token(const FrameRef& frame) {
    auto token = decode_orf_token(frame.bytes());
    if (!token) {
        return refuse(frame.bytes(), static_cast<std::uint64_t>(token.error()));
    }
    const bool other_ring = !(token->ring == ring_) && !TOTEM_MUTANT(token_of_any_ring);
    const bool repeated = Seq{token->token_seq} <= token_seq_ && !TOTEM_MUTANT(token_taken_again);
    if (!in_ring() || other_ring || repeated) {
        const TokenDrop why = !in_ring()   ? TokenDrop::kWrongState
                              : other_ring ? TokenDrop::kOtherRing
                                           : TokenDrop::kRepeated;
        ++context_.stats.tokens_dropped[static_cast<std::size_t>(why)];
        return context_.trace({.kind = TraceKind::kTokenDropped,
                               .peer = token->from,
                               .ring = token->ring,
                               .a = token->token_seq,
                               .b = static_cast<std::uint64_t>(why)});
    }
    if (!plausible(*token)) {
        return refuse(frame.bytes(), FrameRefusal::kImplausible);
    }
    count_visit(*token);
    visit(*token);
}

// What every correct member guarantees; anything else would make this node number or request
// messages wrongly.
bool Machine::plausible(const OrfToken& token) const {
    const Ordering& messages = state_ == State::kOperational ? installed_ : forming_;
    const NodeList& members = forming_members_;
    return members.contains(token.from) &&
           (token.aru_addr == kNoNode || members.contains(token.aru_addr)) &&
           token.aru <= token.seq && messages.high_seq() <= token.seq &&
           token.seq - messages.released() <= ReceiveWindow::kCapacity;
}

void Machine::count_visit(const OrfToken& token) {
    NodeStats& stats = context_.stats;
    ++stats.orf_token_rx;
    if (stats.last_token) {
        const auto gap =
            std::chrono::duration_cast<std::chrono::milliseconds>(context_.now - *stats.last_token);
        stats.mtt_rx_token = static_cast<std::uint32_t>(
            (std::uint64_t{stats.mtt_rx_token} * 15 + static_cast<std::uint64_t>(gap.count())) /
            16);
    }
    stats.avg_backlog_calc = static_cast<std::uint32_t>(
        (std::uint64_t{stats.avg_backlog_calc} * 15 + token.backlog) / 16);
    stats.last_token = context_.now;
    context_.trace({.kind = TraceKind::kTokenReceived,
                    .peer = token.from,
                    .ring = ring_,
                    .a = token.seq.value,
                    .b = token.token_seq,
                    .c = token.aru.value});
}

void Machine::visit(OrfToken& token) {
    watch_idle(token);
    const bool operational = state_ == State::kOperational;
    current().token_received(token.aru);
    release();

    const std::size_t backlog = operational ? context_.source->backlog() : recovery_.backlog();
    std::uint32_t allowed = flow_.allowance(config(), token, backlog);
    const std::uint32_t again = retransmit(token, allowed);
    current().request_gaps(token, config().miss_count_const, [this](Seq seq) {
        context_.trace({.kind = TraceKind::kRequested, .ring = ring_, .a = seq.value});
    });
    const std::uint32_t fresh = originate(token, allowed - again);
    flow_.settle(token, again + fresh);
    if (again + fresh > 0 || !token.rtr.empty()) {
        hold_rule_.stir();
    }
    lower_or_raise_aru(token);
    current().token_sent(token.aru);
    token_seq_ = {token.token_seq};
    ++token.token_seq;
    if (gathers_for_stuck_member(token)) {
        return;
    }
    if (!operational && recovery_.visit(token, forming_.aru())) {
        enter_operational();
    }
    const bool hold = representative() && hold_rule_.representative_holds(config());
    believes_held_ = !representative() && hold_rule_.member_believes_held(config());
    start(TimerId::kTokenLoss, config().token);
    pass_on(token, hold);
    if (state_ == State::kOperational) {
        deliver_regular(installed_, ring_, *context_.out);
    }
}

// The merge timer runs while the ring is idle; whoever would merge hears the representative then.
void Machine::watch_idle(const OrfToken& token) {
    if (!hold_rule_.visit(token)) {
        timers_.cancel(TimerId::kMerge);
    } else if (representative() && !timers_.running(TimerId::kMerge)) {
        start(TimerId::kMerge, config().merge);
    }
    timers_.cancel(TimerId::kHold);
}

void Machine::release() {
    if (state_ == State::kOperational && installed_.release()) {
        context_.trace(
            {.kind = TraceKind::kReleased, .ring = ring_, .a = installed_.released().value});
    }
}

std::uint32_t Machine::retransmit(OrfToken& token, std::uint32_t allowed) {
    std::uint32_t sent = 0;
    for (std::size_t i = 0; i < token.rtr.size() && sent < allowed;) {
        const RtrEntry request = token.rtr[i];
        const ReceiveWindow::Entry* entry =
            request.ring == ring_ ? current().find(request.seq) : nullptr;
        if (entry == nullptr) {
            ++i;
            continue;
        }
        context_.multicast(entry->frame);
        ++context_.stats.mcast_retx;
        ++sent;
        context_.trace({.kind = TraceKind::kRetransmitted, .ring = ring_, .a = request.seq.value});
        token.rtr.erase(i);
    }
    return sent;
}

// New messages in OPERATIONAL, those of the old ring in RECOVERY.
std::uint32_t Machine::originate(OrfToken& token, std::uint32_t allowed) {
    // Numbers that might not fit into the slowest member's window are not given out.
    const std::uint64_t ahead = token.seq - current().released();
    if (ahead + allowed + config().window_size > ReceiveWindow::kCapacity) {
        return 0;
    }
    const bool operational = state_ == State::kOperational;
    const std::size_t waiting = operational ? context_.source->backlog() : recovery_.backlog();
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(allowed, waiting));
    for (std::uint32_t i = 0; i < count; ++i) {
        ++token.seq;
        ReceiveWindow::Entry entry;
        entry.from = self();
        entry.frame = next_frame(token.seq, entry);
        context_.multicast(entry.frame);
        ++context_.stats.mcast_tx;
        context_.trace({.kind = TraceKind::kOriginated, .ring = ring_, .a = token.seq.value});
        const auto result = current().insert(token.seq, std::move(entry));
        TOTEM_CHECK(result == ReceiveWindow::Insert::kStored);
    }
    return count;
}

// The next frame to send as message `seq`, header and all; fills the rest of `entry`.
FrameRef Machine::next_frame(Seq seq, ReceiveWindow::Entry& entry) {
    DataHeader header{.from = self(), .system_from = self(), .seq = seq, .ring = ring_};
    header.this_seqno = frames_sent_;
    frames_sent_ =
        static_cast<std::int32_t>((static_cast<std::uint32_t>(frames_sent_) + 1U) & 0x7FFFFFFFU);
    FrameRef frame;
    if (state_ == State::kOperational) {
        MessageSource::Outgoing outgoing = context_.source->take();
        frame = std::move(outgoing.frame);
        header.guarantee = outgoing.guarantee;
    } else {
        const Seq old = recovery_.take(installed_);
        const Bytes inner = installed_.find(old)->frame.bytes();
        frame = context_.pool->allocate(kDataHeaderBytes + inner.size());
        std::ranges::copy(inner, frame.writable().subspan(kDataHeaderBytes).begin());
        header.encapsulated = true;
        // Says that a member may have delivered this message already (docs/protocol.md).
        header.guarantee = recovery_.obliged(old) ? Guarantee::kSafe : Guarantee::kAgreed;
    }
    TOTEM_CHECK(frame.size() >= kDataHeaderBytes);
    encode_data_header(header, frame.writable().first<kDataHeaderBytes>());
    entry.guarantee = header.guarantee;
    entry.encapsulated = header.encapsulated;
    return frame;
}

// totem.md 5.4. seq is compared after the own sends.
void Machine::lower_or_raise_aru(OrfToken& token) const {
    const Ordering& messages = state_ == State::kOperational ? installed_ : forming_;
    if (TOTEM_MUTANT(aru_not_lowered) && token.aru_addr != self() && token.aru_addr != kNoNode) {
        return;
    }
    if (messages.aru() < token.aru || token.aru_addr == self() || token.aru_addr == kNoNode) {
        token.aru = messages.aru();
        token.aru_addr = token.aru == token.seq ? kNoNode : self();
    }
}

// totem.md 5.6; that the others exclude the member as well is ours (properties.md R12).
bool Machine::gathers_for_stuck_member(const OrfToken& token) {
    const NodeId stuck = stuck_rule_.visit(token, config(), context_.now);
    if (stuck == kNoNode) {
        return false;
    }
    const NodeList before = membership_.failed();
    if (stuck == self()) {
        membership_.fail_self();
    } else {
        membership_.fail(stuck);
    }
    trace_failed(before, FailCause::kCannotReceive);
    enter_gather(GatherReason::kFailedToReceive);
    return true;
}

void Machine::pass_on(OrfToken& token, bool hold) {
    token.from = self();
    const auto members = forming_members_.view();
    const auto own = static_cast<std::size_t>(std::ranges::find(members, self()) - members.begin());
    stored_ = {.frame = encode(*context_.pool, token),
               .successor = members[(own + 1) % members.size()],
               .token_seq = token.token_seq,
               .held = hold};
    start(TimerId::kTokenRetransmit, config().token_retransmit);
    if (hold) {
        start(TimerId::kHold, config().hold);
        return context_.trace({.kind = TraceKind::kTokenHeld, .ring = ring_});
    }
    context_.unicast(stored_.successor, stored_.frame);
    ++context_.stats.orf_token_tx;
    context_.trace({.kind = TraceKind::kTokenSent,
                    .peer = stored_.successor,
                    .ring = ring_,
                    .a = token.seq.value,
                    .b = token.token_seq,
                    .c = token.aru.value});
}

void Machine::resend_stored() {
    if (stored_.frame.empty()) {
        return;
    }
    stored_.held = false;
    context_.unicast(stored_.successor, stored_.frame);
    context_.trace({.kind = TraceKind::kTokenRetransmitted,
                    .peer = stored_.successor,
                    .ring = ring_,
                    .a = stored_.token_seq});
    start(TimerId::kTokenRetransmit,
          stored_.commit
              ? std::min<Duration>(config().token_retransmit, Duration(config().commit) / 3)
              : Duration(config().token_retransmit));
}

// The idle token goes round once, because the hold period is over or because somebody has news.
void Machine::release_hold() {
    if (stored_.held) {
        timers_.cancel(TimerId::kHold);
        resend_stored();
        ++context_.stats.orf_token_tx;
    }
}

// ---- messages -----------------------------------------------------------------------------------

void Machine::on_data(const FrameRef& frame) {
    const auto header = decode_data_header(frame.bytes());
    if (!header) {
        return refuse(frame.bytes(), static_cast<std::uint64_t>(header.error()));
    }
    if (header->from != header->system_from) {
        return refuse(frame.bytes(), FrameRefusal::kImpersonates);
    }
    if (header->system_from == self()) {
        return;  // sent again for somebody else; this node has it
    }
    ++context_.stats.mcast_rx;
    if (in_ring() && (header->ring == ring_ || TOTEM_MUTANT(data_of_any_ring))) {
        store(frame, *header, forming_members_, current());
        if (state_ == State::kOperational) {
            deliver_regular(installed_, ring_, *context_.out);
        }
        return;
    }
    if (state_ == State::kGather && header->ring == installed_ring_) {
        return store(frame, *header, membership_.members(), installed_);
    }
    on_foreign(header->system_from, header->ring, GatherReason::kForeignMessageOperational,
               GatherReason::kForeignMessageGather);
}

void Machine::store(const FrameRef& frame, const DataHeader& header, const NodeList& members,
                    Ordering& messages) {
    if (!members.contains(header.system_from)) {
        return refuse(frame.bytes(), FrameRefusal::kNotAMember);
    }
    const auto result = messages.insert(header.seq, {.frame = frame,
                                                     .from = header.system_from,
                                                     .guarantee = header.guarantee,
                                                     .encapsulated = header.encapsulated});
    if (result == ReceiveWindow::Insert::kBeyondWindow) {
        refuse(frame.bytes(), FrameRefusal::kBeyondWindow);
    }
}

void Machine::on_hold_cancel(const FrameRef& frame) {
    const auto message = decode_hold_cancel(frame.bytes());
    if (!message) {
        return refuse(frame.bytes(), static_cast<std::uint64_t>(message.error()));
    }
    if (!in_ring() || !(message->ring == ring_) || !forming_members_.contains(message->from)) {
        return refuse(frame.bytes(), FrameRefusal::kLate);
    }
    ++context_.stats.token_hold_cancel_rx;
    hold_rule_.stir();
    release_hold();
}

}  // namespace totem
