// Who has how many votes, how many are expected, and whether those present suffice: everything that
// votequorum decides, without how it hears of it.
//
// Source: ipc.md 10 (threshold, spreading of expected votes), wire.md 6.3 (effect of a record),
// properties.md Q1, Q7, Q8, Q10. Two differences from the incumbent, each towards safety: quorum is
// gained only when the caller says that the ring is synchronised (Q16), and a quorate peer ends
// wait_for_all only together with enough votes on this ring.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "totem/core/types.h"
#include "totem/group/state_hash.h"
#include "votequorum/core/arithmetic.h"
#include "votequorum/core/messages.h"
#include "votequorum/core/options.h"

namespace votequorum {

// The values are those that clients see (ipc.md 10).
enum class VoterState : std::uint32_t { kMember = 1, kDead = 2, kLeaving = 3 };

struct Voter {
    VoterState state = VoterState::kDead;
    std::uint32_t votes = 0;
    std::uint32_t expected_votes = 0;
    std::uint32_t flags = 0;  // as in its last record; of this node itself: see own_record()
};

using Records = std::map<totem::NodeId, Nodeinfo>;

// Invariants: the own node is always a member; quorate() implies !waiting_for_all(); the threshold
// is at least 1.
class Ballot {
  public:
    explicit Ballot(const Options& options);

    // ---- what happens -------------------------------------------------------------------------
    // None of these changes quorate(); decide() does.

    // A configuration change: whoever is not among `nodes` is dead.
    void keep_only(std::span<const totem::NodeId> nodes);
    // The synchronisation of a ring is over: `members` are in it, and `records` is what each said
    // of itself in it. Whoever said nothing has no vote. The result does not depend on the order in
    // which the records came.
    void admit(std::span<const totem::NodeId> members, const Records& records);
    // A member's record outside of a synchronisation.
    void learn(const Nodeinfo& record);
    // The quorum device's votes as `sender`, a known node, tells them.
    void learn_device_votes(std::uint32_t votes, bool sender_quorate);
    // Ordered commands of administrators.
    void set_expected(std::uint32_t expected);
    void set_votes(totem::NodeId node, std::uint32_t votes);
    void cancel_wait_for_all();
    // Configuration read again: the node list and two_node. Does not arm wait_for_all again (Q10);
    // but two_node that is new brings it along, so that it makes no lone node quorate on the spot.
    void reconfigure(const Options& options);

    // ---- what follows from it -----------------------------------------------------------------

    enum class Gain : std::uint8_t { kForbidden, kAllowed };
    struct Verdict {
        bool quorate_changed = false;
        // The votes present exceed what was expected: so many are expected from now on.
        std::optional<std::uint32_t> expected_raised;
    };
    Verdict decide(Gain gain);

    [[nodiscard]] bool quorate() const noexcept { return quorate_; }
    [[nodiscard]] bool waiting_for_all() const noexcept { return waiting_; }
    [[nodiscard]] bool two_node() const noexcept;
    [[nodiscard]] Votes threshold() const noexcept { return threshold_; }
    [[nodiscard]] Tally tally() const;
    [[nodiscard]] std::uint32_t device_votes() const noexcept { return device_votes_; }
    [[nodiscard]] const Options& options() const noexcept { return options_; }
    // Every node ever heard of, ascending; the own one always.
    [[nodiscard]] const std::map<totem::NodeId, Voter>& voters() const noexcept { return voters_; }
    [[nodiscard]] const Voter& self() const { return voters_.at(options_.self); }

    // What an administrator may ask for (ipc.md 10).
    [[nodiscard]] bool may_expect(std::uint32_t expected) const;
    [[nodiscard]] bool may_set_votes(totem::NodeId node, std::uint32_t votes) const;

    void hash(totem::group::StateHash& hasher) const;

  private:
    [[nodiscard]] bool counts(totem::NodeId node, const Voter& voter) const;
    void take_over(const Nodeinfo& record);
    void heed_quorate(std::uint32_t expected);
    void expect_of_members(std::uint32_t expected);

    Options options_;
    std::map<totem::NodeId, Voter> voters_;
    std::uint32_t device_votes_ = 0;
    Votes threshold_ = 1;
    bool quorate_ = false;
    bool waiting_ = false;
    bool allow_decrease_ = false;  // the threshold may fall at the next decide()
    // A quorate peer is on this ring; until the next decide() that allows a gain.
    bool heard_quorate_ = false;
};

}  // namespace votequorum
