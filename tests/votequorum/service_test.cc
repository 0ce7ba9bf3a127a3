// VoteQuorum among nodes that come, go, split and meet: samples/quorumtool-*.txt retold, and the
// properties Q1, Q7, Q8, Q10 and Q16 case by case.
#include "votequorum/core/service.h"

#include <gtest/gtest.h>

#include "tests/votequorum/cluster.h"

namespace {

using totem::group::Notice;
using votequorum::Outcome;
using votequorum_test::Cluster;
using votequorum_test::ids;
using votequorum_test::NodeId;
using votequorum_test::Nodes;
using votequorum_test::Options;
using votequorum_test::TestNode;

struct Numbers {
    bool quorate = false;
    std::uint64_t expected = 0;
    std::uint64_t highest = 0;
    std::uint64_t total = 0;
    std::uint64_t quorum = 0;
    friend bool operator==(const Numbers&, const Numbers&) = default;
};
std::ostream& operator<<(std::ostream& out, const Numbers& numbers) {
    return out << "quorate " << numbers.quorate << " expected " << numbers.expected << " highest "
               << numbers.highest << " total " << numbers.total << " quorum " << numbers.quorum;
}
Numbers numbers(const TestNode& node) {
    const auto& ballot = node.votes.ballot();
    const auto tally = ballot.tally();
    return {node.quorate(), ballot.self().expected_votes, tally.highest_expected, tally.total,
            ballot.threshold()};
}

std::vector<Notice::Kind> take_notices(TestNode& node) {
    std::vector<Notice::Kind> kinds;
    for (const auto& notice : std::exchange(node.out.notices, {})) {
        kinds.push_back(notice.kind);
    }
    return kinds;
}

class VoteQuorumTest : public ::testing::Test {
  protected:
    // Votes go to all nodes of one ring.
    void set_expected(std::uint32_t node, std::uint32_t expected, const Nodes& ring) {
        ASSERT_EQ(cluster.at(node).votes.set_expected(expected, cluster.at(node).out),
                  Outcome::kSent);
        cluster.settle(ring);
    }
    void set_votes(std::uint32_t node, std::uint32_t votes, const Nodes& ring) {
        ASSERT_EQ(cluster.at(node).votes.set_votes(totem::kNoNode, votes, cluster.at(node).out),
                  Outcome::kSent);
        cluster.settle(ring);
    }
    Cluster cluster;
};

// samples/quorumtool-3node.txt
TEST_F(VoteQuorumTest, ThreeNodesAndChangedVotes) {
    cluster.start_all(3);
    const Nodes all = ids({1, 2, 3});
    cluster.form(ids({1}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{false, 3, 3, 1, 2}));
    cluster.form(all);
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 3, 3, 3, 2}));

    auto& node = cluster.at(1);
    EXPECT_EQ(node.votes.set_expected(1, node.out), Outcome::kRefused);
    EXPECT_EQ(node.votes.set_votes(NodeId{9}, 1, node.out), Outcome::kUnknownNode);
    set_expected(1, 5, all);
    EXPECT_EQ(numbers(node), (Numbers{true, 5, 5, 3, 3}));
    set_expected(1, 3, all);
    set_votes(1, 2, all);
    EXPECT_EQ(numbers(node), (Numbers{true, 4, 4, 4, 3}));
    set_votes(1, 1, all);
    for (const std::uint32_t each : {1, 2, 3}) {
        EXPECT_EQ(numbers(cluster.at(each)), (Numbers{true, 4, 4, 3, 3}));
    }
}

// samples/quorumtool-1of3.txt and quorumtool-expected.txt
TEST_F(VoteQuorumTest, ExpectedOneOnTheLastNode) {
    cluster.start_all(3);
    cluster.form(ids({1, 2, 3}));
    cluster.form(ids({1, 2}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 3, 3, 2, 2}));
    cluster.form(ids({1}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{false, 3, 3, 1, 2}));

    set_expected(1, 1, ids({1}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 1, 1, 1, 1}));

    cluster.crash(NodeId{2});
    cluster.start({.self = NodeId{2}, .expected_votes = 3});
    cluster.form(ids({2}));
    cluster.form(ids({1, 2}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 2, 2, 2, 2}));
    EXPECT_EQ(numbers(cluster.at(2)), (Numbers{true, 2, 2, 2, 2}));
    cluster.form(ids({1}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{false, 2, 2, 1, 2}));
}

// samples/quorumtool-2node.txt
TEST_F(VoteQuorumTest, TwoNodesWaitForEachOtherOnce) {
    cluster.start_all(2, {.two_node = true});
    cluster.form(ids({1}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{false, 2, 2, 1, 1}));
    cluster.form(ids({1, 2}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 2, 2, 2, 1}));
    cluster.form(ids({1}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 2, 2, 1, 1}));

    const auto keys = cluster.at(1).votes.runtime_keys();
    EXPECT_EQ(keys, (votequorum::RuntimeKeys{NodeId{1}, NodeId{1}, NodeId{2}, 2, true, false}));

    // The other one, started again and alone, waits; beside the quorate one it does not.
    cluster.crash(NodeId{2});
    cluster.start({.self = NodeId{2}, .expected_votes = 2, .two_node = true});
    cluster.form(ids({2}));
    EXPECT_FALSE(cluster.at(2).quorate());
    cluster.form(ids({1, 2}));
    EXPECT_TRUE(cluster.at(2).quorate());
}

TEST_F(VoteQuorumTest, TwoNodeWithoutWaitingIsAnExplicitChoice) {
    cluster.start_all(2, {.two_node = true, .wait_for_all = false});
    cluster.form(ids({1}));
    EXPECT_TRUE(cluster.at(1).quorate());
    EXPECT_EQ(cluster.at(1).votes.runtime_keys().wait_for_all_status, std::nullopt);
}

// Q8: a third vote puts two_node out of force, for good.
TEST_F(VoteQuorumTest, ThirdNodeEndsTwoNode) {
    cluster.start_all(2, {.two_node = true});
    cluster.form(ids({1, 2}));
    cluster.start({.self = NodeId{3}, .expected_votes = 2, .two_node = true});
    cluster.form(ids({1, 2, 3}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 3, 3, 3, 2}));
    EXPECT_FALSE(cluster.at(1).votes.ballot().two_node());
    cluster.form(ids({1}));
    EXPECT_FALSE(cluster.at(1).quorate());
    EXPECT_FALSE(cluster.at(1).votes.ballot().two_node());
}

// Q10: waiting ends when all were seen together; losing quorum starts it again.
TEST_F(VoteQuorumTest, WaitForAll) {
    cluster.start_all(3, {.wait_for_all = true});
    cluster.form(ids({1, 2}));
    EXPECT_FALSE(cluster.at(1).quorate());
    cluster.form(ids({1, 2, 3}));
    EXPECT_TRUE(cluster.at(1).quorate());
    cluster.form(ids({1, 2}));
    EXPECT_TRUE(cluster.at(1).quorate());
    cluster.form(ids({3}));
    EXPECT_FALSE(cluster.at(3).quorate());
    EXPECT_TRUE(cluster.at(3).votes.ballot().waiting_for_all());

    // A quorate peer ends it as well.
    cluster.form(ids({1, 2, 3}));
    EXPECT_TRUE(cluster.at(3).quorate());

    // All lose it: two of three must wait for the third.
    cluster.form(ids({1}));
    cluster.form(ids({2}));
    cluster.form(ids({1, 2}));
    EXPECT_FALSE(cluster.at(1).quorate());
    EXPECT_EQ(cluster.at(1).votes.cancel_wait_for_all(cluster.at(1).out), Outcome::kSent);
    cluster.settle(ids({1, 2}));
    EXPECT_TRUE(cluster.at(1).quorate());
    EXPECT_TRUE(cluster.at(2).quorate());
}

// Q10: a quorate peer whose record is all there is to it does not end the waiting.
TEST_F(VoteQuorumTest, QuoratePeerWithoutVotesDoesNotEndWaiting) {
    cluster.start_all(3, {.wait_for_all = true});
    cluster.form(ids({1}));
    votequorum::Ballot ballot({.self = NodeId{1}, .expected_votes = 3, .wait_for_all = true});
    const votequorum::Records records{{NodeId{2}, {NodeId{2}, 0, 3, votequorum::kFlagQuorate}}};
    ballot.admit(ids({1, 2}), records);
    ballot.decide(votequorum::Ballot::Gain::kAllowed);
    EXPECT_TRUE(ballot.waiting_for_all());
    EXPECT_FALSE(ballot.quorate());
}

// Q16, and the notices in the order of samples/log-3node-startup.txt.
TEST_F(VoteQuorumTest, NoticesAndTheirTime) {
    using Kind = Notice::Kind;
    cluster.start_all(3);
    cluster.form(ids({1}));
    EXPECT_EQ(take_notices(cluster.at(1)), (std::vector{Kind::kSyncStarted, Kind::kQuorumMembers}));
    cluster.form(ids({1, 2, 3}));
    EXPECT_EQ(take_notices(cluster.at(1)),
              (std::vector{Kind::kSyncStarted, Kind::kQuorumGained, Kind::kQuorumMembers}));
    cluster.form(ids({1, 2}));
    EXPECT_EQ(take_notices(cluster.at(1)), (std::vector{Kind::kSyncStarted, Kind::kQuorumMembers}));
    cluster.form(ids({1}));
    EXPECT_EQ(take_notices(cluster.at(1)),
              (std::vector{Kind::kQuorumLost, Kind::kSyncStarted, Kind::kQuorumMembers}));
}

// A member that lost the others only for the time of a configuration change is inquorate for that
// time: it did not come along with a majority (Q3).
TEST_F(VoteQuorumTest, MeetingAgainIsNotStayingTogether) {
    cluster.start_all(3);
    cluster.form(ids({1, 2, 3}));
    cluster.form(ids({2, 3}));
    cluster.at(1).views.clear();
    cluster.form(ids({1, 2, 3}));
    ASSERT_EQ(cluster.at(1).views.size(), 2U);
    EXPECT_FALSE(cluster.at(1).views[0].quorate);
    EXPECT_EQ(cluster.at(1).views[0].members, ids({1}));
    EXPECT_TRUE(cluster.at(1).views[1].quorate);
    EXPECT_EQ(cluster.at(1).views[1].members, ids({1, 2, 3}));
}

// wire.md 6.3 and totem.md 9 (6), as real daemons do it: own record at start; in each
// synchronisation own record, then the device's; the flag `first` on all of the first ring and no
// longer.
TEST_F(VoteQuorumTest, RecordsOnTheWire) {
    cluster.start_all(1);
    auto& node = cluster.at(1);
    for (const std::uint64_t seq : {4, 8}) {
        const totem::RingId ring{NodeId{1}, seq};
        node.configuration({totem::Configuration::Kind::kTransitional, ring, ids({1}), {}, {}});
        EXPECT_TRUE(node.out.sent.empty());
        node.configuration({totem::Configuration::Kind::kRegular, ring, ids({1}), {}, {}});
        node.quorum.sync_begin(ring, ids({1}), ids({1}), node.out);
        const std::size_t at_start = seq == 4 ? 1 : 0;
        EXPECT_EQ(node.out.sent.size(), at_start);
        static_cast<void>(node.votes.sync_step(node.out));
        ASSERT_EQ(node.out.sent.size(), at_start + 2);
        const totem::group::StructReader own(node.out.sent[at_start].bytes);
        EXPECT_EQ(own.u32(0), 0x50000U);
        EXPECT_EQ(own.u32(8), 32U);
        EXPECT_EQ(own.u32(16), 1U);
        EXPECT_EQ(own.u32(20), 1U);
        EXPECT_EQ(own.u32(24), 1U);
        EXPECT_EQ(own.u32(28), seq == 4 ? votequorum::kFlagFirst : votequorum::kFlagQuorate);
        const totem::group::StructReader device(node.out.sent[at_start + 1].bytes);
        EXPECT_EQ(device.u32(16), 0U);
        EXPECT_EQ(device.u32(28), 0U);
        node.out.sent.clear();
        node.votes.sync_activate(node.out);
        node.complete();
        node.out.sent.clear();
    }
}

// A reconfigure as a real daemon sent it, with what was on its stack as padding.
TEST_F(VoteQuorumTest, ReconfigureOfARealPeer) {
    cluster.start_all(3);
    cluster.form(ids({1, 2, 3}));
    std::vector<std::byte> message(32);
    totem::group::StructWriter writer(message);
    writer.u32(0, 0x50001);
    writer.u32(8, 32);
    writer.u32(16, 1);
    writer.u32(20, 5);
    writer.u32(24, 1);
    writer.u32(28, 0x7ffe);
    cluster.inject(NodeId{2}, 1, message, ids({1}));
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{true, 5, 5, 3, 3}));
}

TEST_F(VoteQuorumTest, JoinedAndLeftCountFromTheLastSynchronisation) {
    cluster.start_all(3);
    cluster.form(ids({1, 2, 3}));
    cluster.form_and_abort(ids({1, 2}));
    cluster.form(ids({1, 2, 3}));
    // 3 was away in between: it is in both lists, for it may have been started anew.
    const auto& change = cluster.at(1).memberships.back();
    EXPECT_EQ(change.joined, ids({3}));
    EXPECT_EQ(change.left, ids({3}));
}

// A command that is ordered inside of a synchronisation is neither lost nor early.
TEST_F(VoteQuorumTest, CommandDuringSynchronisation) {
    cluster.start_all(3);
    cluster.form(ids({1, 2, 3}));
    for (const bool abort : {false, true}) {
        auto& node = cluster.at(1);
        const std::uint32_t expected = abort ? 4 : 5;
        ASSERT_EQ(node.votes.set_expected(expected, node.out), Outcome::kSent);
        const auto command = std::exchange(node.out.sent, {}).front();
        const totem::RingId ring{NodeId{1}, abort ? 4000U : 400U};
        node.configuration(
            {totem::Configuration::Kind::kTransitional, ring, ids({1, 2, 3}), {}, {}});
        node.configuration({totem::Configuration::Kind::kRegular, ring, ids({1, 2, 3}), {}, {}});
        cluster.inject(NodeId{1}, command.function, command.bytes, ids({1}));
        if (abort) {
            node.votes.sync_abort(node.out);
        } else {
            node.votes.sync_activate(node.out);
        }
        EXPECT_EQ(node.votes.ballot().self().expected_votes, expected);
    }
}

TEST_F(VoteQuorumTest, ReloadTellsAllAndNeverArmsWaitingAgain) {
    cluster.start_all(3, {.wait_for_all = true});
    const Nodes all = ids({1, 2, 3});
    cluster.form(all);
    auto& node = cluster.at(1);
    Options options = node.votes.ballot().options();
    node.votes.reconfigure(options, node.out);
    EXPECT_TRUE(node.out.sent.empty());
    EXPECT_FALSE(node.votes.ballot().waiting_for_all());

    options.votes = 2;
    options.expected_votes = 5;
    node.votes.reconfigure(options, node.out);
    cluster.settle(all);
    for (const std::uint32_t each : {1, 2, 3}) {
        EXPECT_EQ(numbers(cluster.at(each)), (Numbers{true, 5, 5, 4, 3}));
        EXPECT_FALSE(cluster.at(each).votes.ballot().waiting_for_all());
    }
}

TEST_F(VoteQuorumTest, TwoNodeByReloadMakesNoLoneNodeQuorate) {
    cluster.start_all(2);
    cluster.form(ids({1}));
    EXPECT_FALSE(cluster.at(1).quorate());
    Options options = cluster.at(1).votes.ballot().options();
    options.two_node = true;
    cluster.at(1).votes.reconfigure(options, cluster.at(1).out);
    EXPECT_FALSE(cluster.at(1).quorate());
}

TEST_F(VoteQuorumTest, NothingIsLostWhenThereIsNoRoom) {
    cluster.start_all(2);
    cluster.form(ids({1, 2}));
    auto& node = cluster.at(1);
    node.out.room = false;
    EXPECT_EQ(node.votes.set_expected(3, node.out), Outcome::kNoRoom);
    Options options = node.votes.ballot().options();
    options.expected_votes = 3;
    options.votes = 2;
    node.votes.reconfigure(options, node.out);
    EXPECT_TRUE(node.out.wake.has_value());
    node.out.room = true;
    node.votes.on_wake(node.out);
    cluster.settle(ids({1, 2}));
    EXPECT_EQ(numbers(cluster.at(2)), (Numbers{true, 3, 3, 3, 2}));
}

// ---- Q7 -------------------------------------------------------------------------------------

std::vector<std::byte> nodeinfo(std::uint32_t node, std::uint32_t votes, std::uint32_t flags) {
    std::vector<std::byte> message(32);
    totem::group::StructWriter writer(message);
    writer.u32(0, 0x50000);
    writer.u32(8, 32);
    writer.u32(16, node);
    writer.u32(20, votes);
    writer.u32(24, 3);
    writer.u32(28, flags);
    return message;
}

TEST_F(VoteQuorumTest, StrangersAndImpostorsAddNoVotes) {
    cluster.start_all(3);
    const Nodes ring = ids({1});
    cluster.form(ring);
    cluster.inject(NodeId{2}, 0, nodeinfo(2, 5, votequorum::kFlagQuorate), ring);
    cluster.inject(NodeId{1}, 0, nodeinfo(2, 5, votequorum::kFlagQuorate), ring);
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{false, 3, 3, 1, 2}));
    EXPECT_EQ(cluster.at(1).votes.ballot().voters().size(), 1U);
}

// Between two rings only what the old one still had in order arrives: its records are stale.
TEST_F(VoteQuorumTest, RecordsOfTheOldRingAreNotBelieved) {
    cluster.start_all(5);
    cluster.form(ids({1, 2, 3, 4, 5}));
    auto& node = cluster.at(1);
    node.configuration(
        {totem::Configuration::Kind::kTransitional, {NodeId{1}, 400}, ids({1, 2}), {}, {}});
    EXPECT_FALSE(node.quorate());
    cluster.inject(NodeId{2}, 0, nodeinfo(2, 9, votequorum::kFlagQuorate), ids({1}));
    EXPECT_EQ(numbers(node), (Numbers{false, 5, 5, 2, 3}));
}

TEST_F(VoteQuorumTest, UnlistedMembersAddNoVotes) {
    for (const std::uint32_t id : {1, 2, 3}) {
        cluster.start({.self = NodeId{id}, .expected_votes = 2, .listed = ids({1, 2})});
    }
    cluster.form(ids({1, 3}));
    EXPECT_FALSE(cluster.at(1).quorate());
    EXPECT_EQ(numbers(cluster.at(1)), (Numbers{false, 2, 2, 1, 2}));
    // The list is read again, and now names it.
    Options options = cluster.at(1).votes.ballot().options();
    options.listed = ids({1, 2, 3});
    cluster.at(1).votes.reconfigure(options, cluster.at(1).out);
    EXPECT_TRUE(cluster.at(1).quorate());
}

// A quorate node does not believe an inquorate one's expected votes; the latter believes it.
TEST_F(VoteQuorumTest, ExpectedVotesAreLearntFromQuorateNodesOnly) {
    cluster.start_all(3);
    cluster.form(ids({1, 2}));
    cluster.crash(NodeId{3});
    cluster.start({.self = NodeId{3}, .expected_votes = 7});
    cluster.form(ids({3}));
    cluster.form(ids({1, 2, 3}));
    for (const std::uint32_t each : {1, 2, 3}) {
        EXPECT_EQ(numbers(cluster.at(each)), (Numbers{true, 3, 3, 3, 2}));
    }
}

TEST_F(VoteQuorumTest, DeviceRecordBeforeOwnRecordIsRefused) {
    cluster.start_all(2);
    auto& node = cluster.at(1);
    const totem::RingId ring{NodeId{1}, 4};
    node.configuration({totem::Configuration::Kind::kRegular, ring, ids({1, 2}), {}, {}});
    cluster.inject(NodeId{2}, 0, nodeinfo(0, 1, 0), ids({1}));
    ASSERT_FALSE(node.out.notices.empty());
    EXPECT_EQ(node.out.notices.back().kind, Notice::Kind::kMalformedMessage);
    cluster.inject(NodeId{2}, 0, nodeinfo(2, 1, 0), ids({1}));
    cluster.inject(NodeId{2}, 0, nodeinfo(0, 1, 0), ids({1}));
    node.votes.sync_activate(node.out);
    EXPECT_EQ(node.votes.ballot().device_votes(), 1U);
}

// A node that joins as a member of a foreign mind: any bytes, any function, in any phase.
TEST_F(VoteQuorumTest, RubbishFromTheRing) {
    cluster.start_all(3);
    const Nodes all = ids({1, 2, 3});
    cluster.form(all);
    doors_test::Dice& dice = cluster.dice;
    for (int round = 0; round < 5000; ++round) {
        auto bytes = nodeinfo(static_cast<std::uint32_t>(dice.below(4)),
                              static_cast<std::uint32_t>(dice.next()),
                              static_cast<std::uint32_t>(dice.below(256)));
        if (dice.one_in(2)) {
            const auto parameter = static_cast<std::uint8_t>(dice.below(5));
            totem::group::StructWriter(bytes).u8(24, parameter);
        }
        const auto function = static_cast<std::uint16_t>(dice.below(6));
        cluster.inject(NodeId{1 + static_cast<std::uint32_t>(dice.below(4))}, function,
                       doors_test::mutated(bytes, dice), all);
        if (dice.one_in(20)) {
            cluster.form(dice.one_in(2) ? all : ids({1, 2}));
        }
        for (const auto& [id, node] : cluster.nodes) {
            node->out.sent.clear();
            node->out.notices.clear();
        }
    }
    SUCCEED();
}

}  // namespace
