// status, nodes and expected, against what corosync-quorumtool 3.1.7 printed for the same cluster.
#include <gtest/gtest.h>

#include "tests/pvecm/fakes.h"

namespace {

using pvecm_test::member;
using pvecm_test::Program;
using pvecm_test::recorded;
using pvecm_test::view_of;

class PvecmQuorum : public ::testing::Test {
  protected:
    void SetUp() override { program.configured(); }
    Program program;
};

TEST_F(PvecmQuorum, StatusOfThreeOfThree) {
    EXPECT_EQ(program.run({"status"}), 0);
    EXPECT_EQ(program.out, recorded("status-3of3.txt"));
    EXPECT_EQ(program.err, "");
}

TEST_F(PvecmQuorum, StatusOfOneOfThree) {
    program.cluster.view = view_of({1}, 3, 0xd);
    program.host.day = "Sun Nov 22 08:40:12 2026";
    EXPECT_EQ(program.run({"status"}), 2);
    EXPECT_EQ(program.out, recorded("status-1of3.txt"));
}

// As the tool prints it, and behind that who has to return.
TEST_F(PvecmQuorum, StatusWithLoweredVotes) {
    program.cluster.view = view_of({1}, 1, 0xd);
    program.host.day = "Sun Nov 22 08:40:13 2026";
    EXPECT_EQ(program.run({"status"}), 0);
    EXPECT_EQ(program.out, recorded("status-expected-1.txt") +
                               "\n"
                               "Expected votes are lowered\n"
                               "--------------------------\n"
                               "Configured votes: 3\n"
                               "In force:         1\n"
                               "Until return of:  pve2 (node 2, 1 vote), pve3 (node 3, 1 vote)\n");
    program.cluster.view = view_of({1, 2}, 2, 0x12);
    EXPECT_EQ(program.run({"status"}), 0);
    EXPECT_TRUE(program.out.ends_with("Until return of:  pve3 (node 3, 1 vote)\n"));
    program.cluster.view = view_of({1, 2, 3}, 3, 0x16);
    EXPECT_EQ(program.run({"status"}), 0);
    EXPECT_EQ(program.out.find("lowered"), std::string::npos);
}

TEST_F(PvecmQuorum, EveryFlagHasItsWord) {
    auto& view = program.cluster.view;
    view.sums.flags = pvecm::kTwoNode | pvecm::kQuorate | pvecm::kWaitForAll |
                      pvecm::kLastManStanding | pvecm::kAutoTieBreaker | pvecm::kAllowDownscale |
                      pvecm::kDeviceRegistered;
    EXPECT_EQ(program.run({"status"}), 0);
    EXPECT_NE(program.out.find("\nFlags:            2Node Quorate WaitForAll LastManStanding "
                               "AutoTieBreaker AllowDownscale Qdevice \n"),
              std::string::npos);
}

TEST_F(PvecmQuorum, Nodes) {
    EXPECT_EQ(program.run({"nodes"}), 0);
    EXPECT_EQ(program.out, recorded("nodes-3.txt"));
    program.cluster.view.listed.clear();
    EXPECT_EQ(program.run({"nodes"}), 0);
    EXPECT_NE(program.out.find("         1          1 10.81.0.11 (local)\n"), std::string::npos);
}

TEST_F(PvecmQuorum, NodesWithADevice) {
    auto& view = program.cluster.view;
    const std::uint32_t casts =
        pvecm::kDeviceRegistered | pvecm::kDeviceAlive | pvecm::kDeviceCastsVote;
    view.members = {member(1, casts), member(2, casts | pvecm::kDeviceMasterWins), member(3)};
    view.members[0].device_votes = 1;
    view.members[0].device_name = "Qdevice";
    EXPECT_EQ(program.run({"nodes"}), 0);
    EXPECT_EQ(program.out, recorded("nodes-device-1.txt"));
    view.self = totem::NodeId{3};
    EXPECT_EQ(program.run({"nodes"}), 0);
    EXPECT_EQ(program.out, recorded("nodes-device-3.txt"));
}

TEST_F(PvecmQuorum, WithoutProvider) {
    auto& view = program.cluster.view;
    view.votequorum = false;
    view.members.clear();
    EXPECT_EQ(program.run({"nodes"}), 0);
    EXPECT_EQ(program.out, recorded("nodes-no-provider.txt"));
    EXPECT_EQ(program.run({"status"}), 1);
    EXPECT_EQ(program.err, "Unable to start votequorum status tracking: CS_ERR_BAD_HANDLE\n");
    EXPECT_EQ(program.run({"expected", "2"}), 1);
    EXPECT_EQ(program.err, "You cannot change expected votes, corosync is not using votequorum\n");
    EXPECT_FALSE(program.cluster.set_to);
}

TEST_F(PvecmQuorum, NoAnswer) {
    program.cluster.down = "Cannot initialize CMAP service";
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"status"}, {"nodes"}, {"expected", "1"}}) {
        EXPECT_EQ(program.run(words), 1);
        EXPECT_EQ(program.err, "Cannot initialize CMAP service\n");
        EXPECT_EQ(program.out, "");
    }
}

TEST_F(PvecmQuorum, WhatCouldNotBeFoundOutIsTold) {
    program.cluster.view.complaints = {"Unable to get node 3 info"};
    EXPECT_EQ(program.run({"status"}), 0);
    EXPECT_EQ(program.err, "Unable to get node 3 info\n");
}

TEST(PvecmStatus, NotInACluster) {
    Program program;
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"status"}, {"nodes"}, {"expected", "1"}}) {
        EXPECT_EQ(program.run(words), 255);
        EXPECT_EQ(program.err, "Error: Corosync config '" + program.config.path() +
                                   "' does not exist - is this node part of a cluster?\n");
    }
    EXPECT_EQ(program.cluster.looks, 0);
}

// ---- expected
// -------------------------------------------------------------------------------------

TEST_F(PvecmQuorum, ExpectedAsksWhenNodesAreMissing) {
    program.cluster.view = view_of({1}, 3, 0xd);
    EXPECT_EQ(program.run({"expected", "1"}, "yes\n"), 0);
    EXPECT_EQ(program.cluster.set_to, 1U);
    EXPECT_EQ(program.err, "Missing: pve2 (node 2, 1 vote), pve3 (node 3, 1 vote)\n");
    EXPECT_EQ(program.out,
              "If they run, cut off from this side, both sides will act on their own. Be sure "
              "that they are off.\n"
              "Expect 1 vote instead of 3 until they return? (yes/no) ");
    EXPECT_EQ(program.host.logged,
              std::vector<std::string>{"expected votes set from 3 to 1 by anna (sudo); missing "
                                       "nodes: pve2 (node 2, 1 vote), pve3 (node 3, 1 vote)"});
}

TEST_F(PvecmQuorum, ExpectedDoesNothingWithoutAYes) {
    program.cluster.view = view_of({1}, 3, 0xd);
    for (const std::string typed : {"no\n", "\n", "", "yesterday\n"}) {
        EXPECT_EQ(program.run({"expected", "1"}, typed), 255);
        EXPECT_FALSE(program.cluster.set_to);
        EXPECT_TRUE(program.err.ends_with(
            "expected votes are unchanged (in scripts: pvecm expected 1 -yes)\n"));
    }
    EXPECT_TRUE(program.host.logged.empty());
}

TEST_F(PvecmQuorum, ExpectedOfScripts) {
    program.cluster.view = view_of({1}, 3, 0xd);
    EXPECT_EQ(program.run({"expected", "1", "--yes"}), 0);
    EXPECT_EQ(program.cluster.set_to, 1U);
    EXPECT_EQ(program.out, "");
    EXPECT_EQ(program.err, "Missing: pve2 (node 2, 1 vote), pve3 (node 3, 1 vote)\n");
}

// The answer was about other nodes than are missing now.
TEST_F(PvecmQuorum, ExpectedAfterTheClusterHasChanged) {
    program.cluster.view = view_of({1}, 3, 0xd);
    program.cluster.later = view_of({1, 2}, 3, 0x12);
    EXPECT_EQ(program.run({"expected", "1"}, "yes\n"), 1);
    EXPECT_FALSE(program.cluster.set_to);
    EXPECT_TRUE(program.err.ends_with(
        "the cluster has changed meanwhile: nothing was done, look at it again\n"));
}

TEST_F(PvecmQuorum, ExpectedDoesNotAskWhenNothingIsAtStake) {
    EXPECT_EQ(program.run({"expected", "5"}), 0);  // nobody is missing
    EXPECT_EQ(program.cluster.set_to, 5U);
    EXPECT_EQ(program.out + program.err, "");
    program.cluster.view = view_of({1}, 2, 0x16);
    EXPECT_EQ(program.run({"expected", "3"}), 0);  // raised
    EXPECT_EQ(program.cluster.set_to, 3U);
    EXPECT_EQ(program.out + program.err, "");
}

// Lowering is for quorum: what does not give it is a mistake.
TEST_F(PvecmQuorum, ExpectedThatGivesNoQuorum) {
    program.cluster.view = view_of({1}, 3, 0xd);
    EXPECT_EQ(program.run({"expected", "2", "--yes"}), 1);
    EXPECT_EQ(program.err,
              "Unable to set expected votes: expecting 2 votes would need 2 present for quorum, "
              "and here there is 1: expect 1\n");
    EXPECT_FALSE(program.cluster.set_to);
    program.cluster.view = view_of({1, 2}, 7, 0xd);
    EXPECT_EQ(program.run({"expected", "4", "--yes"}), 1);
    EXPECT_TRUE(program.err.ends_with("and here there are 2: expect 2 to 3\n"));
}

TEST_F(PvecmQuorum, ExpectedThatTheEngineRefuses) {
    program.cluster.refusal = "Unable to set expected votes: CS_ERR_INVALID_PARAM";
    EXPECT_EQ(program.run({"expected", "1"}), 1);
    EXPECT_EQ(program.err, "Unable to set expected votes: CS_ERR_INVALID_PARAM\n");
    EXPECT_TRUE(program.host.logged.empty());
}

}  // namespace
