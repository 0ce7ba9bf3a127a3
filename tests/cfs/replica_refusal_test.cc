// What a replica takes no part in, or gives no certain answer to (docs/replication.md).
#include <algorithm>
#include <variant>

#include <gtest/gtest.h>

#include "cfs/core/messages.h"
#include "tests/cfs/running_cluster.h"

namespace {

using namespace std::chrono_literals;
using cfs::Notice;
using cfs::Obstacle;
using cfs::Refusal;
using cfs::testing::Cluster;
using cfs::testing::RunningCluster;
using totem::NodeId;

// At this place of the order, as node `id` says it.
void say(Cluster& cluster, std::uint32_t id, std::vector<std::byte> bytes) {
    const auto& node = cluster.node(id);
    node.ring->log.push_back({std::nullopt, false, {node.id, node.starts}, std::move(bytes)});
}

std::vector<std::byte> in_later_format(std::vector<std::byte> bytes) {
    bytes.front() = std::byte{2};
    return bytes;
}

TEST(ReplicaRefusal, AMessageWithADamagedFormatIsRefusedAndItsSenderNamed) {
    RunningCluster cluster;
    say(cluster, 2, in_later_format(cfs::encode(cfs::Promised{})));
    cluster.run(10ms);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(1).obstacle);
    const auto& notice = cluster.node(1).notices.back();
    EXPECT_EQ(notice.kind, Notice::Kind::kMalformed);
    EXPECT_EQ(notice.node, NodeId{2});
    const auto ticket = cluster.make(2, "a");
    cluster.run(10ms);
    EXPECT_TRUE(cluster.done(ticket));
}

TEST(ReplicaRefusal, WhoSpeaksALaterFormatFromTheBeginningMakesItsViewReadOnly) {
    RunningCluster cluster;
    cluster.kill(3);
    cluster.run(50ms);
    // It joins, and its first words are of a later version.
    auto& third = cluster.node(3);
    third.ring->log.push_back(cluster.node(1).ring->log.front());
    third.ring->log.back().view->members.clear();
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        third.ring->log.back().view->members.push_back({NodeId{id}, cluster.node(id).starts});
    }
    say(cluster, 3, in_later_format(cfs::encode(cfs::Hello{})));
    cluster.run(1s);
    EXPECT_EQ(cluster.status(1).obstacle, Obstacle::kNewer);
    EXPECT_TRUE(cluster.told(1, Notice::Kind::kNewerFormat));
    EXPECT_EQ(cluster.refusal(cluster.make(1, "a")), Refusal::kNotWritable);
    cluster.start(3);
    cluster.run(500ms);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(1).obstacle);
}

// Whoever can read it may have given it a turn.
TEST(ReplicaRefusal, AnOperationOfALaterFormatMakesReadOnlyUntilTheNextView) {
    RunningCluster cluster;
    const auto& log = cluster.node(1).ring->log;
    cluster.make(2, "a");
    cluster.run(10ms);
    const auto operate = std::find_if(log.rbegin(), log.rend(), [](const Cluster::Event& event) {
        const auto message = cfs::decode_message(event.bytes);
        return message && std::holds_alternative<cfs::Operate>(*message);
    });
    ASSERT_NE(operate, log.rend());
    auto bytes = operate->bytes;
    const auto message = cfs::decode_message(bytes);
    const auto operation = std::get<cfs::Operate>(*message).operation;
    bytes[static_cast<std::size_t>(operation.data() - bytes.data())] = std::byte{2};
    say(cluster, 2, bytes);
    cluster.run(1s);
    EXPECT_EQ(cluster.status(1).obstacle, Obstacle::kNewer);
    EXPECT_TRUE(cluster.told(1, Notice::Kind::kNewerFormat));
    EXPECT_EQ(cluster.refusal(cluster.make(1, "b")), Refusal::kNotWritable);
    cluster.split({{1, 2, 3}});
    cluster.run(500ms);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(1).obstacle);
    EXPECT_TRUE(cluster.has(3, "a"));
}

TEST(ReplicaRefusal, ANodeWithTwoProcessesInTheGroupTakesNoPart) {
    RunningCluster cluster;
    const auto ring = cluster.node(1).ring;
    Cluster::Event event = ring->log.front();
    event.quorate = true;
    event.view->members.clear();
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        event.view->members.push_back({NodeId{id}, cluster.node(id).starts});
    }
    event.view->members.push_back({NodeId{2}, 99});
    ring->log.push_back(event);
    cluster.run(300ms);
    EXPECT_EQ(cluster.status(1).members, (std::vector{NodeId{1}, NodeId{3}}));
    EXPECT_TRUE(cluster.replica(3).writable()) << cfs::to_string(cluster.status(3).obstacle);
    EXPECT_FALSE(cluster.replica(2).writable());
    EXPECT_EQ(cluster.refusal(cluster.make(2, "two")), Refusal::kNotWritable);
    const auto ticket = cluster.make(1, "a");
    cluster.run(10ms);
    EXPECT_TRUE(cluster.done(ticket));
    EXPECT_FALSE(cluster.has(2, "a"));
}

TEST(ReplicaRefusal, AWriteIsUncertainAfterTenSecondsInAnEpochThatStandsStill) {
    RunningCluster cluster;
    cluster.run(20s);
    cluster.node(2).disk_stuck = cluster.node(3).disk_stuck = true;
    const auto ticket = cluster.make(1, "a");
    cluster.run(9990ms);
    EXPECT_FALSE(cluster.answer(ticket).has_value());
    cluster.run(20ms);
    EXPECT_EQ(cluster.refusal(ticket), Refusal::kUncertain);
    EXPECT_TRUE(cluster.replica(1).writable());
    cluster.node(2).disk_stuck = cluster.node(3).disk_stuck = false;
    cluster.run(100ms);
    EXPECT_TRUE(cluster.has(3, "a"));
}

}  // namespace
