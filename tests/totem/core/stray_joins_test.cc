// Joins of nodes that cannot be part of the next ring: what one node of a ring makes of them
// (totem.md 4.1, 4.2; properties.md L6, M1, M6).
#include <gtest/gtest.h>

#include "tests/support/mini_ring.h"

namespace {

using totem::Join;
using totem::NodeId;
using totem::State;
using totem::testing::MiniRing;

class StrayJoins : public ::testing::Test {
  protected:
    StrayJoins() {
        ring_.start_all(2);
        EXPECT_TRUE(ring_.form({1, 2}));
    }
    // Node 1 hears a join of node 9, which it has never heard of.
    void hear(std::uint64_t ring_seq, std::initializer_list<std::uint32_t> proc,
              std::initializer_list<std::uint32_t> failed) {
        Join join;
        join.from = join.system_from = NodeId{9};
        join.ring_seq = ring_seq;
        for (const std::uint32_t id : proc) {
            join.proc.insert(NodeId{id});
        }
        for (const std::uint32_t id : failed) {
            join.failed.insert(NodeId{id});
        }
        ring_.receive(1, encode(ring_.pool(1), join).bytes());
    }

    MiniRing ring_;
};

// It cannot lead to one ring of all; it would only cost a ring without its sender.
TEST_F(StrayJoins, AStrangerThatExcludesAMemberIsNotJoined) {
    hear(400, {1, 2, 8, 9}, {2});
    EXPECT_EQ(ring_.node(1).state(), State::kOperational);
    hear(400, {1, 2, 8, 9}, {});
    EXPECT_EQ(ring_.node(1).state(), State::kGather) << "with nobody excluded it is a merge";
}

// It is alone in its own ring by now, and hears this node there: neither a member of the next ring
// nor one to be kept out of it.
TEST_F(StrayJoins, TheLastJoinOfOneThatWentAloneExcludesNobody) {
    ring_.input(1, totem::ForceGather{});
    const auto before = ring_.node(1).snapshot();
    hear(400, {1, 2, 9}, {1, 2});
    EXPECT_EQ(ring_.node(1).state(), State::kGather);
    EXPECT_EQ(ring_.node(1).snapshot().proc_size, before.proc_size);
    EXPECT_EQ(ring_.node(1).snapshot().failed_size, 0U);
    EXPECT_TRUE(ring_.form({1, 2}, std::chrono::milliseconds(100)));
}

// Seed 1288 of the profile ambush: a ring of three installed one after the other, the first to do
// so heard the ring of those that it had excluded and gathered, and the last, still in RECOVERY,
// excluded them again. So did the other two, who believed it; 6000 rings in 15 seconds.
TEST(JoinsInRecovery, WhoInstalledTheRingExcludesNobodyAnyMore) {
    MiniRing ring;
    ring.start_all(3);
    ASSERT_TRUE(ring.form({1, 2, 3}));
    ring.kill(3);
    ASSERT_TRUE(ring.run_until([&] { return ring.node(1).state() == State::kRecovery; }));
    ASSERT_EQ(ring.node(1).snapshot().failed_size, 1U) << "node 3";
    Join join;
    join.from = join.system_from = NodeId{2};
    join.ring_seq = ring.node(1).ring().seq;
    for (const std::uint32_t id : {1U, 2U, 9U}) {
        join.proc.insert(NodeId{id});
    }
    ring.receive(1, encode(ring.pool(1), join).bytes());
    EXPECT_EQ(ring.node(1).state(), State::kGather);
    EXPECT_EQ(ring.node(1).snapshot().failed_size, 0U);
    EXPECT_EQ(ring.node(1).snapshot().proc_size, 3U) << "1, 2, and 9 that node 2 met";
}

// One that gave the ring up without installing it still excludes whom all agreed to exclude, and a
// new life of a member knows of neither.
TEST(JoinsInRecovery, WhoGaveTheRingUpChangesNothingOfThat) {
    for (const bool new_life : {false, true}) {
        MiniRing ring;
        ring.start_all(3);
        ASSERT_TRUE(ring.form({1, 2, 3}));
        ring.kill(3);
        ASSERT_TRUE(ring.run_until([&] { return ring.node(1).state() == State::kRecovery; }));
        Join join;
        join.from = join.system_from = NodeId{2};
        join.ring_seq = ring.node(1).ring().seq + (new_life ? 1 : 0);
        join.proc.insert(NodeId{2});
        if (!new_life) {
            for (const std::uint32_t id : {1U, 3U, 9U}) {
                join.proc.insert(NodeId{id});
            }
            join.failed.insert(NodeId{3});
        }
        ring.receive(1, encode(ring.pool(1), join).bytes());
        EXPECT_EQ(ring.node(1).state(), State::kGather);
        EXPECT_EQ(ring.node(1).snapshot().failed_size, 1U);
        EXPECT_EQ(ring.node(1).snapshot().proc_size, new_life ? 3U : 4U);
    }
}

// Every join teaches, also one that is otherwise ignored (totem.md 4.2): the next ring's number has
// to be above all that anybody knows of, or two rings could have one name.
TEST_F(StrayJoins, AnIgnoredJoinStillTeachesItsRingNumber) {
    const auto ring = ring_.node(1).ring();
    hear(5000, {1, 9}, {1});
    EXPECT_EQ(ring_.node(1).state(), State::kOperational);
    ring_.input(1, totem::ForceGather{});
    ASSERT_TRUE(ring_.run_until([&] {
        return ring_.formed({1, 2}) && ring_.node(1).ring().seq > ring.seq;
    }));
    EXPECT_GT(ring_.node(1).ring().seq, 5000U);
}

}  // namespace
