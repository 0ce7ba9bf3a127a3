// COMMIT: the commit token collects what every member brings along (totem.md 4.3).
#include <algorithm>

#include "totem/core/machine.h"
#include "totem/core/mutant.h"

namespace totem {

void Machine::create_commit_token() {
    CommitToken& token = *commit_;
    token = CommitToken{};
    token.ring = {.representative = self(), .seq = numbers_.next()};
    token.addresses = membership_.candidates();
    for (std::size_t i = 0; i < token.addresses.size(); ++i) {
        token.entries.push_back({});
    }
    enter_commit();
}

void Machine::enter_commit() {
    write_own_entry();
    ring_ = commit_->ring;
    forming_members_ = commit_->addresses;
    numbers_.enter(ring_.seq);
    request_persist();
    timers_.cancel_all();
    flow_.reset();
    ring_started_ = false;
    enter_state(State::kCommit, 0);
    ++context_.stats.commit_entered;
    if (numbers_.durable(ring_.seq) || TOTEM_MUTANT(commit_before_durable)) {
        return send_commit_token();
    }
    commit_waits_ = true;
    start(TimerId::kTokenLoss, config().token);
    context_.trace({.kind = TraceKind::kPersistWaited, .ring = ring_, .a = ring_.seq});
}

// Who holds less than another member of the same old ring has not received everything.
void Machine::write_own_entry() {
    CommitToken& token = *commit_;
    CommitEntry& own = token.entries[token.memb_index];
    own = {.ring = installed_ring_,
           .aru = installed_.aru(),
           .high_delivered = installed_.delivered(),
           .received_flg = installed_.aru() == installed_.high_seq()};
    Seq highest = own.aru;
    for (std::size_t i = 0; i <= token.memb_index; ++i) {
        const CommitEntry& entry = token.entries[i];
        if (entry.ring == own.ring && highest < entry.aru) {
            highest = entry.aru;
        }
    }
    for (std::size_t i = 0; i <= token.memb_index; ++i) {
        CommitEntry& entry = token.entries[i];
        if (entry.ring == own.ring && entry.aru < highest) {
            entry.received_flg = false;
        }
    }
    ++token.memb_index;
}

void Machine::send_commit_token() {
    CommitToken& token = *commit_;
    token.from = self();
    ++token.token_seq;
    const auto addresses = token.addresses.view();
    const auto own =
        static_cast<std::size_t>(std::ranges::find(addresses, self()) - addresses.begin());
    stored_ = {.frame = encode(*context_.pool, token),
               .successor = addresses[(own + 1) % addresses.size()],
               .token_seq = token.token_seq,
               .commit = true};
    context_.unicast(stored_.successor, stored_.frame);
    ++context_.stats.memb_commit_token_tx;
    context_.trace({.kind = TraceKind::kCommitSent,
                    .peer = stored_.successor,
                    .ring = ring_,
                    .a = token.memb_index});
    timers_.cancel(TimerId::kTokenLoss);
    if (state_ == State::kCommit) {
        start(TimerId::kCommit, config().commit);
    } else {
        start(TimerId::kTokenLoss, config().token);
    }
    // More often than the regular token: a lost one should not cost the whole attempt.
    start(TimerId::kTokenRetransmit,
          std::min<Duration>(config().token_retransmit, Duration(config().commit) / 3));
}

void Machine::on_commit_token(const FrameRef& frame) {
    const auto token = decode_commit_token(frame.bytes());
    if (!token) {
        return refuse(frame.bytes(), static_cast<std::uint64_t>(token.error()));
    }
    if (!numbers_.plausible(token->ring.seq)) {
        return refuse(frame.bytes(), FrameRefusal::kImplausible);
    }
    const bool first_pass = state_ == State::kGather && acceptable_first_pass(*token);
    const bool second_pass = state_ == State::kCommit && completes_commit(*token);
    const bool starts_ring = state_ == State::kRecovery && representative() &&
                             (!ring_started_ || TOTEM_MUTANT(ring_started_again)) &&
                             completes_commit(*token);
    if (!first_pass && !second_pass && !starts_ring) {
        return refuse(frame.bytes(), FrameRefusal::kLate);
    }
    ++context_.stats.memb_commit_token_rx;
    context_.trace({.kind = TraceKind::kCommitReceived,
                    .peer = token->from,
                    .ring = token->ring,
                    .a = token->memb_index});
    if (starts_ring) {
        return start_ring();
    }
    *commit_ = *token;
    if (first_pass) {
        return enter_commit();
    }
    enter_recovery();
}

// A new ring of exactly the agreed members, made by the lowest of them, and this node's turn.
bool Machine::acceptable_first_pass(const CommitToken& token) const {
    const auto addresses = token.addresses.view();
    return !addresses.empty() && token.ring.seq > numbers_.own() &&
           token.ring.representative == addresses.front() && addresses.front() != self() &&
           token.memb_index < addresses.size() && addresses[token.memb_index] == self() &&
           token.entries.size() == addresses.size() && token.addresses == membership_.candidates();
}

// The token that this node sent on, filled by everybody. Every other member has sent it since, and
// each counts token_seq up, so copies from an earlier pass fall short.
bool Machine::completes_commit(const CommitToken& token) const {
    const std::size_t count = commit_->addresses.size();
    if (commit_waits_ || !(token.ring == ring_) || !(token.addresses == commit_->addresses) ||
        token.memb_index != count || token.entries.size() != count) {
        return false;
    }
    const Seq expected = Seq{commit_->token_seq} + static_cast<std::uint32_t>(count - 1);
    if (Seq{token.token_seq} < expected) {
        return false;
    }
    const auto addresses = token.addresses.view();
    const auto own =
        static_cast<std::size_t>(std::ranges::find(addresses, self()) - addresses.begin());
    CommitEntry mine = token.entries[own];
    mine.received_flg = commit_->entries[own].received_flg;  // others may have cleared it
    return mine == commit_->entries[own];
}

// The commit token came round a second time: everybody is in RECOVERY.
void Machine::start_ring() {
    ring_started_ = true;
    OrfToken token;
    token.from = self();
    token.seq = first_seq();
    token.aru = first_seq() - 1;
    token.aru_addr = self();
    token.ring = ring_;
    token.retrans_flg = recovery_.announce();
    start(TimerId::kTokenLoss, config().token);
    pass_on(token, false);
}

}  // namespace totem
