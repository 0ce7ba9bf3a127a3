#include "sim/checkers/rotation.h"

#include <algorithm>
#include <numeric>

namespace sim {

namespace {

bool asks_for(const totem::OrfToken& token, const totem::RtrEntry& entry) {
    return std::ranges::find(token.rtr, entry) != token.rtr.end();
}

}  // namespace

Rotation::Ring& Rotation::ring(const RingId& id) {
    if (cached_ == nullptr || !(cached_id_ == id)) {
        cached_ = &rings_[id];
        cached_id_ = id;
    }
    return *cached_;
}

bool Rotation::holds(const RingId& ring, Seq seq, std::uint32_t node) const {
    const auto* entry = ledger_->find(ring, seq);
    return entry != nullptr && (entry->holders & mask_of(node)) != 0;
}

Seq Rotation::contiguous(const Ledger::Ring* ring, std::uint32_t node, Member& member) const {
    if (ring == nullptr) {
        return Seq{config_.first_seq};  // nobody has sent anything on it yet
    }
    if (!member.counted) {
        member.counted = true;
        member.contiguous = ring->base;
    }
    for (std::uint32_t index = member.contiguous - ring->base;
         index < ring->entries.size() && (ring->entries[index].holders & mask_of(node)) != 0;
         ++index) {
        ++member.contiguous;
    }
    return member.contiguous;
}

void Rotation::check_aru(const TokenSent& event, Ring& ring, Member& member) {
    const totem::OrfToken& token = *event.token;
    const Seq truth = contiguous(ledger_->find(token.ring), event.where.node, member);
    const NodeId self = id_of(event.where.node);
    if (token.aru > truth) {
        violate(event.where, "R4",
                "token " + std::to_string(token.token_seq) + " says that everything up to " +
                    text(token.aru) + " is here, but " + text(truth + 1) + " never was");
    } else if (ring.started && token.aru_addr == self && token.aru < truth) {
        violate(event.where, "R9",
                "holds the aru down at " + text(token.aru) + ", and has everything up to " +
                    text(truth));
    } else if (ring.started && ring.last.aru < token.aru && ring.last.aru_addr != self &&
               ring.last.aru_addr != totem::kNoNode) {
        violate(event.where, "R4",
                "raised the aru from " + text(ring.last.aru) + ", which node " +
                    std::to_string(totem::raw(ring.last.aru_addr)) + " holds down");
    }
}

void Rotation::check_share(const TokenSent& event, Ring& ring, Member& member) {
    const totem::OrfToken& token = *event.token;
    if (member.sent > config_.max_messages) {
        violate(event.where, "R7", std::to_string(member.sent) + " frames in one visit");
    }
    member.sent_last = member.sent;
    const auto sum = std::accumulate(
        ring.members.begin(), ring.members.end(), std::uint32_t{0},
        [](std::uint32_t count, const Member& other) { return count + other.sent_last; });
    if (token.fcc != sum || sum > config_.window_size) {
        violate(event.where, "R7",
                "the token counts " + std::to_string(token.fcc) +
                    " frames of a rotation that had " + std::to_string(sum) + ", of " +
                    std::to_string(config_.window_size) + " allowed");
    }
    const bool starved = member.sent == 0 && event.backlog > 0 && member.fed_since;
    member.hungry = starved ? member.hungry + 1 : 0;
    if (member.hungry > kHungryMost) {
        violate(event.where, "R7",
                "has sent nothing for " + std::to_string(member.hungry) +
                    " visits, with news, while others sent");
    }
}

void Rotation::check_requests(const TokenSent& event, const Ring& ring) {
    const totem::OrfToken& token = *event.token;
    for (const totem::RtrEntry& entry : token.rtr) {
        if (asks_for(ring.last, entry)) {
            continue;
        }
        const bool here = holds(entry.ring, entry.seq, event.where.node);
        if (here || !(entry.ring == token.ring) || token.seq < entry.seq) {
            violate(event.where, "R8",
                    "asks for " + text(entry.seq) + " of ring " + text(entry.ring) +
                        (here ? ", which it has" : ", which nobody has sent"));
        }
    }
}

// totem.md 5.3; the token carries what it takes to follow it.
std::uint32_t Rotation::allowance(const totem::OrfToken& token, const Ring& ring,
                                  const Member& member) const {
    const std::uint32_t used = std::min(config_.window_size, ring.last.fcc);
    const std::uint32_t allowed = std::min(config_.max_messages, config_.window_size - used);
    const std::uint64_t share =
        token.backlog == 0 ? 0
                           : std::uint64_t{config_.window_size} * member.backlog / token.backlog;
    return share == 0 ? allowed
                      : static_cast<std::uint32_t>(std::min<std::uint64_t>(allowed, share));
}

// Who has what is asked for sends it before anything new, as far as its share goes, and only then
// is the request gone.
void Rotation::check_answers(const TokenSent& event, const Ring& ring, const Member& member) {
    const totem::OrfToken& token = *event.token;
    std::uint32_t left = 0;
    for (const totem::RtrEntry& entry : ring.last.rtr) {
        if (std::ranges::find(member.answered, entry.seq) != member.answered.end()) {
            continue;
        }
        // What the token says that everybody has is wanted no more, and may be gone.
        const bool wanted = !(entry.ring == token.ring) || ring.last.aru < entry.seq;
        left += wanted && holds(entry.ring, entry.seq, event.where.node) ? 1 : 0;
        if (!asks_for(token, entry)) {
            violate(event.where, "R8",
                    "took the request for " + text(entry.seq) + " away and did not answer it");
        }
    }
    if (left > 0 && member.answered.size() < allowance(token, ring, member)) {
        violate(event.where, "R8",
                "answered " + std::to_string(member.answered.size()) + " requests and left " +
                    std::to_string(left) + " others, and may send " +
                    std::to_string(allowance(token, ring, member)) + " frames");
    }
}

// The member itself has F visits to notice, the others twice as many (docs/protocol.md).
void Rotation::check_stuck(const TokenSent& event, Ring& ring) {
    const totem::OrfToken& token = *event.token;
    const bool stuck = ring.started && token.aru_addr != totem::kNoNode &&
                       token.aru == ring.last.aru && token.aru_addr == ring.last.aru_addr;
    if (!stuck) {
        ring.stuck = 0;
        ring.stuck_since = event.where.at;
        return;
    }
    ++ring.stuck;
    const std::uint64_t visits = 2 * std::uint64_t{config_.fail_recv_const} + 4;
    const Duration since = event.where.at - ring.stuck_since;
    // A clock may be 10 % slow.
    if (ring.stuck > visits * nodes_ && since > config_.token * 5 / 4) {
        violate(event.where, "R12",
                "node " + std::to_string(totem::raw(token.aru_addr)) +
                    " cannot receive and is still a member after " + std::to_string(ring.stuck) +
                    " tokens");
    }
}

void Rotation::on(const TokenSent& event) {
    Ring& ring = this->ring(event.token->ring);
    const totem::OrfToken& token = *event.token;
    if (ring.started && Seq{token.token_seq} <= Seq{ring.last.token_seq}) {
        return;  // sent again
    }
    Member& member = ring.members.at(event.where.node);
    check_aru(event, ring, member);
    check_stuck(event, ring);
    if (ring.started) {
        check_share(event, ring, member);
        check_requests(event, ring);
        check_answers(event, ring, member);
    }
    for (Member& other : ring.members) {
        other.fed_since = other.fed_since || member.sent > 0;
    }
    member.fed_since = false;
    member.unsure -= member.unsure > 0 ? 1 : 0;
    member.sent = 0;
    member.answered.clear();
    member.backlog += token.backlog - ring.last.backlog;
    ring.cancelled = ring.cancelled && ring.started && token.seq == ring.last.seq;
    ring.last = token;
    ring.started = true;
}

void Rotation::on(const Spoke& event) {
    if (event.kind == static_cast<std::uint8_t>(totem::FrameType::kHoldCancel)) {
        ring(event.ring).cancelled = true;
    }
    if (event.kind != static_cast<std::uint8_t>(totem::FrameType::kData)) {
        return;
    }
    Ring& ring = this->ring(event.ring);
    ++ring.members.at(event.where.node).sent;
    if (!ring.started || ring.last.seq < event.seq) {
        return;
    }
    std::vector<Seq>& answered = ring.members.at(event.where.node).answered;
    const bool twice = std::ranges::find(answered, event.seq) != answered.end();
    if (twice || !asks_for(ring.last, {event.ring, event.seq})) {
        violate(event.where, "R8",
                "sent " + text(event.seq) + " of ring " + text(event.ring) +
                    (twice ? " twice in one visit" : " again, and nobody asked for it"));
    }
    answered.push_back(event.seq);
}

void Rotation::on(const TokenWanted& event) {
    ring(event.ring).members.at(event.where.node).unsure = config_.seqno_unchanged_const + 1;
}

// The idle token is released by whoever has news, at once. Who has heard another member ask for it
// does not ask until the ring was idle again for a while; should the representative not have heard,
// or long ago, the hold period is the bound.
void Rotation::on(const Idle& event) {
    Ring& ring = this->ring(event.ring);
    const bool representative = event.ring.representative == id_of(event.where.node);
    if (representative) {
        ring.held = event.holds;
        if (event.holds && event.news) {
            violate(event.where, "R10", "holds the token and has something to send");
        }
        const bool wanted = !ring.last.rtr.empty() || !(ring.last.aru == ring.last.seq);
        if (event.holds && ring.started && wanted) {
            violate(event.where, "R10", "holds a token that somebody waits for");
        }
    } else if (event.news && ring.held && !ring.cancelled &&
               ring.members.at(event.where.node).unsure == 0) {
        violate(event.where, "R10", "has news while the token is held, and does not ask for it");
    }
}

}  // namespace sim
