// Whole stacks: the ring protocol below, services and clients above.
#include "totem/group/stack.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/totem/group/probe_service.h"
#include "tests/totem/group/stack_ring.h"

namespace {

using group_test::bytes_of;
using group_test::Input;
using group_test::ProbeDoor;
using group_test::ProbeService;
using group_test::StackRing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using totem::NodeId;
using totem::group::ClientOpened;
using totem::group::ClientRequest;
using totem::group::ConnectionId;
using totem::group::HostReply;
using totem::group::Notice;
using totem::group::ServiceId;
using Log = std::vector<std::string>;

// Stacks with one synchronising service, its door (service 1, so that the host's replies reach it)
// and one client each.
class Cluster {
  public:
    explicit Cluster(std::uint32_t nodes) : ring(nodes), nodes_(nodes) {
        for (std::uint32_t i = 1; i <= nodes; ++i) {
            parts_.push_back(std::make_unique<Parts>());
            ring.member(i).stack.add(parts_.back()->service);
            ring.member(i).stack.add(parts_.back()->door);
        }
    }

    void start_all() {
        for (std::uint32_t i = 1; i <= nodes_; ++i) {
            ring.start(i);
            ring.step(i, ClientOpened{ServiceId{1}, ConnectionId{1}, 1});
        }
    }
    // All of `numbers` are on one ring of their own and synchronised.
    bool form(const std::vector<std::uint32_t>& numbers) {
        return ring.run_until([&] { return formed(numbers); }, seconds(30));
    }
    bool send(std::uint32_t number, const std::string& text) {
        ring.step(number, ClientRequest{ConnectionId{1}, bytes_of(text)});
        return ring.member(number).stack.request_taken();
    }
    ProbeService& service(std::uint32_t number) { return parts_.at(number - 1)->service; }
    ProbeDoor& door(std::uint32_t number) { return parts_.at(number - 1)->door; }
    // Messages of clients that a node has delivered.
    Log messages(std::uint32_t number) {
        Log messages;
        for (const std::string& line : service(number).log) {
            if (line.find(':') != std::string::npos) {
                messages.push_back(line);
            }
        }
        return messages;
    }

    StackRing ring;

  private:
    struct Parts {
        ProbeService service{1};
        ProbeDoor door{service};
    };

    bool formed(const std::vector<std::uint32_t>& numbers) {
        std::string members;
        for (const std::uint32_t number : numbers) {
            members += (members.empty() ? "" : ",") + std::to_string(number);
        }
        return std::ranges::all_of(numbers, [&](std::uint32_t number) {
            const auto& stack = ring.member(number).stack;
            const Log& log = service(number).log;
            const auto last = std::find_if(log.rbegin(), log.rend(), [](const std::string& line) {
                return line.starts_with("regular ");
            });
            return stack.ready() && !stack.synchronising() && last != log.rend() &&
                   *last == "regular " + members &&
                   stack.node().ring() == ring.member(numbers.front()).stack.node().ring();
        });
    }

    std::uint32_t nodes_;
    std::vector<std::unique_ptr<Parts>> parts_;
};

TEST(Stack, OneNodeSynchronisesWithItself) {
    Cluster cluster(1);
    EXPECT_FALSE(cluster.ring.member(1).stack.ready());
    cluster.start_all();
    ASSERT_TRUE(cluster.form({1}));
    const auto& notices = cluster.ring.member(1).notices;
    ASSERT_EQ(notices.size(), 2U);
    EXPECT_EQ(notices[0].kind, Notice::Kind::kMembershipFormed);
    EXPECT_EQ(notices[0].nodes, std::vector{NodeId{1}});
    EXPECT_EQ(notices[1].kind, Notice::Kind::kSyncCompleted);
    EXPECT_TRUE(cluster.send(1, "to myself"));
    ASSERT_TRUE(
        cluster.ring.run_until([&] { return !cluster.messages(1).empty(); }, milliseconds(10)));
    EXPECT_EQ(cluster.messages(1), Log{"1:to myself"});
}

TEST(Stack, AllDeliverTheSameInTheSameOrder) {
    Cluster cluster(3);
    cluster.start_all();
    ASSERT_TRUE(cluster.form({1, 2, 3}));
    for (int i = 0; i < 300; ++i) {
        const auto from = static_cast<std::uint32_t>(1 + i % 3);
        ASSERT_TRUE(cluster.send(
            from, "m" + std::to_string(i) + std::string(i % 7 == 0 ? 9'000U : 10U, '.')));
    }
    ASSERT_TRUE(cluster.ring.run_until(
        [&] {
            return cluster.messages(1).size() == 300 && cluster.messages(2).size() == 300 &&
                   cluster.messages(3).size() == 300;
        },
        seconds(5)));
    EXPECT_EQ(cluster.messages(1), cluster.messages(2));
    EXPECT_EQ(cluster.messages(1), cluster.messages(3));
}

// The ring sleeps between the tokens that its representative holds; what a client says then must
// not wait for the next one.
TEST(Stack, ARequestWakesAnIdleRing) {
    Cluster cluster(3);
    cluster.start_all();
    ASSERT_TRUE(cluster.form({1, 2, 3}));
    for (const std::uint32_t from : {1U, 2U, 3U}) {
        cluster.ring.run_for(seconds(3));
        const auto before = cluster.messages(2).size();
        EXPECT_TRUE(cluster.send(from, "hello"));
        EXPECT_TRUE(cluster.ring.run_until([&] { return cluster.messages(2).size() == before + 1; },
                                           milliseconds(5)))
            << from;
    }
}

TEST(Stack, ASafeMessageIsDeliveredToAll) {
    Cluster cluster(3);
    cluster.start_all();
    ASSERT_TRUE(cluster.form({1, 2, 3}));
    cluster.door(2).guarantee = totem::Guarantee::kSafe;
    EXPECT_TRUE(cluster.send(2, std::string(5'000, 's')));
    EXPECT_TRUE(cluster.ring.run_until(
        [&] {
            return cluster.messages(1).size() == 1 && cluster.messages(2).size() == 1 &&
                   cluster.messages(3).size() == 1;
        },
        seconds(2)));
}

// properties.md E3b and Q16's ground: nothing of a client between a configuration and the end of
// its synchronisation, whatever the moment of the cut; nothing lost at the sender, nothing twice.
TEST(Stack, ClientsAreKeptOutOfSynchronisations) {
    for (int cut = 0; cut < 40; ++cut) {
        Cluster cluster(3);
        cluster.start_all();
        ASSERT_TRUE(cluster.form({1, 2, 3}));
        for (int i = 0; i < 60; ++i) {
            ASSERT_TRUE(cluster.send(1, "m" + std::to_string(i) + std::string(3'000, '.')));
        }
        cluster.ring.run_for(std::chrono::microseconds(100 * cut));
        cluster.ring.member(3).side = 1;
        ASSERT_TRUE(cluster.form({1, 2})) << cut;
        ASSERT_TRUE(cluster.send(2, "now"));
        cluster.ring.member(3).side = 0;
        ASSERT_TRUE(cluster.form({1, 2, 3})) << cut;
        ASSERT_TRUE(cluster.send(1, "end"));
        ASSERT_TRUE(cluster.ring.run_until([&] { return cluster.service(3).log.back() == "1:end"; },
                                           seconds(5)));
        for (const std::uint32_t node : {1U, 2U}) {
            const Log messages = cluster.messages(node);
            EXPECT_EQ(messages.size(), 62U) << cut;
            EXPECT_TRUE(std::ranges::equal(messages, cluster.messages(1)));
        }
        for (const std::uint32_t node : {1U, 2U, 3U}) {
            bool closed = true;
            for (const std::string& line : cluster.service(node).log) {
                closed = line.starts_with("regular") || (closed && line != "complete");
                EXPECT_FALSE(closed && line.find(':') != std::string::npos) << node << " " << cut;
            }
        }
    }
}

TEST(Stack, AServiceIsWokenAtItsOwnTime) {
    Cluster cluster(1);
    cluster.service(1).waits = 1;
    cluster.service(1).wake_after = milliseconds(40);
    cluster.start_all();
    const auto waited = [&] { return cluster.service(1).waits == 0; };
    ASSERT_TRUE(cluster.ring.run_until(waited, seconds(30)));
    cluster.ring.run_for(milliseconds(39));
    EXPECT_FALSE(cluster.ring.member(1).stack.ready());
    cluster.ring.run_for(milliseconds(2));
    EXPECT_TRUE(cluster.ring.member(1).stack.ready());
}

TEST(Stack, HostRepliesReachTheDoorOfCfg) {
    Cluster cluster(1);
    cluster.ring.step(1, HostReply{42, 1});
    EXPECT_EQ(cluster.door(1).last_token, 42U);
}

TEST(Stack, NothingHappensAfterLeaving) {
    Cluster cluster(2);
    cluster.start_all();
    ASSERT_TRUE(cluster.form({1, 2}));
    cluster.ring.step(1, Input(totem::Leave{}));
    EXPECT_FALSE(cluster.ring.member(1).wake_at);
    EXPECT_TRUE(cluster.send(1, "too late"));
    EXPECT_FALSE(cluster.ring.member(1).wake_at);
    ASSERT_TRUE(cluster.form({2}));
    EXPECT_TRUE(cluster.messages(2).empty());
}

TEST(Stack, RubbishLeavesNoTrace) {
    Cluster cluster(2);
    cluster.start_all();
    ASSERT_TRUE(cluster.form({1, 2}));
    auto& member = cluster.ring.member(1);
    const auto before = member.stack.state_hash();
    for (const std::string& frame :
         {std::string("x"), std::string(60, '\0'), std::string(9'000, 'q')}) {
        cluster.ring.step(1, Input(totem::Received{{}, member.pool.copy(bytes_of(frame))}));
        EXPECT_EQ(member.stack.state_hash(), before);
    }
    ASSERT_TRUE(cluster.send(1, "something"));
    EXPECT_NE(member.stack.state_hash(), before);
}

}  // namespace
