// The sets with which nodes agree on a new ring, and the rules by which joins change them.
//
// Knows no timers and no states: it is told what was heard and says what that means. The caller
// gathers, commits or does nothing.
//
// Source: totem.md 3 and 4.2 (paper, section 6); differences in docs/protocol.md: leaves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "totem/core/codec.h"
#include "totem/core/fixed_vector.h"
#include "totem/core/hash.h"
#include "totem/core/node_list.h"

namespace totem {

// Invariants: self is in proc and in members; self is in failed only after fail_self();
// consensus is part of proc.
class Membership {
  public:
    explicit Membership(NodeId self);

    // What a join means (the numbers of totem.md 4.2).
    enum class Verdict : std::uint8_t {
        kSame,      // 1: equal sets; the sender counts towards consensus
        kBehind,    // 2: the sender knows less
        kExcluded,  // 3: the sender is in the fail set
        kSplits,    // a stranger that excludes us: it is no part of our next ring
        kTooMany,   // the union would pass the protocol's limit
        kChanged,   // 4: the own sets grew: gather anew
    };
    Verdict judge(const Join& join);

    // The last join of a node that has just excluded everybody: it is alone in a ring of its own by
    // now and can hear us there, so what it said on the way says nothing about the next ring. A
    // companion's is different: it is the quickest way to learn that it hears nobody.
    [[nodiscard]] bool goes_alone(const Join& join) const;

    // A sign of life from a node outside the proc set. False when it is known or there is no room.
    bool consider(NodeId node);
    // A new round of joins: nobody but this node agrees yet.
    void begin_round();
    // Every candidate without consensus is put into the fail set; returns those.
    NodeList fail_the_silent();
    void fail(NodeId node);
    // This node cannot receive: it will stay alone once the others agree on that.
    void fail_self();
    void become_singleton();

    // proc without failed, ascending.
    [[nodiscard]] NodeList candidates() const;
    [[nodiscard]] bool agreed() const;
    [[nodiscard]] bool lowest_candidate() const;

    // A ring of `members` was installed by others of them; this node gathers with them from there.
    void gather_from(const NodeList& members);
    // A ring of `members` was installed.
    void install(const NodeList& members);
    // Frames of `ring` are late copies from now on: this node was part of it and is no more.
    void leave_ring(const RingId& ring);
    [[nodiscard]] bool has_left(const RingId& ring) const;

    [[nodiscard]] const NodeList& proc() const noexcept { return proc_; }
    [[nodiscard]] const NodeList& failed() const noexcept { return failed_; }
    [[nodiscard]] const NodeList& members() const noexcept { return members_; }
    [[nodiscard]] const NodeList& consensus() const noexcept { return consensus_; }
    [[nodiscard]] bool cannot_receive() const noexcept { return cannot_receive_; }
    void hash(Hasher& hasher) const;

  private:
    Verdict judge_leave(const Join& join);
    void fail_all(const NodeList& nodes);

    NodeId self_;
    NodeList proc_;
    NodeList failed_;
    NodeList consensus_;
    NodeList members_;     // of the installed ring; before the first one, this node alone
    NodeList companions_;  // the members that are not known to have left that ring
    bool cannot_receive_ = false;

    // A late frame is at most a few ring changes old.
    std::array<RingId, 8> left_rings_{};
    std::size_t left_next_ = 0;
};

}  // namespace totem
