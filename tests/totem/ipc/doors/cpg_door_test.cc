// The bytes of every cpg request, reply and event (ipc.md 7), and what a hostile client can send.
#include "totem/ipc/doors/cpg_door.h"

#include "tests/totem/ipc/doors/fake_outbox.h"

namespace {

using doors_test::Dice;
using doors_test::FakeOutbox;
using doors_test::Reply;
using doors_test::Request;
using totem::FramePool;
using totem::NodeId;
using totem::RingId;
using totem::group::ConnectionId;
using totem::group::CpgService;
using totem::ipc::CpgDoor;
using std::string_view_literals::operator""sv;

constexpr NodeId kSelf{1};
constexpr ConnectionId kA{10};
constexpr ConnectionId kB{11};
constexpr auto kGroup = "grp\0"sv;  // the NUL is part of the name

Request join(std::string_view group, std::uint32_t pid, std::uint32_t flags = 0) {
    return Request(0, 168).group(16, group).u32(152, pid).u32(160, flags);
}
Request leave(std::string_view group, std::uint32_t pid) {
    return Request(1, 160).group(16, group).u32(152, pid);
}
Request mcast(std::string_view text, std::uint32_t guarantee = 2) {
    return Request(2, 40 + text.size())
        .u32(24, guarantee)
        .u32(32, static_cast<std::uint32_t>(text.size()))
        .text(40, text);
}
Request part(std::uint32_t type, std::uint32_t total, std::string_view text) {
    return Request(12, 56 + text.size())
        .u32(24, 2)
        .u32(32, total)
        .u32(40, static_cast<std::uint32_t>(text.size()))
        .u32(48, type)
        .text(56, text);
}

class CpgDoorTest : public ::testing::Test {
  protected:
    CpgDoorTest() {
        door.on_open(kA, 77, out);
        door.on_open(kB, 78, out);
        settle({kSelf}, 4);
    }

    // A synchronisation in which `members` are together from the start.
    void settle(std::vector<NodeId> members, std::uint64_t ring_seq) {
        service.sync_begin({members.front(), ring_seq}, members, members, out);
        EXPECT_EQ(service.sync_step(out), totem::group::SyncStep::kDone);
        deliver_all();
        service.sync_activate(out);
        service.on_sync_complete(out);
    }
    void deliver(NodeId sender, const doors_test::Sent& message) {
        const auto frame = pool.copy(message.bytes);
        service.on_message(sender, message.function, frame, out);
    }
    // What this node sent comes back in order.
    void deliver_all() {
        const auto messages = std::exchange(out.sent, {});
        for (const auto& message : messages) {
            deliver(kSelf, message);
        }
    }
    std::vector<Reply> request(ConnectionId connection, const Request& bytes) {
        EXPECT_TRUE(door.on_request(connection, bytes.bytes(), out));
        return received();
    }
    std::vector<Reply> received() {
        std::vector<Reply> replies(out.clients.begin(), out.clients.end());
        for (const Reply& reply : replies) {
            EXPECT_TRUE(reply.is_sound());
        }
        out.clients.clear();
        return replies;
    }
    std::uint32_t error_of(ConnectionId connection, const Request& bytes) {
        const auto replies = request(connection, bytes);
        EXPECT_EQ(replies.size(), 1U);
        return replies.empty() ? 0 : replies.front().error();
    }
    void join_completely(ConnectionId connection, std::uint32_t pid) {
        EXPECT_EQ(error_of(connection, join(kGroup, pid)), 1U);
        deliver_all();
        received();
    }

    FramePool pool;
    FakeOutbox out{pool};
    CpgService service{kSelf};
    CpgDoor door{service};
};

TEST_F(CpgDoorTest, JoinIsAMessageAndTheEventComesWithItsDelivery) {
    const auto replies = request(kA, join(kGroup, 77));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].id(), 0U);
    EXPECT_EQ(replies[0].error(), 1U);
    EXPECT_EQ(replies[0].size(), 24U);
    ASSERT_EQ(out.sent.size(), 1U);
    EXPECT_EQ(out.sent[0].function, 0);
    EXPECT_EQ(out.sent[0].bytes.size(), 168U);
    deliver_all();
    const auto events = received();
    ASSERT_EQ(events.size(), 1U);
    const Reply& event = events[0];
    EXPECT_TRUE(event.is_event());
    EXPECT_EQ(event.id(), 4U);
    EXPECT_EQ(event.size(), 184U + 2 * 24);
    EXPECT_EQ(event.u32(24), 4U);
    EXPECT_EQ(event.text(32, 4), kGroup);
    EXPECT_EQ(event.u32(160), 1U);  // members
    EXPECT_EQ(event.u32(168), 1U);  // joined
    EXPECT_EQ(event.u32(176), 0U);  // left
    EXPECT_EQ(event.u32(184), 1U);
    EXPECT_EQ(event.u32(192), 77U);
    EXPECT_EQ(event.u32(200), 0U);
    EXPECT_EQ(event.u32(184 + 24), 1U);
    EXPECT_EQ(event.u32(192 + 24), 77U);
    EXPECT_EQ(event.u32(200 + 24), 1U);  // JOIN
}

TEST_F(CpgDoorTest, InitialRingFollowsTheJoin) {
    request(kA, join(kGroup, 77, 1));
    deliver_all();
    const auto events = received();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].id(), 4U);
    EXPECT_EQ(events[1].id(), 13U);
    EXPECT_EQ(events[1].size(), 52U);
    EXPECT_EQ(events[1].u32(24), 1U);
    EXPECT_EQ(events[1].u64(32), 4U);
    EXPECT_EQ(events[1].u32(40), 1U);
    EXPECT_EQ(events[1].u32(44), 1U);
}

TEST_F(CpgDoorTest, EveryJoinedConnectionIsToldANewRing) {
    join_completely(kA, 77);
    settle({kSelf}, 8);
    const auto events = received();
    ASSERT_EQ(events.size(), 1U);  // and not kB, which is in no group
    EXPECT_EQ(events[0].id(), 13U);
    EXPECT_EQ(events[0].u64(32), 8U);
}

TEST_F(CpgDoorTest, FinalizeEndsEventsAndTheCloseLeaves) {
    join_completely(kA, 77);
    join_completely(kB, 78);
    EXPECT_EQ(error_of(kA, Request(8, 16)), 1U);
    request(kB, mcast("x"));
    settle({kSelf}, 8);
    for (const Reply& event : received()) {
        EXPECT_EQ(event.to(), kB);
    }
    EXPECT_TRUE(out.sent.empty());
    door.on_close(kA, out);
    EXPECT_EQ(out.sent.size(), 1U);
}

TEST_F(CpgDoorTest, JoinErrors) {
    EXPECT_EQ(error_of(kA, join(kGroup, 77)), 1U);
    EXPECT_EQ(error_of(kA, join(kGroup, 77)), 14U);  // started
    EXPECT_EQ(error_of(kB, join(kGroup, 77)), 14U);  // on another connection
    EXPECT_EQ(error_of(kB, Request(join(kGroup, 78)).u32(16, 129)), 13U);
    EXPECT_EQ(error_of(kA, leave(kGroup, 77)), 10U);  // not joined yet
    EXPECT_EQ(error_of(kB, leave(kGroup, 78)), 12U);
    deliver_all();
    received();
    EXPECT_EQ(error_of(kA, join(kGroup, 77)), 14U);  // completed
    EXPECT_EQ(error_of(kA, leave(kGroup, 77)), 1U);
    EXPECT_EQ(error_of(kA, join(kGroup, 77)), 10U);  // leaving
    EXPECT_EQ(error_of(kA, leave(kGroup, 77)), 12U);
    door.on_close(kA, out);
    EXPECT_EQ(error_of(kB, join(kGroup, 77)), 6U);  // its leave is not delivered yet
    deliver_all();
    EXPECT_EQ(error_of(kB, join(kGroup, 77)), 1U);
}

TEST_F(CpgDoorTest, JoinWithoutRoomIsTryAgain) {
    out.room = false;
    const auto replies = request(kA, join(kGroup, 77));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].id(), 0U);
    EXPECT_EQ(replies[0].error(), 6U);
    out.room = true;
    EXPECT_EQ(error_of(kA, join(kGroup, 77)), 1U);
}

TEST_F(CpgDoorTest, TheLeaverSeesItsLeave) {
    join_completely(kA, 77);
    EXPECT_EQ(error_of(kA, leave(kGroup, 77)), 1U);
    deliver_all();
    const auto events = received();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].u32(160), 0U);
    EXPECT_EQ(events[0].u32(168), 0U);
    EXPECT_EQ(events[0].u32(176), 1U);
    EXPECT_EQ(events[0].u32(184 + 16), 2U);  // LEAVE
    EXPECT_EQ(error_of(kA, join(kGroup, 77)), 1U);
}

TEST_F(CpgDoorTest, ClosedConnectionLeavesWithProcdownEvenWithoutRoom) {
    join_completely(kA, 77);
    join_completely(kB, 78);
    out.room = false;
    door.on_close(kA, out);
    EXPECT_TRUE(out.sent.empty());
    EXPECT_FALSE(service.leaves_sent());
    ASSERT_TRUE(out.wake);
    out.room = true;
    service.on_wake(out);
    EXPECT_TRUE(service.leaves_sent());
    deliver_all();
    const auto events = received();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].to(), kB);
    EXPECT_EQ(events[0].u32(160), 1U);
    EXPECT_EQ(events[0].u32(176), 1U);
    EXPECT_EQ(events[0].u32(184 + 24 + 8), 77U);
    EXPECT_EQ(events[0].u32(184 + 24 + 16), 5U);  // PROCDOWN
}

TEST_F(CpgDoorTest, StoppingHostLeaves) {
    join_completely(kA, 77);
    door.set_stopping(true);
    door.on_close(kA, out);
    ASSERT_EQ(out.sent.size(), 1U);
    EXPECT_EQ(totem::group::StructReader(out.sent[0].bytes).u32(160), 2U);
}

TEST_F(CpgDoorTest, MessageArrivesWithoutACopyAtEveryMember) {
    join_completely(kA, 77);
    join_completely(kB, 78);
    EXPECT_TRUE(request(kA, mcast("hello")).empty());
    ASSERT_EQ(out.sent.size(), 1U);
    EXPECT_EQ(out.sent[0].bytes.size(), 184U + 5);
    EXPECT_EQ(out.sent[0].guarantee, totem::Guarantee::kAgreed);
    const auto frame = pool.copy(out.sent[0].bytes);
    service.on_message(kSelf, 3, frame, out);
    ASSERT_EQ(out.clients.size(), 2U);
    for (const auto& message : out.clients) {
        EXPECT_EQ(message.head_size, 184);
        EXPECT_EQ(message.body.bytes().data(), frame.bytes().data() + 184);
        const Reply event(message);
        EXPECT_EQ(event.id(), 5U);
        EXPECT_EQ(event.u32(24), 4U);
        EXPECT_EQ(event.text(32, 4), kGroup);
        EXPECT_EQ(event.u32(160), 5U);
        EXPECT_EQ(event.u32(168), 1U);
        EXPECT_EQ(event.u32(176), 77U);
        EXPECT_EQ(event.text(184, 5), "hello");
    }
    EXPECT_EQ(out.clients[0].connection, kA);
    EXPECT_EQ(out.clients[1].connection, kB);
}

TEST_F(CpgDoorTest, SafeIsSafeAndAnEmptyMessageIsOne) {
    join_completely(kA, 77);
    request(kA, mcast("", 3));
    ASSERT_EQ(out.sent.size(), 1U);
    EXPECT_EQ(out.sent[0].guarantee, totem::Guarantee::kSafe);
    deliver_all();
    const auto events = received();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].size(), 184U);
}

TEST_F(CpgDoorTest, MulticastWithoutRoomStaysWithTheHost) {
    join_completely(kA, 77);
    out.room = false;
    EXPECT_FALSE(door.on_request(kA, mcast("x").bytes(), out));
    EXPECT_TRUE(out.clients.empty());
    out.room = true;
    EXPECT_TRUE(door.on_request(kA, mcast("x").bytes(), out));
    EXPECT_EQ(out.sent.size(), 1U);
}

TEST_F(CpgDoorTest, MulticastIsAcceptedFromTheJoinOnAndDroppedOutside) {
    request(kA, mcast("early"));
    EXPECT_TRUE(out.sent.empty());
    request(kA, join(kGroup, 77));
    request(kA, mcast("soon"));
    EXPECT_EQ(out.sent.size(), 2U);
    deliver_all();
    EXPECT_EQ(received().size(), 2U);  // the join, then the message
    request(kA, leave(kGroup, 77));
    request(kA, mcast("late"));
    deliver_all();
    EXPECT_EQ(received().size(), 1U);  // the leave
}

TEST_F(CpgDoorTest, MalformedMulticastIsANoticeWithoutReply) {
    join_completely(kA, 77);
    EXPECT_TRUE(request(kA, Request(mcast("hello")).u32(32, 6)).empty());
    EXPECT_TRUE(request(kA, Request(mcast("hello")).u32(32, 0xFFFFFFFFU)).empty());
    EXPECT_TRUE(request(kA, Request(2, 30)).empty());
    EXPECT_TRUE(request(kA, Request(mcast("hello")).u32(8, 1000)).empty());
    EXPECT_TRUE(out.sent.empty());
    EXPECT_EQ(out.notices.size(), 4U);
}

TEST_F(CpgDoorTest, PartsOfALargeMessage) {
    EXPECT_EQ(error_of(kA, part(1, 5, "ab")), 12U);  // not joined
    join_completely(kA, 77);
    const auto replies = request(kA, part(1, 5, "ab"));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].id(), 18U);
    EXPECT_EQ(replies[0].error(), 1U);
    EXPECT_EQ(out.sent.at(0).bytes.size(), 202U);
    EXPECT_EQ(error_of(kA, part(2, 5, "cdef")), 7U);  // more than announced
    EXPECT_EQ(error_of(kA, part(2, 6, "c")), 7U);     // another total
    out.room = false;
    EXPECT_EQ(error_of(kA, part(3, 5, "cde")), 6U);
    out.room = true;
    EXPECT_EQ(error_of(kA, part(3, 5, "cde")), 1U);
    EXPECT_EQ(error_of(kA, part(2, 5, "c")), 7U);  // nothing has begun
    EXPECT_EQ(error_of(kA, part(4, 5, "c")), 7U);
    deliver_all();
    const auto events = received();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[1].id(), 17U);
    EXPECT_EQ(events[1].size(), 203U);
    EXPECT_EQ(events[1].u32(160), 5U);
    EXPECT_EQ(events[1].u32(168), 3U);
    EXPECT_EQ(events[1].u32(176), 1U);
    EXPECT_EQ(events[1].u32(184), 77U);
    EXPECT_EQ(events[0].u32(192), 1U);
    EXPECT_EQ(events[1].u32(192), 3U);
    EXPECT_EQ(events[1].text(200, 3), "cde");
}

TEST_F(CpgDoorTest, Questions) {
    join_completely(kA, 77);
    auto replies = request(kB, Request(4, 16));
    EXPECT_EQ(replies.at(0).id(), 7U);
    EXPECT_EQ(replies.at(0).size(), 32U);
    EXPECT_EQ(replies.at(0).u32(24), 1U);
    replies = request(kB, Request(3, 152).group(16, kGroup));
    EXPECT_EQ(replies.at(0).id(), 3U);
    EXPECT_EQ(replies.at(0).size(), 9248U);
    EXPECT_EQ(replies.at(0).u32(24), 1U);
    EXPECT_EQ(replies.at(0).u32(32), 1U);
    EXPECT_EQ(replies.at(0).u32(40), 77U);
    replies = request(kB, Request(3, 152).group(16, "nobody"));
    EXPECT_EQ(replies.at(0).error(), 1U);
    EXPECT_EQ(replies.at(0).u32(24), 0U);
    replies = request(kB, Request(8, 16));
    EXPECT_EQ(replies.at(0).id(), 12U);
    EXPECT_EQ(error_of(kB, Request(9, 152)), 19U);
    EXPECT_EQ(error_of(kB, Request(10, 32)), 19U);
    EXPECT_EQ(request(kB, Request(11, 24)).at(0).id(), 2U);
    EXPECT_EQ(error_of(kB, Request(13, 16)), 7U);
    EXPECT_EQ(error_of(kB, Request(4, 16).u32(8, 8)), 7U);
    EXPECT_TRUE(door.on_request(kB, Request(4, 16).bytes().first(8), out));
    EXPECT_EQ(received().at(0).error(), 7U);
}

TEST_F(CpgDoorTest, Iterations) {
    join_completely(kA, 77);
    join_completely(kB, 78);
    const auto begin = [&](std::uint32_t type) {
        const auto replies = request(kB, Request(5, 160).group(16, kGroup).u32(152, type));
        EXPECT_EQ(replies.at(0).id(), 9U);
        EXPECT_EQ(replies.at(0).size(), 32U);
        return replies.at(0).u64(24);
    };
    const auto next = [&](std::uint64_t handle) {
        return request(kB, Request(6, 24).u64(16, handle)).at(0);
    };
    const auto all = begin(3);
    const Reply first = next(all);
    EXPECT_EQ(first.id(), 10U);
    EXPECT_EQ(first.size(), 168U);
    EXPECT_EQ(first.u32(24), 4U);
    EXPECT_EQ(first.u32(160), 1U);
    EXPECT_EQ(next(all).error(), 1U);
    EXPECT_EQ(next(all).error(), 27U);
    const auto names = begin(1);
    EXPECT_EQ(next(names).u32(164), 0U);
    EXPECT_EQ(next(names).error(), 27U);
    EXPECT_EQ(error_of(kB, Request(7, 24).u64(16, names)), 1U);
    EXPECT_EQ(error_of(kB, Request(7, 24).u64(16, names)), 2U);
    EXPECT_EQ(next(names).error(), 2U);
    EXPECT_EQ(error_of(kB, Request(5, 160).group(16, kGroup).u32(152, 4)), 7U);
    door.on_close(kA, out);
    EXPECT_EQ(next(begin(2)).u32(160), 1U);  // until the leave is delivered
}

TEST_F(CpgDoorTest, ListingOrderIsThatOfThePeer) {
    constexpr std::array<std::pair<std::string_view, std::uint32_t>, 7> kJoins{
        {{"ga", 100}, {"gb", 50}, {"ga", 90}, {"ga", 110}, {"gc", 7}, {"ga", 120}, {"gb", 40}}};
    std::uint32_t connection = 20;
    for (const auto& [group, pid] : kJoins) {
        door.on_open(ConnectionId{++connection}, pid, out);
        EXPECT_EQ(error_of(ConnectionId{connection}, join(group, pid)), 1U);
        deliver_all();
        received();
    }
    std::vector<std::uint32_t> pids;
    for (const auto& entry : service.table().listing()) {
        pids.push_back(entry.process.pid);
    }
    EXPECT_EQ(pids, (std::vector<std::uint32_t>{90, 120, 110, 100, 40, 50, 7}));
}

TEST_F(CpgDoorTest, RubbishIsAnsweredOrIgnored) {
    const std::vector<Request> requests{
        join(kGroup, 77, 1),
        leave(kGroup, 77),
        mcast("some text"),
        part(1, 20, "first part"),
        part(3, 20, "last part "),
        Request(3, 152).group(16, kGroup),
        Request(4, 16),
        Request(5, 160).group(16, kGroup).u32(152, 3),
        Request(6, 24).u64(16, 1),
        Request(7, 24).u64(16, 1),
        Request(8, 16),
        Request(9, 152),
        Request(10, 32),
        Request(11, 24),
    };
    Dice dice(42);
    doors_test::throw_rubbish_at(door, out, requests, dice, [&] {
        if (dice.one_in(4)) {
            deliver_all();
            out.clients.clear();
        }
    });
}

TEST_F(CpgDoorTest, RubbishFromTheRingIsDroppedWithANotice) {
    join_completely(kA, 77);
    request(kA, join("other", 3));
    request(kA, mcast("some text"));
    request(kA, part(1, 20, "first part"));
    request(kA, leave(kGroup, 77));
    EXPECT_EQ(service.sync_step(out), totem::group::SyncStep::kDone);
    const auto seeds = std::exchange(out.sent, {});
    Dice dice(7);
    service.sync_begin({kSelf, 8}, std::array{kSelf, NodeId{2}}, std::array{kSelf, NodeId{2}}, out);
    for (int round = 0; round < 4000; ++round) {
        const auto& seed = seeds[dice.below(seeds.size())];
        const auto bytes = doors_test::mutated(seed.bytes, dice);
        const auto function = static_cast<std::uint16_t>(
            dice.one_in(10) ? dice.below(9) : std::uint64_t{seed.function});
        if (bytes.size() >= 16) {
            service.on_message(NodeId{2}, function, pool.copy(bytes), out);
        }
        if (dice.one_in(100)) {
            service.sync_activate(out);
            service.sync_begin({kSelf, 8}, std::array{kSelf}, std::array{kSelf, NodeId{2}}, out);
        }
        out.clients.clear();
    }
    EXPECT_FALSE(out.notices.empty());
}

}  // namespace
