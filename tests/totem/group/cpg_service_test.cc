// What the cpg service sends in a synchronisation, byte by byte (wire.md 6.2), and what it makes of
// what others send, also of members that are not ours.
#include "totem/group/cpg_service.h"

#include "tests/totem/ipc/doors/fake_outbox.h"

namespace totem::group {
namespace {

using doors_test::FakeOutbox;
using doors_test::Sent;
using totem::FramePool;
using totem::NodeId;

constexpr NodeId kSelf{1};
constexpr NodeId kOther{2};
constexpr NodeId kThird{3};
const GroupName kGroup("grp");

class Recorder final : public CpgObserver {
  public:
    void on_group_change(const CpgChange& change, Outbox& /*out*/) override {
        std::string text;
        for (const auto list : {change.left, change.joined}) {
            for (const CpgAddress& address : list) {
                text += (list.data() == change.left.data() ? "-" : "+") +
                        std::to_string(raw(address.process.node)) + ":" +
                        std::to_string(address.process.pid) + "/" +
                        std::to_string(static_cast<std::uint32_t>(address.reason));
            }
        }
        events.push_back(text + " =" + std::to_string(change.members.size()));
    }
    void on_group_message(const CpgMessage& /*message*/, Outbox& /*out*/) override {
        events.push_back("message");
    }
    void on_groups_settled(const totem::RingId& ring, std::span<const NodeId> /*members*/,
                           Outbox& /*out*/) override {
        events.push_back("ring " + std::to_string(ring.seq));
    }
    std::vector<std::string> events;
};

class CpgServiceTest : public ::testing::Test {
  protected:
    CpgServiceTest() { service.observe(recorder); }

    using Nodes = std::vector<NodeId>;
    void begin(std::uint64_t seq, const Nodes& transitional, const Nodes& members) {
        service.sync_begin({members.front(), seq}, transitional, members, out);
    }
    void deliver(NodeId sender, std::uint16_t function, std::span<const std::byte> bytes) {
        service.on_message(sender, function, pool.copy(bytes), out);
    }
    void deliver_own() {
        for (const Sent& message : std::exchange(out.sent, {})) {
            deliver(kSelf, message.function, message.bytes);
        }
    }
    void join(NodeId node, std::uint32_t pid) {
        std::vector<std::byte> bytes(168);
        kGroup.write(bytes, 16);
        StructWriter(bytes).u32(152, pid);
        StructWriter(bytes).u32(160, 1);
        deliver(node, 0, bytes);
    }
    void joinlist(NodeId node, std::initializer_list<std::uint32_t> pids) {
        std::vector<std::byte> bytes(24 + 144 * pids.size());
        std::size_t at = 24;
        for (const std::uint32_t pid : pids) {
            StructWriter(bytes).u32(at, pid);
            kGroup.write(bytes, at + 8);
            at += 144;
        }
        deliver(node, 2, bytes);
    }
    std::vector<std::string> activate() {
        recorder.events.clear();
        service.sync_activate(out);
        return recorder.events;
    }

    FramePool pool;
    FakeOutbox out{pool};
    Recorder recorder;
    CpgService service{kSelf};
};

TEST_F(CpgServiceTest, DownlistAlwaysAndJoinlistOfOwnProcesses) {
    begin(4, {kSelf}, {kSelf});
    EXPECT_EQ(service.sync_step(out), SyncStep::kDone);
    ASSERT_EQ(out.sent.size(), 1U);  // nobody joined: no joinlist
    EXPECT_EQ(out.sent[0].function, 5);
    EXPECT_EQ(out.sent[0].bytes.size(), 1568U);
    deliver_own();
    activate();
    join(kSelf, 77);
    begin(8, {kSelf}, {kSelf, kOther});
    joinlist(kOther, {5});
    activate();
    begin(12, {kSelf}, {kSelf});
    EXPECT_EQ(service.sync_step(out), SyncStep::kDone);
    ASSERT_EQ(out.sent.size(), 2U);
    const StructReader down(out.sent[0].bytes);
    EXPECT_EQ(down.u32(16), 2U);
    EXPECT_EQ(down.u32(24), 1U);
    EXPECT_EQ(down.u32(32), 2U);
    EXPECT_EQ(out.sent[1].function, 2);
    const StructReader list(out.sent[1].bytes);
    EXPECT_EQ(list.size(), 24U + 144);  // and not the other node's process
    EXPECT_EQ(list.u32(24), 77U);
    EXPECT_EQ(list.u32(32), 3U);
    EXPECT_EQ(as_text(list.bytes(40, 3)), "grp");
}

TEST_F(CpgServiceTest, LostThenFoundThenNoLongerClaimed) {
    begin(4, {kSelf}, {kSelf, kOther, kThird});
    joinlist(kOther, {5, 6});
    joinlist(kThird, {7, 8});
    EXPECT_EQ(activate(), (std::vector<std::string>{"+2:5/4+2:6/4+3:7/4+3:8/4 =4", "ring 4"}));
    // The third came along and now claims only one; the other was elsewhere meanwhile.
    begin(8, {kSelf, kThird}, {kSelf, kOther, kThird});
    joinlist(kOther, {6});
    joinlist(kThird, {8});
    EXPECT_EQ(activate(),
              (std::vector<std::string>{"-2:5/3-2:6/3 =2", "+2:6/4 =3", "-3:7/5 =2", "ring 8"}));
}

TEST_F(CpgServiceTest, WhoMissedOneOfSeveralConfigurationsCountsAsLost) {
    begin(4, {kSelf}, {kSelf, kOther});
    joinlist(kOther, {5});
    activate();
    begin(8, {kSelf}, {kSelf, kOther});  // came from elsewhere
    joinlist(kOther, {5});
    service.sync_abort(out);
    begin(12, {kSelf, kOther}, {kSelf, kOther});
    joinlist(kOther, {5});
    EXPECT_EQ(activate(), (std::vector<std::string>{"-2:5/3 =0", "+2:5/4 =1", "ring 12"}));
}

TEST_F(CpgServiceTest, AbortedSynchronisationTeachesNothing) {
    begin(4, {kSelf}, {kSelf, kOther});
    joinlist(kOther, {5});
    service.sync_abort(out);
    begin(8, {kSelf}, {kSelf});
    EXPECT_EQ(activate(), (std::vector<std::string>{"ring 8"}));
}

TEST_F(CpgServiceTest, LongJoinlistsTravelInSeveralMessages) {
    begin(4, {kSelf}, {kSelf});
    activate();
    for (std::uint32_t pid = 1; pid <= 1500; ++pid) {
        join(kSelf, pid);
    }
    begin(8, {kSelf}, {kSelf, kOther});
    EXPECT_EQ(service.sync_step(out), SyncStep::kDone);
    ASSERT_EQ(out.sent.size(), 3U);
    // The other node puts them together again.
    CpgService other(kOther);
    const std::vector<NodeId> alone{kOther};
    const std::vector<NodeId> both{kSelf, kOther};
    other.sync_begin({kSelf, 8}, alone, both, out);
    for (const Sent& message : std::exchange(out.sent, {})) {
        other.on_message(kSelf, message.function, pool.copy(message.bytes), out);
    }
    other.sync_activate(out);
    EXPECT_EQ(other.table().members(kGroup).size(), 1500U);
}

TEST_F(CpgServiceTest, MessageOfAnUnknownProcessIsNotDelivered) {
    const std::string text = "hello";
    ASSERT_TRUE(service.send(kGroup, 77, as_byte_span(text), totem::Guarantee::kAgreed, out));
    const auto message = out.sent;
    deliver_own();
    EXPECT_TRUE(recorder.events.empty());
    join(kSelf, 77);
    recorder.events.clear();
    deliver(kOther, message[0].function, message[0].bytes);  // this pid, but of another node
    EXPECT_TRUE(recorder.events.empty());
    deliver(kSelf, message[0].function, message[0].bytes);
    EXPECT_EQ(recorder.events.size(), 1U);
}

TEST_F(CpgServiceTest, HashFollowsWhatDecides) {
    const auto before = service.state_hash();
    deliver(kOther, 3, std::vector<std::byte>(184));  // an unknown sender changes nothing
    EXPECT_EQ(service.state_hash(), before);
    join(kOther, 5);
    EXPECT_NE(service.state_hash(), before);
}

}  // namespace
}  // namespace totem::group
