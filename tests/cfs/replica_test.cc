// The replication protocol rule by rule (docs/replication.md), on a ring in memory.
#include <gtest/gtest.h>

#include "tests/cfs/running_cluster.h"

namespace {

using namespace std::chrono_literals;
using cfs::Notice;
using cfs::Obstacle;
using cfs::Refusal;
using cfs::testing::Cluster;
using cfs::testing::ClusterOptions;
using cfs::testing::RunningCluster;
using totem::NodeId;

TEST(Replica, OpensAnEpochAsSoonAsAllHaveSaidWhatTheyHave) {
    Cluster cluster;
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        cluster.start(id);
    }
    cluster.run(5ms);
    EXPECT_TRUE(cluster.all_writable());
    EXPECT_EQ(cluster.status(2).epoch, 1U);
    EXPECT_EQ(cluster.status(2).synced, (std::vector{NodeId{1}, NodeId{2}, NodeId{3}}));
    EXPECT_EQ(cluster.replica(3).promised(), 1U);
    EXPECT_EQ(cluster.broken, "");
}

TEST(Replica, AWriteIsOnAllDisksWhenItIsAnswered) {
    RunningCluster cluster;
    const auto ticket = cluster.make(2, "a");
    cluster.run(10ms);
    ASSERT_TRUE(cluster.done(ticket));
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        EXPECT_TRUE(cluster.has(id, "a"));
        EXPECT_EQ(cluster.node(id).durable.size(), 1U);
    }
}

TEST(Replica, WishesOfOneCallerKeepTheirOrder) {
    RunningCluster cluster;
    std::vector<std::uint64_t> tickets;
    for (int i = 0; i < 600; ++i) {
        tickets.push_back(cluster.make(1, "f" + std::to_string(i)));
    }
    cluster.run(100ms);
    for (const auto ticket : tickets) {
        EXPECT_TRUE(cluster.done(ticket));
    }
    const auto& records = cluster.replica(3).state().history().records();
    for (std::size_t i = 0; i < records.size(); ++i) {
        EXPECT_EQ(records[i].id.number, i + 1);
    }
}

TEST(Replica, APausedMemberStopsOthersForAsLongAsMemberWaitAndNoLonger) {
    RunningCluster cluster;
    cluster.node(3).paused = true;
    const auto first = cluster.make(1, "a");
    cluster.run(99ms);
    EXPECT_FALSE(cluster.answer(first).has_value());
    cluster.run(10ms);
    EXPECT_TRUE(cluster.done(first));
    EXPECT_EQ(cluster.status(1).lagging, std::vector{NodeId{3}});
    EXPECT_TRUE(cluster.told(1, Notice::Kind::kMemberLagging));
    const auto second = cluster.make(1, "b");
    cluster.run(5ms);
    EXPECT_TRUE(cluster.done(second));
    cluster.node(3).paused = false;
    cluster.run(10ms);
    EXPECT_TRUE(cluster.status(1).lagging.empty());
    EXPECT_TRUE(cluster.told(1, Notice::Kind::kMemberCaughtUp));
    EXPECT_TRUE(cluster.has(3, "b"));
}

TEST(Replica, AMemberThatIsSilentInTheExchangeIsLeftOutAfterHelloWait) {
    RunningCluster cluster;
    cluster.node(1).paused = true;
    cluster.kill(3);
    cluster.run(10ms);
    EXPECT_EQ(cluster.status(2).obstacle, Obstacle::kExchange);
    EXPECT_EQ(cluster.status(2).waiting_for, std::vector{NodeId{1}});
    cluster.start(3);
    cluster.run(198ms);
    EXPECT_EQ(cluster.status(2).obstacle, Obstacle::kExchange);
    cluster.run(20ms);
    EXPECT_EQ(cluster.status(2).obstacle, Obstacle::kNone);
    EXPECT_TRUE(cluster.told(2, Notice::Kind::kMemberSilent));
    const auto ticket = cluster.make(2, "a");
    cluster.run(10ms);
    EXPECT_TRUE(cluster.done(ticket));
    cluster.node(1).paused = false;
    cluster.run(50ms);
    EXPECT_TRUE(cluster.all_writable());
    EXPECT_TRUE(cluster.has(1, "a"));
}

TEST(Replica, WhoDoesNotProposeIsPassedOver) {
    RunningCluster cluster;
    cluster.kill(3);
    cluster.run(5ms);
    cluster.start(3);
    // Node 1 says what it has, and then nothing more.
    for (int i = 0; i < 1000 && cluster.node(1).outbox.empty(); ++i) {
        cluster.act(4);
    }
    cluster.node(1).paused = true;
    while (!cluster.node(1).outbox.empty()) {
        cluster.node(1).ring->log.push_back(
            {std::nullopt, false, {NodeId{1}, 1}, cluster.node(1).outbox.front()});
        cluster.node(1).outbox.pop_front();
    }
    cluster.run(290ms);
    EXPECT_FALSE(cluster.replica(2).writable());
    cluster.run(30ms);
    EXPECT_TRUE(cluster.replica(2).writable()) << cfs::to_string(cluster.status(2).obstacle);
    EXPECT_TRUE(cluster.told(2, Notice::Kind::kMemberSilent));
}

TEST(Replica, OneOfThreeIsReadOnlyAndTwoGoOn) {
    RunningCluster cluster;
    cluster.split({{1, 2}, {3}});
    cluster.run(250ms);
    EXPECT_EQ(cluster.status(3).obstacle, Obstacle::kNoQuorum);
    EXPECT_EQ(cluster.refusal(cluster.make(3, "minority")), Refusal::kNotWritable);
    const auto ticket = cluster.make(1, "majority");
    cluster.run(10ms);
    EXPECT_TRUE(cluster.done(ticket));
    EXPECT_EQ(cluster.status(1).epoch, 2U);
}

TEST(Replica, OfTwoHalvesTheOneWithTheTieBreakIsWritable) {
    ClusterOptions options;
    options.nodes = {1, 2};
    options.always_quorate = true;  // two_node
    RunningCluster cluster(options);
    cluster.split({{1}, {2}});
    cluster.run(10ms);
    EXPECT_TRUE(cluster.replica(1).writable());
    EXPECT_EQ(cluster.status(2).obstacle, Obstacle::kInsufficient);
    EXPECT_EQ(cluster.status(2).waiting_for, std::vector{NodeId{1}});
}

TEST(Replica, AWriteThatTheOldEpochLeftOpenIsDoneOnceInTheNext) {
    RunningCluster cluster;
    cluster.node(2).disk_stuck = true;
    cluster.node(3).disk_stuck = true;
    const auto ticket = cluster.make(1, "a");
    cluster.run(20ms);
    EXPECT_FALSE(cluster.answer(ticket).has_value());
    EXPECT_TRUE(cluster.has(1, "a"));  // ordered, and shown
    cluster.split({{1, 2, 3}});
    cluster.run(20ms);
    EXPECT_FALSE(cluster.answer(ticket).has_value());
    cluster.node(2).disk_stuck = false;
    cluster.node(3).disk_stuck = false;
    cluster.run(300ms);
    EXPECT_TRUE(cluster.done(ticket));
    EXPECT_EQ(cluster.replica(2).state().position().index, 1U);
    cluster.check_final();
}

TEST(Replica, AWriteIsUncertainAfterTenSecondsWithoutAnEpoch) {
    RunningCluster cluster;
    cluster.node(1).deaf = true;
    const auto ticket = cluster.make(1, "a");
    cluster.run(5ms);
    cluster.split({{1}, {2, 3}});
    cluster.node(1).deaf = false;
    cluster.run(9990ms);
    EXPECT_FALSE(cluster.answer(ticket).has_value());
    cluster.run(20ms);
    EXPECT_EQ(cluster.refusal(ticket), Refusal::kUncertain);
}

TEST(Replica, AFullDiskLeavesAndComesBack) {
    RunningCluster cluster;
    cluster.node(2).disk_full = true;
    const auto other = cluster.make(1, "a");
    cluster.run(50ms);
    EXPECT_EQ(cluster.status(2).obstacle, Obstacle::kDiskFull);
    EXPECT_EQ(cluster.refusal(cluster.make(2, "b")), Refusal::kDiskFull);
    EXPECT_TRUE(cluster.done(other));
    EXPECT_TRUE(cluster.told(2, Notice::Kind::kDiskFull));
    EXPECT_EQ(cluster.status(1).members, (std::vector{NodeId{1}, NodeId{3}}));
    cluster.node(2).disk_full = false;
    cluster.run(2100ms);
    EXPECT_TRUE(cluster.told(2, Notice::Kind::kDiskRoom));
    EXPECT_EQ(cluster.status(1).members.size(), 3U);
}

TEST(Replica, AFailedStoreLeavesForGood) {
    RunningCluster cluster;
    cluster.input(2, cfs::StoreFailed{{cfs::StoreErrorKind::kFailed, "disk: gone"}});
    const auto ticket = cluster.make(1, "a");
    cluster.run(20s);
    EXPECT_TRUE(cluster.done(ticket));
    EXPECT_EQ(cluster.status(2).obstacle, Obstacle::kStoreFailed);
    EXPECT_EQ(cluster.refusal(cluster.make(2, "b")), Refusal::kNotWritable);
}

TEST(Replica, AnotherFilesystemOnTheRingStopsWrites) {
    RunningCluster cluster;
    cluster.input(1, cfs::ForeignAre{{NodeId{2}}});
    EXPECT_EQ(cluster.status(1).obstacle, Obstacle::kForeign);
    EXPECT_EQ(cluster.status(1).waiting_for, std::vector{NodeId{2}});
    EXPECT_EQ(cluster.refusal(cluster.make(1, "a")), Refusal::kNotWritable);
    cluster.input(1, cfs::ForeignAre{});
    const auto ticket = cluster.make(1, "a");
    cluster.run(10ms);
    EXPECT_TRUE(cluster.done(ticket));
}

TEST(Replica, OtherVotesMeanAnotherEpoch) {
    RunningCluster cluster;
    cfs::Voting more = cfs::testing::equal_votes({1, 2, 3, 4});
    cluster.set_voting(1, more);
    cluster.run(50ms);
    EXPECT_EQ(cluster.status(1).obstacle, Obstacle::kVoting);
    EXPECT_TRUE(cluster.replica(2).writable());
    cluster.set_voting(more);
    cluster.run(3s);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(1).obstacle);
    EXPECT_GT(cluster.status(1).epoch, 1U);
}

TEST(Replica, LocalModeWritesAloneAndMarksABranch) {
    Cluster cluster;
    cluster.replica_options.local = true;
    cluster.start(1);
    const auto ticket = cluster.make(1, "a");
    EXPECT_FALSE(cluster.answer(ticket).has_value());
    cluster.run(5ms);
    EXPECT_TRUE(cluster.done(ticket));
    EXPECT_EQ(cluster.replica(1).state().position(), (cfs::Position{0, 1}));
    EXPECT_TRUE(cluster.node(1).durable_promise.record.empty());
}

TEST(Replica, StopAnswersEverybody) {
    RunningCluster cluster;
    const auto sent = cluster.make(1, "a");
    cluster.input(1, cfs::Stop{});
    EXPECT_EQ(cluster.refusal(sent), Refusal::kUncertain);
    EXPECT_EQ(cluster.refusal(cluster.make(1, "b")), Refusal::kNotWritable);
    EXPECT_EQ(cluster.status(1).obstacle, Obstacle::kStopped);
}

TEST(Replica, AnExpiredLockIsUnlockedByTheLowestMember) {
    RunningCluster cluster;
    cluster.submit(3, cfs::MakeDirectory{cfs::kRootInode, "priv"});
    cluster.run(10ms);
    const auto priv = cluster.replica(3).snapshot().resolve("priv")->inode;
    cluster.submit(3, cfs::MakeDirectory{priv, "lock"});
    cluster.run(10ms);
    const auto locks = cluster.replica(3).snapshot().resolve("priv/lock")->inode;
    cluster.submit(3, cfs::MakeDirectory{locks, "a"});
    cluster.run(10ms);
    const auto lock = cluster.replica(2).snapshot().resolve("priv/lock/a");
    cluster.submit(2, cfs::RequestUnlock{lock->inode, lock->version});
    cluster.run(10ms);
    EXPECT_TRUE(cluster.has(1, "priv/lock/a"));
    cluster.run(120s);
    cluster.submit(2, cfs::RequestUnlock{lock->inode, lock->version});
    cluster.run(10ms);
    EXPECT_FALSE(cluster.has(3, "priv/lock/a"));
}

}  // namespace
