// ClusterWatch against the real doors of cmap and votequorum: nodes, votes, who breaks a tie, votes
// in force, and that what changes while it reads is read again.
#include "totem/client/cluster_watch.h"

#include <deque>

#include <gtest/gtest.h>

#include "tests/totem/client/daemons.h"
#include "totem/ipc/doors/cmap_door.h"
#include "votequorum/ipc/votequorum_door.h"

namespace {

using client_test::Door;
using totem::NodeId;
using totem::client::Cluster;
using totem::client::ClusterWatch;
using totem::client::ConfiguredNode;
using totem::client::Error;
using totem::group::CmapValue;
using totem::group::ConnectionId;

// One daemon with a configuration of three nodes, and the watch beside it.
class ClusterWatchTest : public ::testing::Test {
  protected:
    ClusterWatchTest() {
        ring.form(ring.all);
        set("totem.cluster_name", CmapValue::text("lab"));
        set("totem.config_version", CmapValue::u64(7));
        set_node(0, 3);
        set_node(1, 1);
        set_node(2, 2);
        set("nodelist.node.1.quorum_votes", CmapValue::u32(4));
        set("nodelist.node.1.name", CmapValue::text("first"));
    }
    void set(const std::string& key, CmapValue value) { map.set_internal(key, std::move(value)); }
    void set_node(std::uint32_t position, std::uint32_t id) {
        const std::string head = "nodelist.node." + std::to_string(position) + ".";
        set(head + "nodeid", CmapValue::u32(id));
        set(head + "ring0_addr", CmapValue::text("10.0.0." + std::to_string(id)));
    }
    void open() {
        step(totem::client::Open{});
        run();
    }
    totem::group::Door& door(Door which) {
        return which == Door::kCmap ? static_cast<totem::group::Door&>(cmap_door) : votes_door;
    }
    void step(const totem::client::Input& input) {
        effects.clear();
        watch.step(now, input, effects);
        if (effects.cluster) {
            told.push_back(*effects.cluster);
        }
        troubles += effects.troubles.size();
        for (const auto& action : std::exchange(effects.actions, {})) {
            perform(action);
        }
    }
    void perform(const totem::client::Action& action) {
        if (const auto* connect = std::get_if<totem::client::Connect>(&action)) {
            if (!up) {
                todo.emplace_back(totem::client::ConnectFailed{connect->door, Error::kLibrary});
                return;
            }
            door(connect->door).on_open(id(connect->door), 1, out());
            todo.emplace_back(totem::client::Connected{connect->door});
        } else if (const auto* gone = std::get_if<totem::client::Disconnect>(&action)) {
            door(gone->door).on_close(id(gone->door), out());
        } else {
            const auto& request = std::get<totem::client::Request>(action);
            ++requests;
            if (before_request) {
                before_request();
            }
            const bool taken =
                !full && door(request.door).on_request(id(request.door), request.bytes, out());
            if (taken) {
                todo.emplace_back(totem::client::Accepted{request.door});
            } else {
                todo.emplace_back(totem::client::NotTaken{request.door});
            }
        }
    }
    // Until the daemon has nothing more to say and nothing is due now.
    void run() {
        for (;;) {
            ring.settle(ring.all);
            map.flush(out());
            if (!todo.empty()) {
                const auto input = todo.front();
                todo.pop_front();
                step(input);
            } else if (!out().clients.empty()) {
                const auto message = out().clients.front();
                out().clients.erase(out().clients.begin());
                hand_in(message);
            } else {
                return;
            }
        }
    }
    void hand_in(const totem::group::ClientMessage& message) {
        totem::client::Bytes bytes(message.head.begin(), message.head.begin() + message.head_size);
        bytes.insert(bytes.end(), message.body.bytes().begin(), message.body.bytes().end());
        const Door which = message.connection == id(Door::kCmap) ? Door::kCmap : Door::kVotequorum;
        if (message.kind == totem::group::ClientMessage::Kind::kReply) {
            step(totem::client::Reply{which, bytes});
        } else {
            step(totem::client::Event{which, bytes});
        }
    }
    void pass(std::chrono::milliseconds time) {
        const auto end = now + time;
        while (effects.wake_at && *effects.wake_at <= end) {
            now = std::max(now, *effects.wake_at);
            step(totem::client::Wake{});
            run();
        }
        now = end;
    }
    static ConnectionId id(Door which) { return ConnectionId{100U + static_cast<unsigned>(which)}; }
    doors_test::FakeOutbox& out() { return ring.at(1).out; }

    client_test::Ring ring{3};
    totem::group::CmapStore map;
    totem::ipc::CmapDoor cmap_door{map};
    votequorum::VotequorumDoor votes_door{ring.at(1).votes};
    ClusterWatch watch;
    totem::client::ClusterEffects effects;
    std::deque<totem::client::Input> todo;
    totem::Instant now{};
    bool up = true;
    bool full = false;
    std::function<void()> before_request;
    std::vector<Cluster> told;
    std::size_t requests = 0;
    std::size_t troubles = 0;
};

TEST_F(ClusterWatchTest, TellsWhoHasHowManyVotes) {
    open();
    pass(std::chrono::seconds(1));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].self, NodeId{1});
    EXPECT_EQ(told[0].name, "lab");
    EXPECT_EQ(told[0].config_version, 7U);
    EXPECT_EQ(told[0].nodes, (std::vector<ConfiguredNode>{{NodeId{1}, 4, "first", "10.0.0.1"},
                                                          {NodeId{2}, 1, "10.0.0.2", "10.0.0.2"},
                                                          {NodeId{3}, 1, "10.0.0.3", "10.0.0.3"}}));
    EXPECT_EQ(told[0].tie_break, NodeId{1});
    EXPECT_EQ(told[0].expected_votes, 3U);
    EXPECT_EQ(troubles, 0U);
    pass(std::chrono::seconds(10));
    EXPECT_EQ(told.size(), 1U) << "the same is no news";
}

TEST_F(ClusterWatchTest, TieBreakerIsTheConfiguredOne) {
    set("quorum.auto_tie_breaker", CmapValue::u8(1));
    open();
    EXPECT_EQ(told.back().tie_break, NodeId{1}) << "lowest without a word";
    set("quorum.auto_tie_breaker_node", CmapValue::text("highest"));
    run();
    pass(std::chrono::milliseconds(100));
    EXPECT_EQ(told.back().tie_break, NodeId{3});
    set("quorum.auto_tie_breaker_node", CmapValue::text("9 2 3"));
    run();
    pass(std::chrono::milliseconds(100));
    EXPECT_EQ(told.back().tie_break, NodeId{2});
    set("quorum.auto_tie_breaker", CmapValue::u8(0));
    run();
    pass(std::chrono::milliseconds(100));
    EXPECT_EQ(told.back().tie_break, NodeId{1});
}

TEST_F(ClusterWatchTest, VotesInForceFollowTheAdministrator) {
    open();
    ASSERT_EQ(told.back().expected_votes, 3U);
    ring.form({NodeId{1}});
    ASSERT_TRUE(votes_door.on_request(id(Door::kVotequorum),
                                      totem::client::votequorum_set_expected(1), out()));
    run();
    pass(std::chrono::seconds(1));
    EXPECT_EQ(told.back().expected_votes, 1U);
}

// A device's vote is in force but nobody's here.
TEST_F(ClusterWatchTest, NoMoreVotesThanNodesHave) {
    map.erase_prefix_internal("nodelist.node.2");
    map.erase_internal("nodelist.node.1.quorum_votes");
    open();
    EXPECT_EQ(told.back().nodes.size(), 2U);
    EXPECT_EQ(told.back().expected_votes, 2U);
}

TEST_F(ClusterWatchTest, WhatChangesWhileItReadsIsReadAgain) {
    bool done = false;
    before_request = [&] {
        if (requests == 12 && !done) {  // in the middle of the list
            done = true;
            set("nodelist.node.0.quorum_votes", CmapValue::u32(9));
            set("totem.config_version", CmapValue::u64(8));
        }
    };
    open();
    EXPECT_TRUE(told.empty());
    pass(std::chrono::milliseconds(100));
    ASSERT_TRUE(done);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].config_version, 8U);
    EXPECT_EQ(told[0].nodes[2].votes, 9U);
}

TEST_F(ClusterWatchTest, ComesBackAfterTheDaemon) {
    open();
    up = false;
    for (const Door each : {Door::kCmap, Door::kVotequorum}) {
        door(each).on_close(id(each), out());
        step(totem::client::Disconnected{each});
    }
    run();
    EXPECT_TRUE(watch.cluster().has_value()) << "what was told stays true";
    pass(std::chrono::seconds(5));
    set("totem.config_version", CmapValue::u64(8));
    up = true;
    pass(std::chrono::seconds(2));
    EXPECT_EQ(told.back().config_version, 8U);
}

TEST_F(ClusterWatchTest, WhatIsNotTakenIsAskedAgain) {
    full = true;
    open();
    EXPECT_TRUE(told.empty());
    pass(std::chrono::milliseconds(50));
    full = false;
    pass(std::chrono::milliseconds(50));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].nodes.size(), 3U);
}

TEST_F(ClusterWatchTest, RubbishStartsTheConnectionOver) {
    open();
    step(totem::client::Event{Door::kVotequorum, {}});
    const totem::client::Bytes rubbish(30, std::byte{1});
    step(totem::client::Reply{Door::kVotequorum, rubbish});
    EXPECT_GT(troubles, 0U);
}

}  // namespace
