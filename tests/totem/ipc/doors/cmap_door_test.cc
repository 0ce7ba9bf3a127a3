// The bytes of every cmap request, reply and event (ipc.md 11 to 13), and what a hostile client
// sends.
//
// Expected codes are those that corosync 3.1.7 gave to the same requests.
#include "totem/ipc/doors/cmap_door.h"

#include "tests/totem/ipc/doors/fake_outbox.h"

namespace {

using doors_test::Dice;
using doors_test::FakeOutbox;
using doors_test::Reply;
using doors_test::Request;
using totem::FramePool;
using totem::group::CmapStore;
using totem::group::CmapValue;
using totem::group::ConnectionId;
using totem::ipc::CmapDoor;

constexpr ConnectionId kA{1};
constexpr ConnectionId kB{2};

constexpr std::uint32_t kOk = 1;
constexpr std::uint32_t kInvalid = 7;
constexpr std::uint32_t kBadHandle = 9;
constexpr std::uint32_t kBusy = 10;
constexpr std::uint32_t kAccess = 11;
constexpr std::uint32_t kNotExist = 12;
constexpr std::uint32_t kNameTooLong = 13;
constexpr std::uint32_t kNoSections = 27;

constexpr std::uint32_t kDelete = 1;
constexpr std::uint32_t kModify = 2;
constexpr std::uint32_t kAdd = 4;
constexpr std::uint32_t kPrefix = 8;

Request set(std::string_view key, std::uint8_t type, std::string_view value) {
    return Request(0, 296 + value.size())
        .name(16, key)
        .u64(280, value.size())
        .u8(288, type)
        .text(296, value);
}
Request set_u32(std::string_view key, std::uint32_t value) {
    return Request(set(key, 6, "1234")).u32(296, value);
}
Request erase(std::string_view key) { return Request(1, 280).name(16, key); }
Request get(std::string_view key, std::uint64_t room) {
    return Request(2, 288).name(16, key).u64(280, room);
}
Request adjust(std::string_view key, std::int32_t step) {
    return Request(3, 288).name(16, key).u32(280, static_cast<std::uint32_t>(step));
}
Request track(std::string_view key, std::uint32_t flags, std::uint64_t instance) {
    return Request(7, 296).name(16, key).u32(280, flags).u64(288, instance);
}
Request handle(std::uint32_t id, std::uint64_t value) { return Request(id, 24).u64(16, value); }
Request set_map(std::uint32_t map) { return Request(9, 24).u32(16, map); }

class Stats final : public totem::ipc::StatsSource {
  public:
    void fill(CmapStore& stats) override {
        stats.set_internal("stats.srp.mtt_rx_token", CmapValue::u32(++fills));
        if (client) {
            stats.set_internal("stats.ipcs.service0.1.2.sent", CmapValue::u32(fills));
        } else {
            stats.erase_internal("stats.ipcs.service0.1.2.sent");
        }
    }
    void clear(std::string_view what) override { cleared = what; }

    std::uint32_t fills = 0;
    bool client = false;
    std::string cleared;
};

class CmapDoorTest : public ::testing::Test {
  protected:
    CmapDoorTest() {
        store.set_internal("totem.version", CmapValue::u32(2));
        store.set_internal("totem.cluster_name", CmapValue::text("lab"));
        store.set_internal("totem.config_version", CmapValue::u64(3));
        door.set_stats(stats);
        door.on_open(kA, 77, out);
        door.on_open(kB, 78, out);
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
        return request(connection, bytes).back().error();
    }

    FramePool pool;
    FakeOutbox out{pool};
    CmapStore store;
    Stats stats;
    CmapDoor door{store};
};

TEST_F(CmapDoorTest, Get) {
    Reply reply = request(kA, get("totem.version", 0)).at(0);
    EXPECT_EQ(reply.id(), 2U);
    EXPECT_EQ(reply.size(), 40U);
    EXPECT_EQ(reply.u64(24), 4U);
    EXPECT_EQ(reply.u8(32), 6U);
    EXPECT_EQ(error_of(kA, get("totem.version", 2)), kInvalid);
    reply = request(kA, get("totem.version", 10)).at(0);
    EXPECT_EQ(reply.size(), 50U);
    EXPECT_EQ(reply.u32(40), 2U);
    reply = request(kA, get("totem.cluster_name", 4)).at(0);
    EXPECT_EQ(reply.u64(24), 4U);
    EXPECT_EQ(reply.u8(32), 11U);
    EXPECT_EQ(reply.c_string(40, 4), "lab");
    EXPECT_EQ(error_of(kA, get("totem.cluster_name", 3)), kInvalid);
    EXPECT_EQ(error_of(kA, get("no.such", 100)), kNotExist);
    EXPECT_EQ(error_of(kA, get("ab", 100)), kNotExist);
    // A buffer of any claimed size costs no memory.
    reply = request(kA, get("totem.version", 0xFFFFFFFFFFFFFFFFU)).at(0);
    EXPECT_EQ(reply.error(), kOk);
    EXPECT_LT(reply.size(), 1000000U);
}

TEST_F(CmapDoorTest, SetChecksKeyTypeAndLength) {
    EXPECT_EQ(error_of(kA, set_u32("ab", 5)), kNameTooLong);
    EXPECT_EQ(error_of(kA, set_u32("a b c", 5)), kNameTooLong);
    EXPECT_EQ(error_of(kA, set_u32(std::string(256, 'a'), 5)), kNameTooLong);
    EXPECT_EQ(error_of(kA, set_u32("totem.version", 5)), kAccess);
    EXPECT_EQ(error_of(kA, set_u32("nodelist.node.9.nodeid", 5)), kAccess);
    EXPECT_EQ(error_of(kA, set("totem.version", 6, "123")), kAccess);
    EXPECT_EQ(error_of(kA, set("my.key", 6, "123")), kInvalid);
    EXPECT_EQ(error_of(kA, set("my.key", 13, "1234")), kInvalid);
    EXPECT_EQ(error_of(kA, set("my.key", 0, "")), kInvalid);
    EXPECT_EQ(error_of(kA, set("my.flt", 9, "12345678")), kInvalid);
    EXPECT_EQ(error_of(kA, set("my.dbl", 10, "12345678")), kOk);
    EXPECT_EQ(error_of(kA, set("my.bin", 12, "")), kOk);
    EXPECT_EQ(error_of(kA, Request(set_u32("my.key", 5)).u64(280, 5)), kInvalid);
    EXPECT_EQ(error_of(kA, Request(set_u32("my.key", 5)).u64(280, ~0ULL)), kInvalid);
    EXPECT_EQ(error_of(kA, set_u32(std::string(255, 'a'), 5)), kOk);
    EXPECT_EQ(store.find("my.key"), nullptr);
    EXPECT_EQ(error_of(kA, set_u32("my.key", 5)), kOk);
    EXPECT_EQ(store.find_u32("my.key"), 5U);
}

TEST_F(CmapDoorTest, StringsEndWithOneNul) {
    EXPECT_EQ(error_of(kA, set("my.str", 11, "hello")), kOk);
    EXPECT_EQ(request(kA, get("my.str", 0)).at(0).u64(24), 6U);
    EXPECT_EQ(error_of(kA, set("my.str", 11, std::string_view("hello\0", 6))), kOk);
    EXPECT_EQ(request(kA, get("my.str", 0)).at(0).u64(24), 6U);
    EXPECT_EQ(error_of(kA, set("my.str", 11, std::string_view("he\0lo", 5))), kInvalid);
    EXPECT_EQ(error_of(kA, set("my.str", 11, "")), kOk);
    EXPECT_EQ(request(kA, get("my.str", 0)).at(0).u64(24), 1U);
}

TEST_F(CmapDoorTest, Delete) {
    store.set_internal("my.key", CmapValue::u32(1));
    EXPECT_EQ(request(kA, erase("my.key")).at(0).id(), 1U);
    EXPECT_EQ(error_of(kA, erase("my.key")), kNotExist);
    EXPECT_EQ(error_of(kA, erase("totem.version")), kAccess);
    EXPECT_EQ(error_of(kA, erase("nodelist.none")), kAccess);
}

TEST_F(CmapDoorTest, AdjustWrapsWithinItsType) {
    store.set_internal("my.u16", CmapValue::u16(6));
    store.set_internal("my.i32", CmapValue::i32(0x7FFFFFFF));
    EXPECT_EQ(request(kA, adjust("my.u16", -7)).at(0).id(), 3U);
    EXPECT_EQ(request(kA, get("my.u16", 2)).at(0).u16(40), 0xFFFFU);
    EXPECT_EQ(error_of(kA, adjust("my.i32", 1)), kOk);
    EXPECT_EQ(request(kA, get("my.i32", 4)).at(0).u32(40), 0x80000000U);
    EXPECT_EQ(error_of(kA, adjust("totem.cluster_name", 1)), kAccess);
    store.set_internal("my.str", CmapValue::text("x"));
    EXPECT_EQ(error_of(kA, adjust("my.str", 1)), kInvalid);
    EXPECT_EQ(error_of(kA, adjust("no.such", 1)), kNotExist);
}

TEST_F(CmapDoorTest, IterationSurvivesDeletion) {
    const auto begin = request(kA, Request(4, 280).name(16, "totem.")).at(0);
    EXPECT_EQ(begin.id(), 4U);
    EXPECT_EQ(begin.size(), 32U);
    const auto next = [&] { return request(kA, handle(5, begin.u64(24))).at(0); };
    const Reply first = next();
    EXPECT_EQ(first.size(), 304U);
    EXPECT_EQ(first.text(32, first.u16(24)), "totem.cluster_name");
    EXPECT_EQ(first.u64(288), 4U);
    EXPECT_EQ(first.u8(296), 11U);
    store.erase_internal("totem.cluster_name");
    store.erase_internal("totem.config_version");
    const Reply second = next();
    EXPECT_EQ(second.text(32, second.u16(24)), "totem.version");
    EXPECT_EQ(next().error(), kNoSections);
    EXPECT_EQ(error_of(kB, handle(5, begin.u64(24))), kBadHandle);
    EXPECT_EQ(error_of(kA, handle(6, begin.u64(24))), kOk);
    EXPECT_EQ(error_of(kA, handle(6, begin.u64(24))), kBadHandle);
    EXPECT_EQ(next().error(), kBadHandle);
}

TEST_F(CmapDoorTest, TrackersSeeOldAndNewValue) {
    const Reply added = request(kA, track("my.", kAdd | kModify | kDelete | kPrefix, 0x11)).at(0);
    EXPECT_EQ(added.id(), 7U);
    EXPECT_EQ(added.size(), 32U);
    auto replies = request(kB, set_u32("my.key", 5));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_TRUE(replies[0].is_event());
    EXPECT_EQ(replies[0].to(), kA);
    EXPECT_EQ(replies[0].id(), 9U);
    EXPECT_EQ(replies[0].size(), 340U);
    EXPECT_EQ(replies[0].u64(24), 0x11U);
    EXPECT_EQ(replies[0].text(40, replies[0].u16(32)), "my.key");
    EXPECT_EQ(replies[0].u32(296), kAdd);
    EXPECT_EQ(replies[0].u8(304), 6U);
    EXPECT_EQ(replies[0].u8(312), 0U);
    EXPECT_EQ(replies[0].u64(320), 4U);
    EXPECT_EQ(replies[0].u64(328), 0U);
    EXPECT_EQ(replies[0].u32(336), 5U);
    EXPECT_EQ(request(kB, set_u32("my.key", 5)).size(), 1U);  // nothing changed
    replies = request(kB, set("my.key", 4, "ab"));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].size(), 342U);
    EXPECT_EQ(replies[0].u32(296), kModify);
    EXPECT_EQ(replies[0].u8(304), 4U);
    EXPECT_EQ(replies[0].u8(312), 6U);
    EXPECT_EQ(replies[0].text(336, 2), "ab");
    EXPECT_EQ(replies[0].u32(338), 5U);
    replies = request(kB, erase("my.key"));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].u32(296), kDelete);
    EXPECT_EQ(replies[0].u8(304), 0U);
    EXPECT_EQ(replies[0].text(336, 2), "ab");
    const Reply gone = request(kA, handle(8, added.u64(24))).at(0);
    EXPECT_EQ(gone.id(), 8U);
    EXPECT_EQ(gone.size(), 32U);
    EXPECT_EQ(gone.u64(24), 0x11U);
    EXPECT_EQ(error_of(kA, handle(8, added.u64(24))), kBadHandle);
    EXPECT_EQ(request(kB, set_u32("my.key", 5)).size(), 1U);
}

TEST_F(CmapDoorTest, TrackersOfOneKeyAndOfSomeEvents) {
    EXPECT_EQ(error_of(kA, track("my.key", kModify, 1)), kOk);
    EXPECT_EQ(error_of(kA, track("my.key", 16, 1)), kInvalid);
    EXPECT_EQ(error_of(kA, track("my.key", 0, 1)), kOk);
    EXPECT_EQ(error_of(kA, track("", kAdd | kPrefix, 2)), kOk);
    EXPECT_EQ(request(kB, set_u32("my.key.longer", 5)).size(), 2U);  // the empty prefix
    EXPECT_EQ(request(kB, set_u32("my.key", 5)).size(), 2U);
    EXPECT_EQ(request(kB, set_u32("my.key", 6)).size(), 2U);
    EXPECT_EQ(request(kB, erase("my.key")).size(), 1U);
    door.on_close(kA, out);
    EXPECT_EQ(request(kB, set_u32("my.key", 6)).size(), 1U);
}

TEST_F(CmapDoorTest, ChangesOfTheHostWaitForAnOutbox) {
    request(kA, track("totem.", 15, 7));
    store.set_internal("totem.config_version", CmapValue::u64(4));
    EXPECT_TRUE(store.owes_events());
    EXPECT_TRUE(out.clients.empty());
    store.flush(out);
    EXPECT_FALSE(store.owes_events());
    EXPECT_EQ(received().size(), 1U);
    // A client that went meanwhile gets nothing.
    store.set_internal("totem.config_version", CmapValue::u64(5));
    door.on_close(kA, out);
    store.flush(out);
    EXPECT_TRUE(out.clients.empty());
}

TEST_F(CmapDoorTest, Maps) {
    EXPECT_EQ(request(kA, set_map(5)).at(0).id(), 10U);
    EXPECT_EQ(error_of(kA, set_map(5)), kNotExist);
    request(kA, track("my.", 15, 1));
    EXPECT_EQ(error_of(kA, set_map(0)), kBusy);
    EXPECT_EQ(error_of(kB, set_map(1)), kOk);
    EXPECT_EQ(error_of(kB, get("totem.version", 4)), kNotExist);
    EXPECT_EQ(request(kB, get("stats.srp.mtt_rx_token", 4)).at(0).u32(40), stats.fills);
    EXPECT_EQ(error_of(kB, set_u32("stats.srp.mtt_rx_token", 4)), kAccess);
    EXPECT_EQ(error_of(kB, set_u32("my.key", 4)), kAccess);
    EXPECT_EQ(error_of(kB, erase("stats.srp.mtt_rx_token")), kAccess);
    EXPECT_EQ(error_of(kB, adjust("stats.srp.mtt_rx_token", 1)), kAccess);
    EXPECT_EQ(error_of(kB, set_u32("stats.clear.totem", 1)), kOk);
    EXPECT_EQ(stats.cleared, "totem");
    EXPECT_EQ(error_of(kB, set_u32("stats.clear.what", 1)), kAccess);
    EXPECT_EQ(error_of(kB, set_map(0)), kOk);
    EXPECT_EQ(error_of(kB, get("totem.version", 4)), kOk);
}

TEST_F(CmapDoorTest, StatisticsTellWhatComesAndGoes) {
    request(kA, set_map(1));
    request(kA, track("stats.ipcs.", 15, 1));
    stats.client = true;
    door.on_open(ConnectionId{3}, 79, out);
    const auto events = received();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].u32(296), kAdd);
    request(kA, get("stats.srp.mtt_rx_token", 4));
    EXPECT_TRUE(received().empty());
    stats.client = false;
    door.on_close(ConnectionId{3}, out);
    EXPECT_EQ(received().at(0).u32(296), kDelete);
}

TEST_F(CmapDoorTest, RubbishIsAnsweredOrIgnored) {
    const std::vector<Request> requests{
        set_u32("my.key", 5),
        set("my.str", 11, "some text"),
        erase("my.key"),
        get("my.str", 20),
        get("totem.version", 4),
        adjust("my.key", 3),
        Request(4, 280).name(16, "totem."),
        handle(5, 1),
        handle(6, 1),
        track("my.", 15, 4),
        handle(8, 1),
        set_map(0),
        set_map(1),
    };
    Dice dice(43);
    doors_test::throw_rubbish_at(door, out, requests, dice, [] {});
}

}  // namespace
