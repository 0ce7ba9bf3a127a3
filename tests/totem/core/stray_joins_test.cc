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
