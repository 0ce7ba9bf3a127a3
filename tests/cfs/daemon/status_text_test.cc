// The lines of docs/cfsd.md, letter by letter.
#include "cfs/daemon/status_text.h"

#include <gtest/gtest.h>

namespace {

using cfs::Notice;
using cfs::Obstacle;
using cfs::Status;
using totem::NodeId;

const cfs::Words kWords{
    [](NodeId node) { return node == NodeId{9} ? "node 9" : "pve" + std::to_string(raw(node)); },
    [](cfs::Instant instant) {
        return "T+" + std::to_string(instant.time_since_epoch() / std::chrono::seconds(1));
    }};

Status status_of(Obstacle obstacle, std::uint64_t epoch = 0) {
    Status status;
    status.obstacle = obstacle;
    status.epoch = epoch;
    return status;
}

std::string line(const Status& status) { return cfs::to_line(status, kWords).text; }
std::string line(const Notice& notice) { return cfs::to_line(notice, kWords).text; }

TEST(StatusText, SaysWhoWritesWithWhom) {
    Status status = status_of(Obstacle::kNone, 3);
    status.synced = {NodeId{1}, NodeId{2}};
    EXPECT_EQ(line(status), "writable, epoch 3, with pve1, pve2");
    status.lagging = {NodeId{9}};
    status.override_epoch = true;
    EXPECT_EQ(line(status),
              "writable, epoch 3 (votes in force were lowered), with pve1, pve2; not waited for: "
              "node 9");
    Status alone = status_of(Obstacle::kNone);
    alone.local = true;
    EXPECT_EQ(line(alone), "writable, alone (local mode)");
}

TEST(StatusText, SaysWhyNotSinceWhenAndUntilWhen) {
    Status status = status_of(Obstacle::kNoQuorum);
    status.since = cfs::Instant{std::chrono::seconds(5)};
    EXPECT_EQ(line(status), "read-only since T+5: no quorum");
    status.obstacle = Obstacle::kExchange;
    status.waiting_for = {NodeId{2}, NodeId{3}};
    status.until = cfs::Instant{std::chrono::seconds(7)};
    EXPECT_EQ(line(status),
              "read-only since T+5: members exchange what they have; waiting for pve2, pve3 until "
              "T+7");
}

TEST(StatusText, TimesAloneAreNotWorthALine) {
    Status before = status_of(Obstacle::kExchange);
    Status now = before;
    now.until = cfs::Instant{std::chrono::seconds(7)};
    now.epoch = 4;
    EXPECT_FALSE(cfs::worth_a_line(before, now));
    now.waiting_for = {NodeId{2}};
    EXPECT_TRUE(cfs::worth_a_line(before, now));
    now = before;
    now.obstacle = Obstacle::kNone;
    EXPECT_TRUE(cfs::worth_a_line(before, now));
    before = now;
    now.synced = {NodeId{1}};
    EXPECT_TRUE(cfs::worth_a_line(before, now));
}

TEST(StatusText, NoticesNameNodes) {
    EXPECT_EQ(line({Notice::Kind::kMemberLagging, NodeId{3}, 0, ""}),
              "pve3 is slow to store, writers do not wait for it any more");
    EXPECT_EQ(line({Notice::Kind::kForeign, NodeId{2}, 0, ""}),
              "another configuration filesystem (pmxcfs) runs on pve2: nothing can be written "
              "while it does");
    EXPECT_EQ(line({Notice::Kind::kTailAside, NodeId{1}, 4, "backup in /b"}),
              "4 operations of this node are not part of the cluster's history and were put "
              "aside: backup in /b");
}

// Who says it is not always this node, and node 2 hears it said of itself.
TEST(StatusText, AConflictNamesBothNodes) {
    EXPECT_EQ(line({Notice::Kind::kConflict, NodeId{2}, 1, ""}),
              "histories that cannot come from one order: pve2 and pve1; nobody writes until an "
              "administrator gives one of them up, see cfsd(8)");
}

// Nobody is waited for, somebody has to choose.
TEST(StatusText, ReadOnlyForAConflict) {
    Status status = status_of(Obstacle::kConflict);
    status.waiting_for = {NodeId{1}, NodeId{2}};
    EXPECT_EQ(line(status), "read-only: members have conflicting histories: pve1, pve2");
}

// Every kind has words of its own.
TEST(StatusText, EveryNotice) {
    std::set<std::string> lines;
    for (int kind = 0; kind <= static_cast<int>(Notice::Kind::kUncertain); ++kind) {
        lines.insert(line({Notice::Kind{static_cast<std::uint8_t>(kind)}, NodeId{1}, 1, ""}));
    }
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(Notice::Kind::kUncertain) + 1);
    EXPECT_FALSE(lines.contains("unknown notice"));
}

}  // namespace
