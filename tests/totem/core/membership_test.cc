// The sets of GATHER and what joins do to them (totem.md 4.2; properties.md M6, M7).
#include "totem/core/membership.h"

#include <initializer_list>

#include <gtest/gtest.h>

namespace {

using totem::Join;
using totem::kNoNode;
using totem::Membership;
using totem::NodeId;
using totem::NodeList;
using totem::RingId;
using Verdict = totem::Membership::Verdict;

NodeId node(std::uint32_t id) { return NodeId{id}; }

NodeList nodes(std::initializer_list<std::uint32_t> ids) {
    NodeList list;
    for (const std::uint32_t id : ids) {
        list.insert(node(id));
    }
    return list;
}

Join join(std::uint32_t sender, std::initializer_list<std::uint32_t> proc,
          std::initializer_list<std::uint32_t> failed = {}) {
    Join made;
    made.from = node(sender);
    made.system_from = node(sender);
    made.proc = nodes(proc);
    made.failed = nodes(failed);
    return made;
}

Join leave(std::uint32_t sender, std::initializer_list<std::uint32_t> proc,
           std::initializer_list<std::uint32_t> failed) {
    Join made = join(sender, proc, failed);
    made.from = kNoNode;
    return made;
}

// Node 2 of an installed ring {1, 2, 3}.
Membership installed() {
    Membership membership(node(2));
    membership.install(nodes({1, 2, 3}));
    return membership;
}

TEST(Membership, ANewNodeKnowsAndTrustsOnlyItself) {
    const Membership membership(node(7));
    EXPECT_EQ(membership.proc(), nodes({7}));
    EXPECT_EQ(membership.members(), nodes({7}));
    EXPECT_TRUE(membership.agreed());
    EXPECT_TRUE(membership.lowest_candidate());
}

TEST(Membership, EqualSetsCountTowardsConsensusWhateverTheirOrder) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(3, {3, 1, 2})), Verdict::kSame);
    EXPECT_FALSE(membership.agreed());
    EXPECT_EQ(membership.judge(join(1, {1, 2, 3})), Verdict::kSame);
    EXPECT_TRUE(membership.agreed());
    EXPECT_FALSE(membership.lowest_candidate());
}

TEST(Membership, ASenderThatKnowsLessChangesNothing) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(1, {1, 2})), Verdict::kBehind);
    EXPECT_EQ(membership.proc(), nodes({1, 2, 3}));
    EXPECT_FALSE(membership.consensus().contains(node(1)));
}

TEST(Membership, AnExcludedSenderIsNotListenedTo) {
    Membership membership = installed();
    membership.fail(node(3));
    EXPECT_EQ(membership.judge(join(3, {1, 2, 3, 4})), Verdict::kExcluded);
    EXPECT_FALSE(membership.proc().contains(node(4)));
}

TEST(Membership, NewNodesAreTakenOver) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(9, {9, 8})), Verdict::kChanged);
    EXPECT_EQ(membership.proc(), nodes({1, 2, 3, 8, 9}));
}

TEST(Membership, AMembersFailSetIsBelieved) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(1, {1, 2, 3}, {3})), Verdict::kChanged);
    EXPECT_EQ(membership.failed(), nodes({3}));
    EXPECT_EQ(membership.candidates(), nodes({1, 2}));
}

TEST(Membership, AStrangersFailSetIsNot) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(9, {1, 2, 3, 9}, {3})), Verdict::kChanged);
    EXPECT_TRUE(membership.failed().empty());
}

// A new life of a member, or one that was in another ring since: it forgot us, so its fail set is
// about other rings than ours. Seed 6277 of the simulator: one such node broke the others' gather.
TEST(Membership, WhoHasLeftOurRingIsAStranger) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(1, {1, 4})), Verdict::kChanged);
    EXPECT_EQ(membership.judge(join(1, {1, 2, 3, 4}, {3})), Verdict::kBehind);
    EXPECT_TRUE(membership.failed().empty());
    membership.install(nodes({1, 2, 3, 4}));
    EXPECT_EQ(membership.judge(join(1, {1, 2, 3, 4}, {3})), Verdict::kChanged);
    EXPECT_EQ(membership.failed(), nodes({3}));
}

TEST(Membership, ALeaverIsNoCompanionAnyMore) {
    Membership membership = installed();
    EXPECT_FALSE(membership.goes_alone(join(1, {1, 2, 3}, {2, 3})));
    EXPECT_EQ(membership.judge(leave(1, {2, 3}, {1})), Verdict::kChanged);
    EXPECT_TRUE(membership.goes_alone(join(1, {1, 2, 3}, {2, 3})));
}

// Seed 7875: three nodes that gave everybody up at the same moment heard of it in the next gather.
TEST(Membership, OnlyAStrangerThatExcludedEverybodyGoesAlone) {
    const Membership membership = installed();
    EXPECT_TRUE(membership.goes_alone(join(9, {1, 2, 3, 9}, {1, 2, 3})));
    EXPECT_TRUE(membership.goes_alone(join(9, {8, 9}, {8})));
    EXPECT_FALSE(membership.goes_alone(join(9, {1, 2, 3, 9}, {1, 2}))) << "node 3 is left";
    EXPECT_FALSE(membership.goes_alone(join(9, {9}))) << "a new node";
    EXPECT_FALSE(membership.goes_alone(leave(9, {1}, {1, 9})));
    EXPECT_FALSE(membership.goes_alone(join(3, {1, 2, 3}, {1, 2}))) << "it comes from our ring";
}

TEST(Membership, AFailSetThatIsNotBelievedIsNewsOnlyOnce) {
    Membership membership = installed();
    static_cast<void>(membership.judge(join(9, {1, 2, 3, 9}, {3})));
    EXPECT_EQ(membership.judge(join(9, {1, 2, 3, 9}, {3})), Verdict::kBehind);
}

TEST(Membership, WhoAccusesMeIsExcluded) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(1, {1, 2, 3}, {2})), Verdict::kChanged);
    EXPECT_EQ(membership.failed(), nodes({1}));
}

// What it excludes is about the ring that it forms without this node. To exclude it in return would
// split this node's gather from that of the others, whom it does not accuse.
TEST(Membership, AStrangerThatAccusesMeIsIgnored) {
    Membership membership = installed();
    EXPECT_EQ(membership.judge(join(9, {1, 2, 3, 8, 9}, {2})), Verdict::kSplits);
    static_cast<void>(membership.judge(join(1, {1})));
    EXPECT_EQ(membership.judge(join(1, {1, 2, 3, 8}, {2})), Verdict::kSplits);
    EXPECT_EQ(membership.proc(), nodes({1, 2, 3}));
    EXPECT_EQ(membership.failed(), nodes({}));
}

TEST(Membership, NobodyFailsItselfOnHearsay) {
    Membership membership = installed();
    membership.fail(node(2));
    EXPECT_EQ(membership.judge(leave(3, {1}, {2, 3})), Verdict::kChanged);
    EXPECT_EQ(membership.failed(), nodes({3}));
}

TEST(Membership, ALeaverIsExcludedAtOnceEvenIfItNeverWasAMember) {
    Membership membership(node(2));
    static_cast<void>(membership.judge(join(5, {5})));
    EXPECT_EQ(membership.judge(leave(5, {}, {5})), Verdict::kChanged);
    EXPECT_EQ(membership.failed(), nodes({5}));
    EXPECT_EQ(membership.judge(leave(5, {}, {5})), Verdict::kBehind);
    EXPECT_EQ(membership.judge(leave(6, {}, {6})), Verdict::kBehind) << "nobody knows node 6";
}

TEST(Membership, ALeaveIsNoConsent) {
    Membership membership = installed();
    static_cast<void>(membership.judge(leave(1, {2, 3}, {1})));
    EXPECT_FALSE(membership.consensus().contains(node(1)));
}

TEST(Membership, TheSilentAreExcludedAfterAll) {
    Membership membership = installed();
    static_cast<void>(membership.judge(join(1, {1, 2, 3})));
    EXPECT_EQ(membership.fail_the_silent(), nodes({3}));
    EXPECT_TRUE(membership.agreed());
}

TEST(Membership, TheUnionNeverPassesTheLimit) {
    Membership membership(node(1));
    Join crowd;
    crowd.from = node(2);
    crowd.system_from = node(2);
    for (std::uint32_t id = 2; id <= totem::kProcessorsMax + 1; ++id) {
        crowd.proc.insert(node(id));
    }
    EXPECT_EQ(membership.judge(crowd), Verdict::kTooMany);
    EXPECT_EQ(membership.proc(), nodes({1}));
}

// However many names a member's join calls failed, one that is silent can still be excluded.
TEST(Membership, StrangeNamesDoNotFillTheFailSet) {
    Membership membership = installed();
    Join forged = join(1, {1, 2, 3});
    for (std::uint32_t id = 1000; !forged.failed.full(); ++id) {
        forged.failed.insert(node(id));
    }
    membership.judge(forged);
    membership.begin_round();
    membership.judge(join(1, {1, 2, 3}));
    EXPECT_TRUE(membership.fail_the_silent().contains(node(3)));
    EXPECT_TRUE(membership.failed().contains(node(3)));
}

TEST(Membership, OneThatCannotReceiveStaysAlone) {
    Membership membership = installed();
    membership.fail_self();
    EXPECT_TRUE(membership.cannot_receive());
    static_cast<void>(membership.judge(join(1, {1, 2, 3}, {2})));
    static_cast<void>(membership.judge(join(3, {1, 2, 3}, {2})));
    EXPECT_TRUE(membership.agreed());
    EXPECT_FALSE(membership.lowest_candidate());
    membership.become_singleton();
    EXPECT_EQ(membership.candidates(), nodes({2}));
}

TEST(Membership, InstallingForgetsWhoFailed) {
    Membership membership = installed();
    membership.fail(node(3));
    membership.install(nodes({1, 2}));
    EXPECT_TRUE(membership.failed().empty());
    EXPECT_EQ(membership.proc(), nodes({1, 2}));
    EXPECT_FALSE(membership.agreed());
}

TEST(Membership, RemembersTheLastRingsThatItLeft) {
    Membership membership(node(1));
    for (std::uint64_t seq = 1; seq <= 9; ++seq) {
        membership.leave_ring({.representative = node(1), .seq = seq});
    }
    EXPECT_FALSE(membership.has_left(RingId{.representative = node(1), .seq = 1}));
    EXPECT_TRUE(membership.has_left(RingId{.representative = node(1), .seq = 2}));
    EXPECT_TRUE(membership.has_left(RingId{.representative = node(1), .seq = 9}));
}

}  // namespace
