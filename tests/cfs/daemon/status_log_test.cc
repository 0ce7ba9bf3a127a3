// One line for each change of the membership, and every obstacle that lasts or refuses.
#include "cfs/daemon/status_log.h"

#include <gtest/gtest.h>

namespace {

using cfs::Instant;
using cfs::Obstacle;
using cfs::Status;
using cfs::StatusLog;
using totem::NodeId;
using namespace std::chrono_literals;

Status writable(std::uint64_t epoch, std::vector<NodeId> synced) {
    Status status;
    status.obstacle = Obstacle::kNone;
    status.epoch = epoch;
    status.members = {NodeId{1}, NodeId{2}, NodeId{3}};
    status.synced = std::move(synced);
    return status;
}

Status waits(Obstacle obstacle, std::vector<NodeId> waiting_for = {}) {
    Status status;
    status.obstacle = obstacle;
    status.waiting_for = std::move(waiting_for);
    return status;
}

const std::vector<NodeId> kAll{NodeId{1}, NodeId{2}, NodeId{3}};
const std::vector<NodeId> kTwo{NodeId{1}, NodeId{2}};

class StatusLogTest : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(log_.look(at(0ms), writable(6, kAll))); }
    static Instant at(std::chrono::milliseconds time) { return Instant{time}; }
    StatusLog log_;
};

TEST_F(StatusLogTest, AnExchangeThatIsSoonOverIsOneLine) {
    EXPECT_FALSE(log_.look(at(1000ms), waits(Obstacle::kExchange, kAll)));
    EXPECT_FALSE(log_.look(at(1001ms), waits(Obstacle::kExchange, kTwo)));
    EXPECT_FALSE(log_.look(at(1002ms), writable(7, kTwo)));
    EXPECT_TRUE(log_.look(at(1003ms), writable(7, kAll)));
    EXPECT_FALSE(log_.wake_at());
}

TEST_F(StatusLogTest, AnExchangeThatLastsIsTold) {
    EXPECT_FALSE(log_.look(at(1000ms), waits(Obstacle::kExchange, kAll)));
    ASSERT_EQ(log_.wake_at(), at(1000ms) + StatusLog::kPassing);
    EXPECT_FALSE(log_.look(at(1499ms), waits(Obstacle::kExchange, kAll)));
    EXPECT_TRUE(log_.look(at(1500ms), waits(Obstacle::kExchange, kAll)));
    EXPECT_FALSE(log_.wake_at());
    EXPECT_TRUE(log_.look(at(1600ms), waits(Obstacle::kExchange, kTwo)));
    EXPECT_TRUE(log_.look(at(1700ms), writable(7, kTwo)));
}

TEST_F(StatusLogTest, AMemberThatDoesNotJoinTheEpochIsTold) {
    EXPECT_FALSE(log_.look(at(1000ms), writable(7, kTwo)));
    EXPECT_TRUE(log_.look(at(1500ms), writable(7, kTwo)));
    EXPECT_TRUE(log_.look(at(9000ms), writable(7, kAll)));
}

TEST_F(StatusLogTest, WhatRefusesIsToldAtOnce) {
    EXPECT_TRUE(log_.look(at(1000ms), waits(Obstacle::kNoQuorum)));
    EXPECT_FALSE(log_.look(at(2000ms), waits(Obstacle::kNoQuorum)));
    EXPECT_FALSE(log_.look(at(3000ms), waits(Obstacle::kExchange, kAll)));
    EXPECT_TRUE(log_.look(at(3001ms), waits(Obstacle::kBehind)));
    EXPECT_TRUE(log_.look(at(3002ms), writable(7, kAll)));
}

// It comes back to what was told last: nothing happened.
TEST_F(StatusLogTest, QuorumThatComesBackInTheSameEpoch) {
    EXPECT_FALSE(log_.look(at(1000ms), waits(Obstacle::kExchange)));
    EXPECT_FALSE(log_.look(at(1010ms), writable(6, kAll)));
    EXPECT_FALSE(log_.wake_at());
}

}  // namespace
