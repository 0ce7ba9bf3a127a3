// What a node remembers of the tokens it has seen on one ring, and the two rules that read it: when
// an idle token is held, and when a member must be taken for unable to receive.
//
// Source: totem.md 5.2 (steps 2, 4, 7, 9), 5.6, 5.7; differences in docs/protocol.md, "Holding the
// token" and "Fail to receive".
#pragma once

#include <cstdint>

#include "totem/core/codec.h"
#include "totem/core/config.h"
#include "totem/core/hash.h"

namespace totem {

// Counts the token visits on which nothing happened.
class HoldRule {
  public:
    void reset() { *this = {}; }

    // A fresh token arrived, before this node changes it. True when its seq did not move.
    bool visit(const OrfToken& token) {
        const bool moved = !seen_ || !(token.seq == last_seq_);
        const bool missing = !token.rtr.empty() || !(token.aru == token.seq);
        quiet_visits_ = moved || missing ? 0 : quiet_visits_ + 1;
        last_seq_ = token.seq;
        seen_ = true;
        return !moved;
    }
    // Something was sent at this visit, or a hold was cancelled.
    void stir() { quiet_visits_ = 0; }

    [[nodiscard]] bool representative_holds(const RingConfig& config) const {
        return quiet_visits_ > config.seqno_unchanged_const;
    }
    [[nodiscard]] bool member_believes_held(const RingConfig& config) const {
        return quiet_visits_ >= config.seqno_unchanged_const;
    }
    void hash(Hasher& hasher) const {
        hasher.add(last_seq_);
        hasher.add(std::uint64_t{quiet_visits_} << 1U | (seen_ ? 1U : 0U));
    }

  private:
    Seq last_seq_;
    std::uint32_t quiet_visits_ = 0;
    bool seen_ = false;
};

// Watches the member that holds the aru down.
class StuckRule {
  public:
    void reset() { *this = {}; }

    // The token as it leaves this node. Returns the member that cannot receive, or kNoNode. The
    // member itself is to notice first, so that it can form a ring of its own at once.
    [[nodiscard]] NodeId visit(const OrfToken& token, const RingConfig& config, Instant now) {
        const bool stuck = seen_ && token.aru == last_aru_ && token.aru_addr == last_addr_ &&
                           token.aru_addr != kNoNode;
        last_aru_ = token.aru;
        last_addr_ = token.aru_addr;
        seen_ = true;
        if (!stuck) {
            visits_ = 0;
            since_ = now;
            return kNoNode;
        }
        ++visits_;
        const std::uint64_t own_share = config.fail_recv_const;
        const std::uint64_t bound = token.aru_addr == config.self ? own_share : 2 * own_share;
        const bool long_enough = now - since_ > config.token;
        return visits_ > bound && long_enough ? token.aru_addr : kNoNode;
    }
    void hash(Hasher& hasher) const {
        hasher.add(last_aru_);
        hasher.add(last_addr_);
        hasher.add(std::uint64_t{visits_} << 1U | (seen_ ? 1U : 0U));
        hasher.add(std::optional<Instant>(since_));
    }

  private:
    Seq last_aru_;
    NodeId last_addr_ = kNoNode;
    std::uint32_t visits_ = 0;
    Instant since_;
    bool seen_ = false;
};

// The last regular or commit token that this node built, kept to be sent again.
struct StoredToken {
    FrameRef frame;
    NodeId successor = kNoNode;
    std::uint32_t token_seq = 0;
    bool held = false;    // the representative has not sent it yet
    bool commit = false;  // a commit token
};

}  // namespace totem
