// R4, R7, R8, R9, R10 and R12: what the regular token says is true, asks for what is missing only,
// is answered, is shared fairly, and is not held back from whoever has news (properties.md section
// 3; ground truth).
//
// R4 as it is written there ("aru <= the least that any member has everything up to") holds of the
// lower of two successive visits, which is R5, the safe line. Of one token it holds that its sender
// has everything up to its aru, and that only who lowered it, or finds it equal to seq, raises it.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "sim/checker.h"
#include "sim/ledger.h"
#include "sim/options.h"

namespace sim {

class Rotation : public Checker {
  public:
    Rotation(Findings& findings, const Ledger& ledger, const Options& options)
        : Checker("rotation", findings),
          ledger_(&ledger),
          config_(options.ring),
          nodes_(options.nodes) {}

    using Checker::on;
    void on(const TokenSent& event) override;
    void on(const Spoke& event) override;
    void on(const Idle& event) override;
    void on(const TokenWanted& event) override;

  private:
    // A node that finds the window used up by the others has its turn a rotation later.
    static constexpr std::uint32_t kHungryMost = 4;

    struct Member {
        std::uint32_t sent = 0;       // frames since its last token
        std::uint32_t sent_last = 0;  // frames of its last visit
        std::uint32_t hungry = 0;     // visits in a row that it had news and sent nothing
        std::uint32_t backlog = 0;    // its part of the token's backlog
        bool fed_since = false;       // somebody else sent since its last visit
        std::uint32_t unsure = 0;     // visits until it may believe again that the token is held
        Seq contiguous;               // it has had everything up to this
        bool counted = false;
        std::vector<Seq> answered;  // since its last token
    };
    struct Ring {
        bool started = false;
        totem::OrfToken last;
        std::array<Member, kNodesMax> members;
        std::uint32_t stuck = 0;  // tokens in a row with the same aru, held down by the same member
        Instant stuck_since{};
        bool held = false;       // the representative holds the token
        bool cancelled = false;  // somebody asked for it since a message was sent
    };
    [[nodiscard]] Seq contiguous(const Ledger::Ring* ring, std::uint32_t node,
                                 Member& member) const;
    [[nodiscard]] bool holds(const RingId& ring, Seq seq, std::uint32_t node) const;
    void check_aru(const TokenSent& event, Ring& ring, Member& member);
    void check_share(const TokenSent& event, Ring& ring, Member& member);
    void check_requests(const TokenSent& event, const Ring& ring);
    void check_answers(const TokenSent& event, const Ring& ring, const Member& member);
    // Frames that a member may have sent before it passed `token` on.
    [[nodiscard]] std::uint32_t allowance(const totem::OrfToken& token, const Ring& ring,
                                          const Member& member) const;
    void check_stuck(const TokenSent& event, Ring& ring);

    const Ledger* ledger_;
    totem::RingConfig config_;
    std::uint32_t nodes_;
    std::map<RingId, Ring> rings_;
    RingId cached_id_;
    Ring* cached_ = nullptr;
    Ring& ring(const RingId& id);
};

}  // namespace sim
