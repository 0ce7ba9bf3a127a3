// runtime.members.* and the comparison of configuration versions (wire.md 6.4, config.md 14).
#include "totem/group/cmap_service.h"

#include "tests/totem/ipc/doors/fake_outbox.h"

namespace totem::group {
namespace {

using doors_test::Dice;
using doors_test::FakeOutbox;
using doors_test::Sent;
using totem::Configuration;
using totem::FramePool;
using totem::NodeId;

constexpr NodeId kSelf{1};
constexpr NodeId kOther{2};

ClusterFacts facts() {
    ClusterFacts cluster;
    cluster.self = kSelf;
    for (std::uint32_t n = 1; n <= 2; ++n) {
        NodeAddress address;
        address.text = "10.77.0." + std::to_string(n);
        cluster.nodes.push_back({NodeId{n}, "", {address}});
    }
    return cluster;
}

class CmapServiceTest : public ::testing::Test {
  protected:
    using Nodes = std::vector<NodeId>;

    void ring(const Nodes& left, const Nodes& joined, const Nodes& members) {
        Configuration change;
        change.kind = Configuration::Kind::kTransitional;
        change.left = left;
        service.on_configuration(change, out);
        change = {};
        change.joined = joined;
        change.members = members;
        service.on_configuration(change, out);
        service.sync_begin({members.front(), 4}, Nodes{kSelf}, members, out);
        EXPECT_EQ(service.sync_step(out), SyncStep::kDone);
        version_message = out.sent.back();
        out.sent.clear();
    }
    // The other node's version, in the bytes that this service itself would send.
    void hear(NodeId sender, std::optional<std::uint64_t> version) {
        CmapStore theirs;
        if (version) {
            theirs.set_internal("totem.config_version", CmapValue::u64(*version));
        }
        CmapService other(theirs, {});
        EXPECT_EQ(other.sync_step(out), SyncStep::kDone);
        for (const Sent& message : std::exchange(out.sent, {})) {
            service.on_message(sender, message.function, pool.copy(message.bytes), out);
        }
    }
    std::string text(std::string_view key) {
        return std::string(store.find_text(key).value_or("(none)"));
    }
    void set_version(std::uint64_t version) {
        store.set_internal("totem.config_version", CmapValue::u64(version));
    }

    FramePool pool;
    FakeOutbox out{pool};
    CmapStore store;
    CmapService service{store, facts()};
    Sent version_message;
};

TEST_F(CmapServiceTest, MembersComeAndGo) {
    ring({}, {kSelf}, {kSelf});
    EXPECT_EQ(text("runtime.members.1.status"), "joined");
    EXPECT_EQ(text("runtime.members.1.ip"), "r(0) ip(10.77.0.1) ");
    EXPECT_EQ(store.find_u32("runtime.members.1.join_count"), 1U);
    ring({}, {kOther}, {kSelf, kOther});
    EXPECT_EQ(store.find_u32("runtime.members.1.join_count"), 1U);
    EXPECT_EQ(store.find_u32("runtime.members.2.join_count"), 1U);
    ring({kOther}, {}, {kSelf});
    EXPECT_EQ(text("runtime.members.2.status"), "left");
    ring({}, {kOther}, {kSelf, kOther});
    EXPECT_EQ(store.find_u32("runtime.members.2.join_count"), 2U);
    ring({kOther}, {kOther}, {kSelf, kOther});  // gone and back at once
    EXPECT_EQ(store.find_u32("runtime.members.2.join_count"), 3U);
    EXPECT_EQ(text("runtime.members.2.status"), "joined");
}

TEST_F(CmapServiceTest, VersionMessageBytes) {
    set_version(7);
    ring({}, {kSelf}, {kSelf});
    const StructReader message(version_message.bytes);
    EXPECT_EQ(message.size(), 336U);
    EXPECT_EQ(message.u8(16), 0U);
    EXPECT_EQ(message.u8(24), 1U);
    EXPECT_EQ(message.u16(48), 20U);
    EXPECT_EQ(as_text(message.bytes(56, 20)), "totem.config_version");
    EXPECT_EQ(message.u8(48 + 264), 8U);
    EXPECT_EQ(message.u64(48 + 272), 8U);
    EXPECT_EQ(message.u64(48 + 280), 7U);
    store.erase_internal("totem.config_version");
    ring({}, {}, {kSelf});
    EXPECT_EQ(version_message.bytes.size(), 328U);
}

TEST_F(CmapServiceTest, VersionsOfMembersAreKept) {
    ring({}, {kSelf, kOther}, {kSelf, kOther});
    hear(kOther, 12);
    EXPECT_EQ(store.find_u64("runtime.members.2.config_version"), 12U);
    hear(kOther, std::nullopt);
    EXPECT_EQ(store.find_u64("runtime.members.2.config_version"), 0U);
    service.sync_activate(out);
    EXPECT_TRUE(out.host.empty());  // this node has none
}

TEST_F(CmapServiceTest, OlderConfigurationStopsTheNodeAtItsFirstMeeting) {
    set_version(11);
    ring({}, {kSelf}, {kSelf});
    service.sync_activate(out);
    ring({}, {kOther}, {kSelf, kOther});
    hear(kOther, 12);
    service.sync_activate(out);
    ASSERT_EQ(out.host.size(), 1U);
    EXPECT_EQ(out.host[0].kind, HostRequest::Kind::kStop);
    EXPECT_EQ(out.host[0].exit_status, 0);
    ASSERT_EQ(out.notices.size(), 1U);
    EXPECT_EQ(out.notices[0].kind, Notice::Kind::kConfigVersionTooOld);
    EXPECT_EQ(out.notices[0].a, 12U);
    EXPECT_EQ(out.notices[0].b, 11U);
}

TEST_F(CmapServiceTest, LaterDifferencesAreTolerated) {
    set_version(12);
    ring({}, {kSelf, kOther}, {kSelf, kOther});
    hear(kOther, 11);
    service.sync_activate(out);
    ring({kOther}, {kOther}, {kSelf, kOther});
    hear(kOther, 13);
    service.sync_activate(out);
    EXPECT_TRUE(out.host.empty());
}

TEST_F(CmapServiceTest, ChangedVersionIsAnnouncedOnceThereIsRoom) {
    set_version(1);
    ring({}, {kSelf}, {kSelf});
    set_version(2);
    out.room = false;
    store.flush(out);
    ASSERT_TRUE(out.wake);
    EXPECT_TRUE(out.sent.empty());
    out.room = true;
    service.on_wake(out);
    ASSERT_EQ(out.sent.size(), 1U);
    EXPECT_EQ(StructReader(out.sent[0].bytes).u8(16), 1U);
    EXPECT_EQ(StructReader(out.sent[0].bytes).u64(48 + 280), 2U);
    service.on_wake(out);
    EXPECT_EQ(out.sent.size(), 1U);
}

TEST_F(CmapServiceTest, ForceGather) {
    ASSERT_EQ(store.set("runtime.force_gather", CmapValue::text("yes")), CmapStore::Status::kOk);
    store.flush(out);
    ASSERT_EQ(out.host.size(), 1U);
    EXPECT_EQ(out.host[0].kind, HostRequest::Kind::kForceGather);
    EXPECT_EQ(text("runtime.force_gather"), "no");
    EXPECT_FALSE(store.owes_events());
}

TEST_F(CmapServiceTest, NewAddressesAfterAReload) {
    ring({}, {kSelf, kOther}, {kSelf, kOther});
    ClusterFacts changed = facts();
    changed.nodes[1].addresses[0].text = "10.99.0.2";
    service.set_facts(changed);
    EXPECT_EQ(text("runtime.members.2.ip"), "r(0) ip(10.99.0.2) ");
}

TEST_F(CmapServiceTest, RubbishFromTheRing) {
    set_version(5);
    ring({}, {kSelf, kOther}, {kSelf, kOther});
    Dice dice(45);
    for (int round = 0; round < 3000; ++round) {
        const auto bytes = doors_test::mutated(version_message.bytes, dice);
        if (bytes.size() >= 16) {
            service.on_message(kOther, static_cast<std::uint16_t>(dice.below(2)), pool.copy(bytes),
                               out);
        }
    }
    EXPECT_FALSE(out.notices.empty());
}

}  // namespace
}  // namespace totem::group
