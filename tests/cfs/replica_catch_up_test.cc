// Replicas that are behind or beside: how they come to the one state, and what is put aside.
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

TEST(ReplicaCatchUp, WhoWasAwayGetsWhatItMissed) {
    RunningCluster cluster;
    cluster.make(1, "before");
    cluster.run(10ms);
    cluster.power_cut(3);
    cluster.run(20ms);
    for (int i = 0; i < 50; ++i) {
        cluster.make(1, "f" + std::to_string(i));
    }
    cluster.run(50ms);
    cluster.power_on(3);
    cluster.heal();
    cluster.run(300ms);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(3).obstacle);
    EXPECT_TRUE(cluster.has(3, "f49"));
    EXPECT_TRUE(cluster.told(3, Notice::Kind::kSynced));
    EXPECT_FALSE(cluster.told(3, Notice::Kind::kTailAside));
    EXPECT_FALSE(cluster.node(3).changed.empty());
    cluster.check_final();
}

TEST(ReplicaCatchUp, WhatIsWrittenMeanwhileIsAppliedAfterIt) {
    RunningCluster cluster;
    cluster.power_cut(3);
    cluster.run(20ms);
    for (int i = 0; i < 300; ++i) {
        cluster.make(1, "f" + std::to_string(i));
    }
    cluster.run(50ms);
    cluster.power_on(3);
    cluster.heal();
    for (int i = 0; i < 20; ++i) {
        cluster.run(1ms);
        cluster.make(1, "g" + std::to_string(i));
    }
    cluster.run(300ms);
    EXPECT_TRUE(cluster.all_writable());
    EXPECT_TRUE(cluster.has(3, "g19"));
    cluster.check_final();
}

// Node 1 alone has stored what was ordered: 3 loses its power before its disk had it, and 2 never
// heard of it.
TEST(ReplicaCatchUp, ATailIsPutAside) {
    RunningCluster cluster;
    cluster.node(2).paused = true;
    cluster.node(3).disk_stuck = true;
    const auto ticket = cluster.make(1, "tail");
    cluster.run(20ms);
    ASSERT_EQ(cluster.node(1).durable.size(), 1U);
    cluster.power_cut(1);
    cluster.power_cut(3);
    cluster.node(2).inbox.clear();
    cluster.node(2).paused = cluster.node(3).disk_stuck = false;
    cluster.power_on(3);
    cluster.split({{2, 3}});
    cluster.run(300ms);
    const auto next = cluster.make(2, "next");
    cluster.run(50ms);
    ASSERT_TRUE(cluster.done(next));
    cluster.power_on(1);
    cluster.heal();
    cluster.run(300ms);
    EXPECT_TRUE(cluster.all_writable());
    EXPECT_FALSE(cluster.done(ticket));
    EXPECT_FALSE(cluster.has(1, "tail"));
    EXPECT_TRUE(cluster.told(1, Notice::Kind::kTailAside));
    const auto asides = cluster.node(1).store->asides();
    ASSERT_EQ(asides->size(), 1U);
    EXPECT_EQ(asides->front().operations, 1U);
    cluster.check_final();
}

// Nobody has reached the point where its branch began, so nobody could give that back to it.
TEST(ReplicaCatchUp, ABranchFromWhereNobodyElseIsStopsThemAndIsNamed) {
    RunningCluster cluster;
    cluster.make(1, "shared");
    cluster.run(10ms);
    cluster.kill(3);
    cluster.replica_options.local = true;
    cluster.start(3);
    cluster.make(3, "branch");
    cluster.run(10ms);
    cluster.kill(3);
    cluster.replica_options.local = false;
    for (const std::uint32_t id : {1U, 2U}) {
        cluster.kill(id);
        cluster.node(id).disk = std::make_unique<cfs::testing::MemoryDisk>();
        cluster.start(id);
    }
    cluster.start(3);
    cluster.run(2s);
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        EXPECT_EQ(cluster.status(id).obstacle, Obstacle::kConflict);
        EXPECT_EQ(cluster.status(id).waiting_for, std::vector{NodeId{3}});
    }
    EXPECT_EQ(cluster.refusal(cluster.make(1, "a")), Refusal::kNotWritable);
    EXPECT_TRUE(cluster.has(3, "branch"));
}

// So many operations passed between two tries that nobody knows any more whether the first one was
// applied; it was, and is not applied again.
TEST(ReplicaCatchUp, ARetryThatTheHistoryHasForgottenIsUncertain) {
    RunningCluster cluster;
    cluster.node(3).deaf = true;
    const auto ticket = cluster.make(3, "old");
    cluster.run(1ms);
    cluster.split({{1, 2}, {3}});
    cluster.node(3).inbox.clear();
    cluster.node(3).deaf = false;
    cluster.run(300ms);
    ASSERT_TRUE(cluster.has(1, "old"));
    for (std::size_t i = 0; i < cfs::kHistoryMin + cfs::kHistoryStep + 100; ++i) {
        cluster.submit(1, cfs::SetTime{cfs::kRootInode, i});
        if (i % 200 == 0) {
            cluster.run(20ms);
        }
    }
    cluster.run(200ms);
    ASSERT_FALSE(cluster.answer(ticket).has_value());
    cluster.heal();
    cluster.run(2s);
    EXPECT_TRUE(cluster.all_writable());
    EXPECT_EQ(cluster.refusal(ticket), Refusal::kUncertain);
    EXPECT_TRUE(cluster.has(3, "old"));
}

TEST(ReplicaCatchUp, ADonorThatFallsSilentIsReplaced) {
    RunningCluster cluster;
    cluster.power_cut(3);
    cluster.run(20ms);
    for (int i = 0; i < 100; ++i) {
        cluster.make(1, "f" + std::to_string(i));
    }
    cluster.run(50ms);
    cluster.power_on(3);
    cluster.node(3).paused = true;
    cluster.heal();
    cluster.run(300ms);
    ASSERT_TRUE(cluster.replica(1).writable());
    cluster.node(3).paused = false;
    for (int i = 0; i < 1000 && cluster.status(3).obstacle != Obstacle::kBehind; ++i) {
        cluster.act(0);
    }
    cluster.node(1).paused = true;
    cluster.run(1900ms);
    EXPECT_EQ(cluster.status(3).obstacle, Obstacle::kBehind);
    EXPECT_EQ(cluster.status(3).waiting_for, std::vector{NodeId{1}});
    cluster.run(400ms);
    EXPECT_TRUE(cluster.replica(3).writable()) << cfs::to_string(cluster.status(3).obstacle);
    EXPECT_TRUE(cluster.told(3, Notice::Kind::kMemberSilent));
    cluster.node(1).paused = false;
    cluster.run(200ms);
    cluster.check_final();
}

TEST(ReplicaCatchUp, AProposerThatFallsSilentBeforeItsEpochIsOpenIsLeftOut) {
    RunningCluster cluster;
    cluster.power_cut(3);
    cluster.run(20ms);
    cluster.make(1, "a");
    cluster.run(50ms);
    cluster.node(1).disk_stuck = true;
    cluster.power_on(3);
    cluster.heal();
    for (int i = 0; i < 1000 && cluster.status(3).obstacle != Obstacle::kBehind; ++i) {
        cluster.act(0);
    }
    cluster.node(1).paused = true;
    cluster.run(2300ms);
    EXPECT_TRUE(cluster.replica(2).writable()) << cfs::to_string(cluster.status(2).obstacle);
    EXPECT_TRUE(cluster.replica(3).writable()) << cfs::to_string(cluster.status(3).obstacle);
    cluster.node(1).paused = false;
    cluster.node(1).disk_stuck = false;
    cluster.run(300ms);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(1).obstacle);
    cluster.check_final();
}

TEST(ReplicaCatchUp, TooManyTurnsToWaitForMeanANewerState) {
    ClusterOptions options;
    RunningCluster cluster(options,
                           [](cfs::ReplicaOptions& each) { each.buffered_bytes_max = 2000; });
    cluster.node(3).disk_stuck = true;
    for (int i = 0; i < 3000; ++i) {
        cluster.make(1, "f" + std::to_string(i));
        cluster.run(1ms);
    }
    cluster.run(300ms);
    EXPECT_EQ(cluster.status(3).obstacle, Obstacle::kBehind);
    cluster.node(3).disk_stuck = false;
    cluster.run(3s);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(3).obstacle);
    cluster.check_final();
}

TEST(ReplicaCatchUp, LocalModeOnAClustersHistoryIsABranchAndIsPutAside) {
    RunningCluster cluster;
    cluster.make(1, "shared");
    cluster.run(10ms);
    cluster.power_cut(3);
    cluster.replica_options.local = true;
    cluster.node(3).up = true;
    cluster.start(3);
    cluster.make(3, "branch");
    cluster.run(10ms);
    EXPECT_TRUE(cluster.has(3, "branch"));
    EXPECT_FALSE(cluster.node(3).durable_promise.record.empty());
    cluster.kill(3);
    cluster.replica_options.local = false;
    cluster.start(3);
    cluster.heal();
    cluster.run(300ms);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(3).obstacle);
    EXPECT_FALSE(cluster.has(3, "branch"));
    EXPECT_TRUE(cluster.has(3, "shared"));
    EXPECT_TRUE(cluster.told(3, Notice::Kind::kTailAside));
    const auto asides = cluster.node(3).store->asides();
    ASSERT_EQ(asides->size(), 1U);
    EXPECT_EQ(asides->front().operations, 1U);
}

// The others have done nothing yet, so what it adopts has no history at all.
TEST(ReplicaCatchUp, ABranchOnAnEmptyClusterIsPutAside) {
    RunningCluster cluster;
    cluster.power_cut(3);
    cluster.replica_options.local = true;
    cluster.node(3).up = true;
    cluster.start(3);
    cluster.make(3, "branch");
    cluster.run(10ms);
    EXPECT_TRUE(cluster.has(3, "branch"));
    cluster.kill(3);
    cluster.replica_options.local = false;
    cluster.start(3);
    cluster.heal();
    cluster.run(300ms);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(3).obstacle);
    EXPECT_FALSE(cluster.has(3, "branch"));
    EXPECT_EQ(cluster.node(3).store->asides()->size(), 1U);
}

TEST(ReplicaCatchUp, TwoThatWroteAloneBeforeThereWasAClusterConflict) {
    Cluster cluster;
    cluster.replica_options.local = true;
    for (const std::uint32_t id : {1U, 2U}) {
        cluster.start(id);
        cluster.make(id, "from" + std::to_string(id));
        cluster.run(10ms);
        cluster.kill(id);
    }
    cluster.replica_options.local = false;
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        cluster.start(id);
    }
    cluster.run(2s);
    EXPECT_EQ(cluster.status(3).obstacle, Obstacle::kConflict);
    EXPECT_EQ(cluster.status(3).waiting_for, (std::vector{NodeId{1}, NodeId{2}}));
    EXPECT_TRUE(cluster.told(3, Notice::Kind::kConflict));
    EXPECT_EQ(cluster.refusal(cluster.make(3, "a")), Refusal::kNotWritable);
}

TEST(ReplicaCatchUp, ANodeThatWroteAloneMayFoundACluster) {
    Cluster cluster;
    cluster.replica_options.local = true;
    cluster.start(2);
    cluster.make(2, "founder");
    cluster.run(10ms);
    cluster.kill(2);
    cluster.replica_options.local = false;
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        cluster.start(id);
    }
    cluster.run(1s);
    EXPECT_TRUE(cluster.all_writable());
    EXPECT_TRUE(cluster.has(1, "founder"));
    EXPECT_EQ(cluster.broken, "");
}

TEST(ReplicaCatchUp, TwoOverridesConflict) {
    ClusterOptions options;
    options.nodes = {1, 2, 3, 4};
    options.always_quorate = true;
    RunningCluster cluster(options);
    cluster.make(1, "shared");
    cluster.run(10ms);
    cluster.split({{1, 2}, {3, 4}});
    cluster.run(1s);
    cfs::Voting lowered = cluster.options.voting;
    lowered.expected = 2;
    cluster.options.voting = lowered;
    cluster.set_voting(lowered);
    cluster.run(3s);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(3).obstacle);
    EXPECT_TRUE(cluster.status(3).override_epoch);
    cluster.make(1, "left");
    cluster.make(3, "right");
    cluster.run(100ms);
    cluster.heal();
    cluster.run(2s);
    EXPECT_EQ(cluster.status(1).obstacle, Obstacle::kConflict);
    EXPECT_TRUE(cluster.has(1, "left"));
    EXPECT_TRUE(cluster.has(3, "right"));
    cluster.broken.clear();  // two histories under one name are what this is about
}

TEST(ReplicaCatchUp, OneOverrideIsFollowedByThoseWhoReturn) {
    ClusterOptions options;
    options.nodes = {1, 2, 3};
    RunningCluster cluster(options);
    cluster.split({{1}, {2}, {3}});
    cluster.run(300ms);
    const cfs::Voting plain = cluster.options.voting;
    cfs::Voting lowered = plain;
    lowered.expected = 1;
    cluster.options.voting = lowered;
    cluster.set_voting(1, lowered);
    cluster.input(1, cfs::QuorumIs{true});
    cluster.run(100ms);
    EXPECT_TRUE(cluster.status(1).override_epoch);
    const auto ticket = cluster.make(1, "alone");
    cluster.run(100ms);
    EXPECT_TRUE(cluster.done(ticket));
    cluster.options.voting = plain;
    cluster.set_voting(1, plain);
    cluster.heal();
    cluster.run(3s);
    EXPECT_TRUE(cluster.all_writable()) << cfs::to_string(cluster.status(2).obstacle);
    EXPECT_FALSE(cluster.status(1).override_epoch);
    EXPECT_TRUE(cluster.has(2, "alone"));
}

TEST(ReplicaCatchUp, PartsOfAnEarlierLifeAreDiscarded) {
    RunningCluster cluster;
    const std::vector<std::byte> data(10);
    cluster.submit(2, cfs::Chunk{1, 0, {{0, data}}});
    cluster.run(10ms);
    EXPECT_NE(cluster.replica(1).state().parts().bytes(), 0U);
    cluster.kill(2);
    cluster.start(2);
    cluster.run(300ms);
    EXPECT_EQ(cluster.replica(1).state().parts().bytes(), 0U);
}

}  // namespace
