// The bytes of every cfg request, reply and event (ipc.md 8), the question of a shutdown, and what
// a hostile client sends.
#include "totem/ipc/doors/cfg_door.h"

#include "tests/totem/ipc/doors/fake_outbox.h"

namespace {

using doors_test::Dice;
using doors_test::FakeOutbox;
using doors_test::Reply;
using doors_test::Request;
using std::chrono::milliseconds;
using totem::FramePool;
using totem::NodeId;
using totem::group::CfgService;
using totem::group::ClusterFacts;
using totem::group::CmapStore;
using totem::group::CmapValue;
using totem::group::ConnectionId;
using totem::group::HostRequest;
using totem::group::NodeAddress;
using totem::group::NodeFacts;
using totem::group::Notice;
using totem::ipc::CfgDoor;

constexpr ConnectionId kA{1};
constexpr ConnectionId kB{2};
constexpr ConnectionId kC{3};

constexpr std::uint32_t kOk = 1;
constexpr std::uint32_t kTryAgain = 6;
constexpr std::uint32_t kBusy = 10;
constexpr std::uint32_t kAccess = 11;
constexpr std::uint32_t kNotExist = 12;
constexpr std::uint32_t kExist = 14;
constexpr std::uint32_t kNotSupported = 19;

ClusterFacts facts() {
    ClusterFacts cluster;
    cluster.self = NodeId{1};
    cluster.cluster_name = "lab";
    cluster.mtu = 1410;
    for (std::uint8_t n = 1; n <= 3; ++n) {
        NodeAddress address;
        address.text = "10.77.0." + std::to_string(n);
        address.bytes = {std::byte{10}, std::byte{77}, std::byte{0}, std::byte{n}};
        cluster.nodes.push_back({NodeId{n}, "node" + std::to_string(n), {address}});
    }
    return cluster;
}

Request kill(std::uint32_t node, std::string_view reason) {
    return Request(2, 288)
        .u32(16, node)
        .u16(24, static_cast<std::uint16_t>(reason.size()))
        .text(26, reason);
}
Request ask(std::uint32_t flags) { return Request(3, 24).u32(16, flags); }
Request reply_to(std::uint32_t answer) { return Request(4, 24).u32(16, answer); }
Request addrs(std::uint32_t node) { return Request(5, 24).u32(16, node); }
Request status(std::uint32_t node, std::uint32_t version) {
    return Request(9, 32).u32(16, node).u32(24, version);
}
const Request kTrack(10, 24);
const Request kUntrack(11, 16);
const Request kReload(7, 16);
const Request kReopen(8, 16);

class CfgDoorTest : public ::testing::Test {
  protected:
    CfgDoorTest() {
        for (const ConnectionId connection : {kA, kB, kC}) {
            door.on_open(connection, 77, out);
        }
        totem::Configuration ring;
        ring.members = {NodeId{1}, NodeId{2}};
        service.on_configuration(ring, out);
    }
    std::vector<Reply> request(ConnectionId connection, const Request& bytes) {
        EXPECT_TRUE(door.on_request(connection, bytes.bytes(), out));
        return received();
    }
    std::vector<Reply> received() {
        std::vector<Reply> replies(out.clients.begin(), out.clients.end());
        out.clients.clear();
        for (const Reply& reply : replies) {
            EXPECT_TRUE(reply.is_sound());
        }
        return replies;
    }
    std::uint32_t error_of(ConnectionId connection, const Request& bytes) {
        const auto replies = request(connection, bytes);
        return replies.empty() ? 0 : replies.back().error();
    }
    void deliver_from(NodeId sender) {
        for (const auto& message : std::exchange(out.sent, {})) {
            service.on_message(sender, message.function, pool.copy(message.bytes), out);
        }
    }
    // The shutdown was announced, and this node stops when it hears itself.
    void expect_shutdown() {
        ASSERT_EQ(out.sent.size(), 1U);
        EXPECT_EQ(out.sent[0].function, 2);
        EXPECT_EQ(out.sent[0].bytes.size(), 16U);
        EXPECT_TRUE(out.host.empty());
        deliver_from(NodeId{1});
        ASSERT_EQ(out.host.size(), 1U);
        EXPECT_EQ(out.host[0].kind, HostRequest::Kind::kStop);
        EXPECT_EQ(out.host[0].exit_status, 0);
    }

    FramePool pool;
    FakeOutbox out{pool};
    CmapStore store;
    CfgService service{facts()};
    CfgDoor door{service, store};
};

TEST_F(CfgDoorTest, Facts) {
    Reply reply = request(kA, Request(6, 16)).at(0);
    EXPECT_EQ(reply.id(), 12U);
    EXPECT_EQ(reply.size(), 32U);
    EXPECT_EQ(reply.u32(24), 1U);
    reply = request(kA, addrs(2)).at(0);
    EXPECT_EQ(reply.id(), 11U);
    EXPECT_EQ(reply.size(), 48U);
    EXPECT_EQ(reply.u32(24), 2U);
    EXPECT_EQ(reply.u32(28), 1U);
    EXPECT_EQ(reply.u32(32), 0x02004D0AU);
    EXPECT_EQ(request(kA, addrs(0)).at(0).u32(32), 0x01004D0AU);
    EXPECT_EQ(error_of(kA, addrs(99)), kNotExist);
    reply = request(kA, Request(1, 16)).at(0);
    EXPECT_EQ(reply.id(), 1U);
    EXPECT_EQ(reply.error(), kNotSupported);
}

TEST_F(CfgDoorTest, Links) {
    const Reply ring = request(kA, Request(0, 16)).at(0);
    EXPECT_EQ(ring.id(), 0U);
    EXPECT_EQ(ring.size(), 10272U);
    EXPECT_EQ(ring.u32(24), 1U);
    EXPECT_EQ(ring.c_string(32, 128), "0 10.77.0.1");
    EXPECT_EQ(ring.c_string(2080, 512), "OK");
    EXPECT_EQ(ring.c_string(160, 128), "");
    Reply node = request(kA, status(2, 1)).at(0);
    EXPECT_EQ(node.id(), 16U);
    EXPECT_EQ(node.size(), 4200U);
    EXPECT_EQ(node.u32(24), 1U);
    EXPECT_EQ(node.u32(28), 2U);
    EXPECT_EQ(node.u8(32), 1U);
    EXPECT_EQ(node.u8(40), 1U);
    EXPECT_EQ(node.u8(41), 1U);
    EXPECT_EQ(node.u32(44), 1410U);
    EXPECT_EQ(node.c_string(48, 256), "10.77.0.2");
    EXPECT_EQ(node.c_string(304, 256), "");
    EXPECT_EQ(node.u8(560), 0U);
    node = request(kA, status(3, 1)).at(0);  // listed, not a member
    EXPECT_EQ(node.u8(32), 0U);
    EXPECT_EQ(node.u8(40), 1U);
    EXPECT_EQ(node.u8(41), 0U);
    node = request(kA, status(99, 1)).at(0);
    EXPECT_EQ(node.error(), kOk);
    EXPECT_EQ(node.u32(28), 99U);
    EXPECT_EQ(node.u8(40), 0U);
    node = request(kA, status(2, 2)).at(0);
    EXPECT_EQ(node.error(), kNotSupported);
    EXPECT_EQ(node.size(), 32U);
}

TEST_F(CfgDoorTest, KillIsSafeAndConcernsItsVictimOnly) {
    EXPECT_EQ(error_of(kA, kill(3, "because")), kNotExist);
    out.room = false;
    EXPECT_EQ(error_of(kA, kill(2, "because")), kTryAgain);
    out.room = true;
    const Reply reply = request(kA, kill(2, "because")).at(0);
    EXPECT_EQ(reply.id(), 8U);
    EXPECT_EQ(reply.error(), kOk);
    ASSERT_EQ(out.sent.size(), 1U);
    EXPECT_EQ(out.sent[0].guarantee, totem::Guarantee::kSafe);
    EXPECT_EQ(out.sent[0].bytes.size(), 288U);
    deliver_from(NodeId{1});
    EXPECT_TRUE(out.host.empty());
    EXPECT_EQ(error_of(kA, kill(1, "because")), kOk);
    deliver_from(NodeId{2});
    ASSERT_EQ(out.host.size(), 1U);
    EXPECT_EQ(out.host[0].kind, HostRequest::Kind::kStop);
    EXPECT_EQ(out.host[0].exit_status, 255);
    ASSERT_EQ(out.notices.size(), 1U);
    EXPECT_EQ(out.notices[0].kind, Notice::Kind::kKilledByNode);
    EXPECT_EQ(out.notices[0].node, NodeId{2});
    EXPECT_EQ(out.notices[0].text, "because");
}

TEST_F(CfgDoorTest, ReloadIsAnsweredToTheAskerOnly) {
    EXPECT_TRUE(request(kA, kReload).empty());
    ASSERT_EQ(out.sent.size(), 1U);
    EXPECT_EQ(out.sent[0].guarantee, totem::Guarantee::kSafe);
    EXPECT_EQ(out.sent[0].bytes.size(), 32U);
    const auto message = out.sent;
    deliver_from(NodeId{1});
    ASSERT_EQ(out.host.size(), 1U);
    EXPECT_EQ(out.host[0].kind, HostRequest::Kind::kReload);
    EXPECT_EQ(out.notices.at(0).kind, Notice::Kind::kReloadRequested);
    door.on_host_reply(out.host[0].token + 7, kOk, out);
    EXPECT_TRUE(out.clients.empty());
    door.on_host_reply(out.host[0].token, 7, out);
    const auto replies = received();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].to(), kA);
    EXPECT_EQ(replies[0].id(), 14U);
    EXPECT_EQ(replies[0].error(), 7U);
    // The same message from another node: this one reloads, nobody here waits for it.
    out.sent = message;
    deliver_from(NodeId{2});
    ASSERT_EQ(out.host.size(), 2U);
    door.on_host_reply(out.host[1].token, kOk, out);
    EXPECT_TRUE(out.clients.empty());
}

TEST_F(CfgDoorTest, AskerOfAReloadMayGo) {
    request(kA, kReload);
    deliver_from(NodeId{1});
    door.on_close(kA, out);
    door.on_host_reply(out.host.at(0).token, kOk, out);
    EXPECT_TRUE(out.clients.empty());
    out.room = false;
    EXPECT_EQ(error_of(kB, kReload), kTryAgain);
}

TEST_F(CfgDoorTest, HostReplyLetsTrackersOfTheMapAct) {
    class Tracker final : public totem::group::CmapTracker {
      public:
        void on_change(std::uint64_t /*id*/, const totem::group::CmapChange& /*c*/) override {}
        void flush(totem::group::Outbox& /*out*/) override { ++flushes; }
        int flushes = 0;
    } tracker;
    store.track({"my.", totem::group::kCmapTrackAll, 1}, tracker);
    store.set_internal("my.key", CmapValue::u32(1));
    door.on_host_reply(0, kOk, out);
    door.on_host_reply(0, kOk, out);
    EXPECT_EQ(tracker.flushes, 1);
}

TEST_F(CfgDoorTest, ReopenLogs) {
    EXPECT_TRUE(request(kA, kReopen).empty());
    ASSERT_EQ(out.host.size(), 1U);
    EXPECT_EQ(out.host[0].kind, HostRequest::Kind::kReopenLogs);
    door.on_host_reply(out.host[0].token, kOk, out);
    EXPECT_EQ(received().at(0).id(), 15U);
}

TEST_F(CfgDoorTest, ShutdownWithoutTrackersOrAtOnce) {
    const Reply reply = request(kA, ask(0)).at(0);
    EXPECT_EQ(reply.id(), 9U);
    EXPECT_EQ(reply.error(), kOk);
    expect_shutdown();
    EXPECT_EQ(out.notices.at(0).kind, Notice::Kind::kNodeShutDown);
    out.host.clear();
    request(kB, kTrack);
    EXPECT_EQ(error_of(kA, ask(2)), kOk);
    expect_shutdown();
}

TEST_F(CfgDoorTest, AnotherNodesShutdownIsOnlyNews) {
    request(kA, ask(2));
    deliver_from(NodeId{2});
    EXPECT_TRUE(out.host.empty());
    EXPECT_EQ(out.notices.at(0).node, NodeId{2});
}

TEST_F(CfgDoorTest, ShutdownWithoutRoomIsAnnouncedLater) {
    out.room = false;
    EXPECT_EQ(error_of(kA, ask(0)), kOk);
    EXPECT_TRUE(out.sent.empty());
    ASSERT_TRUE(out.wake);
    out.room = true;
    service.on_wake(out);
    expect_shutdown();
}

TEST_F(CfgDoorTest, EveryTrackerButTheAskerIsAskedAndAllAnswersCount) {
    for (const ConnectionId connection : {kA, kB, kC}) {
        EXPECT_EQ(request(connection, kTrack).at(0).id(), 2U);
    }
    const auto events = request(kA, ask(0));
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].to(), kB);
    EXPECT_EQ(events[1].to(), kC);
    EXPECT_EQ(events[0].id(), 10U);
    EXPECT_EQ(events[0].size(), 32U);
    EXPECT_EQ(events[0].u32(24), 0U);
    EXPECT_EQ(error_of(kB, ask(0)), kExist);
    EXPECT_EQ(error_of(kA, reply_to(0)), kOk);  // was not asked: does not count
    auto replies = request(kB, reply_to(0));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].id(), 13U);
    replies = request(kC, reply_to(1));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[1].to(), kA);
    EXPECT_EQ(replies[1].id(), 9U);
    EXPECT_EQ(replies[1].error(), kBusy);
    EXPECT_EQ(error_of(kC, reply_to(1)), kAccess);
    EXPECT_TRUE(out.sent.empty());
}

TEST_F(CfgDoorTest, EverybodyAgrees) {
    request(kB, kTrack);
    request(kA, ask(0));
    const auto replies = request(kB, reply_to(1));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[1].error(), kOk);
    expect_shutdown();
}

TEST_F(CfgDoorTest, RegardlessAsksAndGoes) {
    request(kB, kTrack);
    EXPECT_EQ(request(kA, ask(1)).at(0).u32(24), 1U);
    EXPECT_EQ(request(kB, reply_to(0)).at(1).error(), kOk);
    expect_shutdown();
}

TEST_F(CfgDoorTest, SilenceIsANoAfterTheTimeout) {
    request(kB, kTrack);
    request(kA, ask(0));
    ASSERT_EQ(out.wake, out.time + milliseconds(5000));
    service.on_wake(out);  // woken too early
    EXPECT_TRUE(received().empty());
    out.time += milliseconds(5000);
    service.on_wake(out);
    const auto replies = received();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].error(), kBusy);
    store.set_internal("cfg.shutdown_timeout", CmapValue::u32(100));
    request(kA, ask(1));
    EXPECT_EQ(out.wake, out.time + milliseconds(100));
    out.time += milliseconds(100);
    service.on_wake(out);
    EXPECT_EQ(received().at(0).error(), kOk);
    expect_shutdown();
}

TEST_F(CfgDoorTest, WhoLeavesAgreesAndWhoComesIsAsked) {
    request(kB, kTrack);
    request(kA, ask(0));
    const auto late = request(kC, kTrack);
    ASSERT_EQ(late.size(), 2U);
    EXPECT_EQ(late[1].id(), 10U);
    EXPECT_EQ(late[1].to(), kC);
    EXPECT_EQ(request(kC, kUntrack).at(0).id(), 3U);
    door.on_close(kB, out);
    EXPECT_EQ(received().at(0).error(), kOk);
    expect_shutdown();
}

TEST_F(CfgDoorTest, QuestionGoesWithItsAsker) {
    request(kB, kTrack);
    request(kA, ask(0));
    door.on_close(kA, out);
    EXPECT_EQ(error_of(kB, reply_to(1)), kAccess);
    EXPECT_TRUE(out.sent.empty());
    EXPECT_EQ(request(kC, ask(0)).size(), 1U);
}

TEST_F(CfgDoorTest, RubbishIsAnsweredOrIgnored) {
    const std::vector<Request> requests{
        Request(0, 16), Request(1, 16), kill(2, "because"), ask(0),  ask(1),  reply_to(0),
        reply_to(1),    addrs(2),       Request(6, 16),     kReload, kReopen, status(2, 1),
        kTrack,         kUntrack,
    };
    Dice dice(44);
    doors_test::throw_rubbish_at(door, out, requests, dice, [&] {
        for (const auto& message : std::exchange(out.sent, {})) {
            const auto bytes = doors_test::mutated(message.bytes, dice);
            if (bytes.size() >= 16) {
                service.on_message(NodeId{static_cast<std::uint32_t>(1 + dice.below(2))},
                                   message.function, pool.copy(bytes), out);
            }
        }
        for (const HostRequest& asked : std::exchange(out.host, {})) {
            door.on_host_reply(asked.token, kOk, out);
        }
        if (dice.one_in(20)) {
            out.time += milliseconds(3000);
            service.on_wake(out);
        }
        out.clients.clear();
    });
}

}  // namespace
