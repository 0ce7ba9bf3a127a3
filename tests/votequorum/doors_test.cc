// The bytes of every request, reply and event of the quorum and votequorum doors (ipc.md 9, 10),
// and what a hostile client can send.
#include <gtest/gtest.h>

#include "tests/votequorum/cluster.h"
#include "votequorum/ipc/quorum_door.h"
#include "votequorum/ipc/votequorum_door.h"

namespace {

using doors_test::Reply;
using doors_test::Request;
using totem::group::ConnectionId;
using votequorum_test::Cluster;
using votequorum_test::ids;
using votequorum_test::NodeId;
using votequorum_test::TestNode;

constexpr ConnectionId kA{10};
constexpr ConnectionId kB{11};
constexpr std::uint32_t kCurrent = 1;
constexpr std::uint32_t kChanges = 2;
constexpr std::uint32_t kChangesOnly = 4;

// cs_error_t
constexpr std::uint32_t kOk = 1;
constexpr std::uint32_t kInvalidParam = 7;
constexpr std::uint32_t kAccess = 11;
constexpr std::uint32_t kNotExist = 12;
constexpr std::uint32_t kExist = 14;
constexpr std::uint32_t kNameNotFound = 17;

std::vector<Reply> take(TestNode& node) {
    std::vector<Reply> replies;
    for (const auto& message : std::exchange(node.out.clients, {})) {
        replies.emplace_back(message);
        EXPECT_TRUE(replies.back().is_sound());
    }
    return replies;
}

std::vector<std::uint32_t> list(const Reply& reply, std::size_t at, std::size_t count) {
    EXPECT_GE(reply.size(), at + 4 * count);
    std::vector<std::uint32_t> numbers;
    for (std::size_t i = 0; i < count; ++i) {
        numbers.push_back(reply.u32(at + 4 * i));
    }
    return numbers;
}

// Node 1 of three, with both doors; the others are services only.
class DoorsTest : public ::testing::Test {
  protected:
    DoorsTest() {
        for (const ConnectionId connection : {kA, kB}) {
            quorum.on_open(connection, 1, node().out);
            votes.on_open(connection, 1, node().out);
        }
        cluster.form(ids({1, 2, 3}));
        take(node());
    }
    TestNode& node() { return cluster.at(1); }
    std::vector<Reply> ask(totem::group::Door& door, ConnectionId connection,
                           const Request& request) {
        EXPECT_TRUE(door.on_request(connection, request.bytes(), node().out));
        return take(node());
    }
    // The one reply, of exactly this id, error and size.
    Reply one(totem::group::Door& door, const Request& request, std::uint32_t id,
              std::uint32_t error, std::size_t size) {
        const auto replies = ask(door, kA, request);
        EXPECT_EQ(replies.size(), 1U);
        EXPECT_FALSE(replies.at(0).is_event());
        EXPECT_EQ(replies.at(0).to(), kA);
        EXPECT_EQ(replies.at(0).id(), id);
        EXPECT_EQ(replies.at(0).error(), error);
        EXPECT_EQ(replies.at(0).size(), size);
        return replies.at(0);
    }

    struct ThreeNodes : Cluster {
        ThreeNodes() { start_all(3); }
    };
    ThreeNodes cluster;
    votequorum::QuorumDoor quorum{node().quorum};
    votequorum::VotequorumDoor votes{node().votes};
};

Request quorum_track(std::uint32_t flags) { return Request(1, 24).u32(16, flags); }
Request quorum_model(std::uint32_t model) { return Request(4, 24).u32(16, model); }
Request votes_track(std::uint32_t flags, std::uint64_t context) {
    return Request(3, 32).u64(16, context).u32(24, flags);
}
Request get_info(std::uint32_t node) { return Request(0, 24).u32(16, node); }

// ---- quorum ---------------------------------------------------------------------------------

TEST_F(DoorsTest, QuorateAndType) {
    EXPECT_EQ(one(quorum, Request(0, 16), 0, kOk, 32).u32(24), 1U);
    EXPECT_EQ(one(quorum, Request(3, 16), 4, kOk, 32).u32(24), 1U);
    EXPECT_EQ(one(quorum, quorum_model(0), 5, kOk, 32).u32(24), 1U);
    EXPECT_EQ(one(quorum, quorum_model(1), 5, kOk, 32).u32(24), 1U);
    one(quorum, quorum_model(2), 5, kInvalidParam, 32);
    cluster.form(ids({1}));
    take(node());
    EXPECT_EQ(one(quorum, Request(0, 16), 0, kOk, 32).u32(24), 0U);
}

TEST_F(DoorsTest, QuorumWithoutProvider) {
    votequorum::QuorumService free(votequorum::QuorumService::Model::kFree);
    votequorum::QuorumDoor door(free);
    EXPECT_EQ(one(door, Request(0, 16), 0, kOk, 32).u32(24), 1U);
    EXPECT_EQ(one(door, Request(3, 16), 4, kOk, 32).u32(24), 0U);
    const auto replies = ask(door, kA, quorum_track(kCurrent));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].size(), 44U);
    EXPECT_EQ(replies[0].u32(24), 1U);
    EXPECT_EQ(replies[0].u32(40), 0U);
}

TEST_F(DoorsTest, QuorumTrackingModelZero) {
    ask(quorum, kA, Request(3, 16));
    auto replies = ask(quorum, kA, quorum_track(kCurrent | kChanges));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_TRUE(replies[0].is_event());
    EXPECT_EQ(replies[0].id(), 3U);
    EXPECT_EQ(replies[0].size(), 44U + 12);
    EXPECT_EQ(replies[0].u32(24), 1U);
    EXPECT_EQ(replies[0].u64(32), node().ring.seq);
    EXPECT_EQ(replies[0].u32(40), 3U);
    EXPECT_EQ(list(replies[0], 44, 3), (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(replies[1].id(), 1U);
    EXPECT_EQ(replies[1].error(), kOk);

    replies = ask(quorum, kA, quorum_track(kCurrent | kChanges));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[1].error(), kExist);

    cluster.form(ids({1}));
    replies = take(node());
    ASSERT_EQ(replies.size(), 2U);  // lost, then the new ring
    for (const Reply& reply : replies) {
        EXPECT_EQ(reply.id(), 3U);
        EXPECT_EQ(reply.u32(24), 0U);
        EXPECT_EQ(reply.u64(32), node().ring.seq);
    }
    one(quorum, Request(2, 16), 2, kOk, 24);
    one(quorum, Request(2, 16), 2, kOk, 24);
    cluster.form(ids({1, 2}));
    EXPECT_TRUE(take(node()).empty());
}

TEST_F(DoorsTest, QuorumTrackingModelOne) {
    ask(quorum, kA, quorum_model(1));
    auto replies = ask(quorum, kA, quorum_track(kCurrent | kChangesOnly));
    ASSERT_EQ(replies.size(), 3U);
    EXPECT_EQ(replies[0].id(), 7U);
    EXPECT_EQ(replies[0].size(), 60U + 12);
    EXPECT_EQ(replies[0].u32(24), 1U);
    EXPECT_EQ(replies[0].u64(32), node().ring.seq);
    EXPECT_EQ(replies[0].u32(40), 3U);
    EXPECT_EQ(replies[0].u32(48), 0U);
    EXPECT_EQ(replies[0].u32(56), 0U);
    EXPECT_EQ(replies[1].id(), 6U);
    EXPECT_EQ(replies[1].size(), 52U + 12);
    EXPECT_EQ(replies[1].u32(24), 1U);
    EXPECT_EQ(replies[1].u32(32), 1U);
    EXPECT_EQ(replies[1].u64(40), node().ring.seq);
    EXPECT_EQ(replies[1].u32(48), 3U);
    EXPECT_EQ(list(replies[1], 52, 3), (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(replies[2].id(), 1U);

    cluster.form(ids({1, 2}));
    replies = take(node());
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].id(), 7U);
    EXPECT_EQ(replies[0].u32(40), 2U);
    EXPECT_EQ(replies[0].u32(48), 0U);
    EXPECT_EQ(replies[0].u32(56), 1U);
    EXPECT_EQ(list(replies[0], 60, 3), (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(replies[1].id(), 6U);
    EXPECT_EQ(replies[1].u32(24), 1U);

    quorum.on_close(kA, node().out);
    cluster.form(ids({1, 2, 3}));
    EXPECT_TRUE(take(node()).empty());
}

// ---- votequorum -----------------------------------------------------------------------------

TEST_F(DoorsTest, GetInfo) {
    const Reply own = one(votes, get_info(0), 1, kOk, 320);
    EXPECT_EQ(list(own, 24, 9), (std::vector<std::uint32_t>{1, 1, 1, 3, 3, 3, 2, 2, 0}));
    EXPECT_EQ(own.c_string(60, 255), "");
    cluster.form(ids({1}));
    take(node());
    const Reply dead = one(votes, get_info(3), 1, kOk, 320);
    EXPECT_EQ(list(dead, 24, 9), (std::vector<std::uint32_t>{3, 2, 1, 3, 3, 1, 2, 0, 0}));
    one(votes, get_info(9), 1, kNotExist, 320);
}

TEST_F(DoorsTest, GetInfoOfTwoNodesThatWait) {
    votequorum_test::Cluster two;
    two.start_all(2, {.two_node = true});
    votequorum::VotequorumDoor door(two.at(1).votes);
    two.form(ids({1}));
    EXPECT_TRUE(door.on_request(kA, get_info(0).bytes(), two.at(1).out));
    EXPECT_EQ(take(two.at(1)).at(0).u32(52), 1U | 4U);
    two.form(ids({1, 2}));
    EXPECT_TRUE(door.on_request(kA, get_info(0).bytes(), two.at(1).out));
    EXPECT_EQ(take(two.at(1)).at(0).u32(52), 1U | 2U | 4U);
}

TEST_F(DoorsTest, SetExpectedAndVotes) {
    one(votes, Request(1, 24).u32(16, 2), 0, kInvalidParam, 24);
    one(votes, Request(1, 24).u32(16, 0), 0, kInvalidParam, 24);
    one(votes, Request(1, 24).u32(16, 6), 0, kInvalidParam, 24);
    one(votes, Request(1, 24).u32(16, 5), 0, kOk, 24);
    one(votes, Request(2, 24).u32(16, 1).u32(20, 9), 0, kNameNotFound, 24);
    one(votes, Request(2, 24).u32(16, 2).u32(20, 3), 0, kOk, 24);
    cluster.settle(ids({1, 2, 3}));
    const Reply third = one(votes, get_info(3), 1, kOk, 320);
    EXPECT_EQ(list(third, 24, 9), (std::vector<std::uint32_t>{3, 1, 2, 5, 5, 4, 3, 2, 0}));
}

TEST_F(DoorsTest, CommandWithoutRoomIsOfferedAgain) {
    node().out.room = false;
    const Request request = Request(1, 24).u32(16, 5);
    EXPECT_FALSE(votes.on_request(kA, request.bytes(), node().out));
    EXPECT_TRUE(take(node()).empty());
    node().out.room = true;
    one(votes, request, 0, kOk, 24);
}

TEST_F(DoorsTest, VotequorumTracking) {
    constexpr std::uint64_t kContext = 0x1122334455667788U;
    auto replies = ask(votes, kA, votes_track(kCurrent | kChanges, kContext));
    ASSERT_EQ(replies.size(), 3U);
    EXPECT_EQ(replies[0].id(), 5U);
    EXPECT_EQ(replies[0].size(), 56U + 12);
    EXPECT_EQ(replies[0].u64(24), kContext);
    EXPECT_EQ(replies[0].u32(32), 1U);
    EXPECT_EQ(replies[0].u64(40), node().ring.seq);
    EXPECT_EQ(replies[0].u32(48), 3U);
    EXPECT_EQ(list(replies[0], 56, 3), (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(replies[1].id(), 3U);
    EXPECT_EQ(replies[1].size(), 48U + 24);
    EXPECT_EQ(replies[1].u32(24), 1U);
    EXPECT_EQ(replies[1].u64(32), kContext);
    EXPECT_EQ(replies[1].u32(40), 3U);
    EXPECT_EQ(list(replies[1], 48, 6), (std::vector<std::uint32_t>{1, 1, 2, 1, 3, 1}));
    EXPECT_EQ(replies[2].id(), 0U);
    EXPECT_EQ(replies[2].error(), kOk);
    EXPECT_EQ(ask(votes, kA, votes_track(kChanges, 0)).at(0).error(), kExist);

    // Nodelist while the synchronisation runs, quorum when it is over; the dead are listed.
    cluster.form(ids({1, 2}));
    replies = take(node());
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].id(), 5U);
    EXPECT_EQ(list(replies[0], 56, 2), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(replies[1].id(), 3U);
    EXPECT_EQ(list(replies[1], 48, 6), (std::vector<std::uint32_t>{1, 1, 2, 1, 3, 2}));

    one(votes, Request(4, 16), 0, kOk, 24);
    one(votes, Request(4, 16), 0, kNotExist, 24);
}

TEST_F(DoorsTest, ExpectedVotesThatGrowAreAnEvent) {
    ask(votes, kB, votes_track(kChanges, 7));
    EXPECT_TRUE(votes.on_request(kA, Request(2, 24).u32(16, 3).bytes(), node().out));
    cluster.settle(ids({1, 2, 3}));
    const auto replies = take(node());
    ASSERT_EQ(replies.size(), 3U);
    EXPECT_FALSE(replies[0].is_event());
    EXPECT_EQ(replies[1].id(), 4U);
    EXPECT_EQ(replies[1].to(), kB);
    EXPECT_EQ(replies[1].size(), 40U);
    EXPECT_EQ(replies[1].u64(24), 7U);
    EXPECT_EQ(replies[1].u32(32), 5U);
    EXPECT_EQ(replies[2].id(), 3U);
}

TEST_F(DoorsTest, NoQuorumDevice) {
    one(votes, Request(5, 272).text(16, "Qdevice"), 0, kAccess, 24);
    one(votes, Request(6, 272).text(16, "Qdevice"), 0, kNotExist, 24);
    one(votes, Request(7, 528), 0, kNotExist, 24);
    one(votes, Request(8, 296), 0, kNotExist, 24);
    one(votes, Request(9, 280), 0, kNotExist, 24);
}

// ---- rubbish --------------------------------------------------------------------------------

TEST_F(DoorsTest, WhatCannotBeUnderstoodIsRefused) {
    for (totem::group::Door* door :
         {static_cast<totem::group::Door*>(&quorum), static_cast<totem::group::Door*>(&votes)}) {
        one(*door, Request(99, 16), 0, kInvalidParam, 24);
        one(*door, Request(1, 23), 0, kInvalidParam, 24);
        one(*door, Request(1, 24).u32(8, 25), 0, kInvalidParam, 24);
        const std::array<std::byte, 3> bits{};
        EXPECT_TRUE(door->on_request(kA, bits, node().out));
        EXPECT_TRUE(door->on_request(kA, {}, node().out));
        EXPECT_EQ(take(node()).size(), 2U);
    }
    EXPECT_FALSE(node().out.notices.empty());
}

TEST_F(DoorsTest, RubbishFromClients) {
    doors_test::Dice dice(42);
    const auto forget = [&] { node().out.sent.clear(); };
    doors_test::throw_rubbish_at(
        quorum, node().out,
        {Request(0, 16), quorum_track(7), Request(2, 16), Request(3, 16), quorum_model(1)}, dice,
        forget);
    doors_test::throw_rubbish_at(
        votes, node().out,
        {get_info(1), Request(1, 24).u32(16, 5), Request(2, 24).u32(16, 2), votes_track(7, 1),
         Request(4, 16), Request(5, 272), Request(8, 296), Request(9, 280)},
        dice, forget);
}

}  // namespace
