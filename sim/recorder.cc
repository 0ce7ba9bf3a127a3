#include "sim/recorder.h"

#include <utility>

namespace sim {

namespace {

using totem::raw;

std::uint64_t pack(std::uint32_t high, std::uint32_t low) {
    return (std::uint64_t{high} << 32U) | low;
}

}  // namespace

Recorder::Recorder(Seq first, std::uint32_t nodes) : ledger_(first), files_(nodes) {
    lines_.reserve(kRemembered);
}

Recorder::Line Recorder::line(const Started& e) {
    return {"start", e.where, {}, e.stored_ring_seq, static_cast<std::uint64_t>(e.disk), 0};
}
Recorder::Line Recorder::line(const Failed& e) { return {"fail", e.where, {}, 0, 0, 0}; }
Recorder::Line Recorder::line(const Originated& e) {
    return {
        e.recovery ? "originate(recovery)" : "originate",     e.where, e.ring, e.seq.value, e.hash,
        pack(e.size, static_cast<std::uint32_t>(e.guarantee))};
}
Recorder::Line Recorder::line(const Held& e) {
    return {"hold", e.where, e.ring, e.seq.value, 0, 0};
}
Recorder::Line Recorder::line(const Delivered& e) {
    return {e.guarantee == Guarantee::kSafe ? "deliver(safe)" : "deliver",
            e.where,
            e.ring,
            e.seq.value,
            e.hash,
            pack(e.size, raw(e.sender))};
}
Recorder::Line Recorder::line(const Configured& e) {
    return {e.regular ? "regular" : "transitional", e.where, e.ring, e.members, e.joined, e.left};
}
Recorder::Line Recorder::line(const StateChanged& e) {
    return {"state",
            e.where,
            {},
            static_cast<std::uint64_t>(e.from),
            static_cast<std::uint64_t>(e.to),
            static_cast<std::uint64_t>(e.reason)};
}
Recorder::Line Recorder::line(const Released& e) {
    return {"release", e.where, e.ring, e.upto.value, 0, 0};
}
Recorder::Line Recorder::line(const TokenTaken& e) {
    return {"token", e.where, e.ring, e.token_seq, e.seq.value, 0};
}
Recorder::Line Recorder::line(const TokenSent& e) {
    return {"send-token",       e.where,
            e.token->ring,      e.token->token_seq,
            e.token->seq.value, pack(e.token->aru.value, raw(e.token->aru_addr))};
}
Recorder::Line Recorder::line(const SafeLine& e) {
    return {"safe-line", e.where, e.ring, e.upto.value, 0, 0};
}
Recorder::Line Recorder::line(const Idle& e) {
    return {"idle", e.where, e.ring, e.holds ? 1U : 0U, e.news ? 1U : 0U, 0};
}
Recorder::Line Recorder::line(const TokenWanted& e) {
    return {"token-wanted", e.where, e.ring, 0, 0, 0};
}
Recorder::Line Recorder::line(const Spoke& e) {
    return {"send", e.where, e.ring, e.kind, e.seq.value, 0};
}
Recorder::Line Recorder::line(const Durable& e) {
    return {"durable", e.where, {}, e.ring_seq, 0, 0};
}
Recorder::Line Recorder::line(const Ignorable& e) {
    return {e.why, e.where, {}, e.before, e.after, 0};
}
Recorder::Line Recorder::line(const FrameOpened& e) {
    return {"open", e.where, {}, e.accepted ? 1U : 0U, e.damaged ? 1U : 0U, e.name};
}
Recorder::Line Recorder::line(const QuorumView& e) {
    return {"quorum", e.where, e.ring, e.quorate ? 1U : 0U, e.members, e.synchronising ? 1U : 0U};
}
Recorder::Line Recorder::line(const SyncWaits& e) {
    return {"sync-waits", e.where, {}, e.waiting_for, e.members, 0};
}
Recorder::Line Recorder::line(const Settled& e) {
    return {"settled", e.where, {}, e.members, e.quiet ? 1U : 0U, 0};
}
Recorder::Line Recorder::line(const GroupStarted& e) {
    return {"client-start", e.at.where, {}, e.at.client, e.at.pid, 0};
}
Recorder::Line Recorder::line(const GroupFailed& e) {
    return {"client-fail", e.at.where, {}, e.at.client, e.at.pid, 0};
}
Recorder::Line Recorder::line(const GroupExpelled& e) {
    return {"client-expelled", e.at.where, e.at.ring, e.at.client, e.at.pid, 0};
}
Recorder::Line Recorder::line(const GroupSaid& e) {
    return {"client-says", e.at.where, e.at.ring, e.at.client, e.at.pid, e.number};
}
Recorder::Line Recorder::line(const GroupHeard& e) {
    return {
        "client-hears", e.at.where, e.at.ring, e.at.client, pack(raw(e.sender.node), e.sender.pid),
        e.number};
}
Recorder::Line Recorder::line(const GroupView& e) {
    return {"client-view", e.at.where, e.at.ring, e.at.client, e.members.size(), e.hash};
}
Recorder::Line Recorder::line(const GroupRing& e) {
    return {"client-ring", e.at.where, e.ring, e.at.client, e.members, e.at.ring.seq};
}
Recorder::Line Recorder::line(const GroupTrouble& e) {
    return {"client-trouble", e.at.where, e.at.ring, e.at.client, e.at.pid, 0};
}

std::string Recorder::format(const Line& line) {
    std::string out = text(line.where) + "  " + line.kind;
    if (line.ring != RingId{}) {
        out += " ring=" + text(line.ring);
    }
    return out + " " + std::to_string(line.a) + " " + std::to_string(line.b) + " " +
           std::to_string(line.c);
}

void Recorder::observe(const StateChanged& event) {
    ++coverage_.transitions.at(static_cast<std::size_t>(event.from))
          .at(static_cast<std::size_t>(event.to));
    if (event.to == totem::State::kGather) {
        ++coverage_.reasons.at(static_cast<std::size_t>(event.reason) % Coverage::kReasons);
    }
}

void Recorder::remember(const Line& line) {
    const auto at = static_cast<std::uint64_t>(line.where.at.time_since_epoch().count());
    hash_ = combine(combine(hash_, at ^ (std::uint64_t{line.where.node} << 56U)), line.a);
    hash_ = combine(hash_ ^ line.b ^ line.ring.seq, line.c);
    if (lines_.size() < kRemembered) {
        lines_.push_back(line);
    } else {
        lines_[next_line_] = line;
    }
    next_line_ = (next_line_ + 1) % kRemembered;
    if (log_) {
        log_(format(line));
    }
}

std::vector<std::string> Recorder::recent() const {
    std::vector<std::string> out;
    out.reserve(lines_.size());
    const std::size_t begin = lines_.size() < kRemembered ? 0 : next_line_;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        out.push_back(format(lines_[(begin + i) % lines_.size()]));
    }
    return out;
}

}  // namespace sim
