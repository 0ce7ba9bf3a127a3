// GroupClient against the real doors: joining, sending when there is no room, losing the daemon,
// leaving, and quorum that counts only for the ring that orders the messages.
#include "totem/client/group_client.h"

#include <gtest/gtest.h>

#include "tests/totem/client/daemons.h"

namespace {

using std::string_view_literals::operator""sv;
using client_test::Host;
using client_test::Nodes;
using client_test::Ring;
using totem::NodeId;
using totem::client::Door;
using totem::client::Error;
using totem::client::Process;
using totem::client::Reason;

totem::client::GroupClientOptions options(std::uint32_t pid) {
    return {.group = std::string("grp\0"sv), .pid = pid};
}

// Three daemons on one ring, a client beside each.
class GroupClientTest : public ::testing::Test {
  protected:
    GroupClientTest() {
        ring.form(ring.all);
        for (std::uint32_t node = 1; node <= 3; ++node) {
            hosts.push_back(std::make_unique<Host>(ring, node, options(100 + node)));
        }
    }
    Host& host(std::uint32_t node) { return *hosts.at(node - 1); }
    void run() {
        for (bool more = true; more;) {
            more = ring.settle(on_ring);
            for (const auto& each : hosts) {
                more = each->run() || more;
            }
        }
    }
    void join_all() {
        for (const auto& each : hosts) {
            each->step(totem::client::Open{});
            run();
        }
    }
    void form(const Nodes& members) {
        on_ring = members;
        ring.form(members);
        run();
    }
    // As often as it takes, for whoever waits.
    void wake_all() {
        for (int round = 0; round < 200; ++round) {
            for (const auto& each : hosts) {
                each->wake();
            }
            run();
        }
    }

    Ring ring{3};
    Nodes on_ring = ring.all;
    std::vector<std::unique_ptr<Host>> hosts;
};

TEST_F(GroupClientTest, JoinsAndFollowsMembers) {
    join_all();
    EXPECT_TRUE(host(1).client.joined());
    EXPECT_EQ(host(1).client.self(), (Process{NodeId{1}, 101}));
    ASSERT_EQ(host(1).take<totem::client::Joined>().size(), 1U);
    const auto changes = host(1).take<totem::client::Membership>();
    ASSERT_EQ(changes.size(), 3U);
    EXPECT_EQ(changes.back().members, (std::vector{Process{NodeId{1}, 101}, Process{NodeId{2}, 102},
                                                   Process{NodeId{3}, 103}}));
    EXPECT_EQ(changes.back().joined.at(0).reason, Reason::kJoin);
    const auto rings = host(3).take<totem::client::RingChanged>();
    ASSERT_EQ(rings.size(), 1U);
    EXPECT_EQ(rings[0].members, ring.all);
    EXPECT_TRUE(host(3).client.quorate());
    EXPECT_TRUE(host(3).take<totem::client::QuorumChanged>().back().quorate);
}

TEST_F(GroupClientTest, EverybodyDeliversInOneOrderWithOwnTags) {
    join_all();
    for (std::uint64_t i = 0; i < 30; ++i) {
        host(1).send(i, "a" + std::to_string(i));
        host(2).send(1000 + i, "b" + std::to_string(i));
        if (i % 7 == 0) {
            run();
        }
    }
    run();
    ASSERT_EQ(host(1).delivered.size(), 60U);
    EXPECT_EQ(host(1).delivered, host(2).delivered);
    EXPECT_EQ(host(1).delivered, host(3).delivered);
    std::uint64_t next = 0;
    for (const auto& tag : host(1).tags) {
        if (tag) {
            EXPECT_EQ(*tag, next++);
        }
    }
    EXPECT_EQ(next, 30U);
}

TEST_F(GroupClientTest, WhatIsNotTakenIsSentAgainInOrder) {
    doors_test::Dice dice(3);
    for (const auto& each : hosts) {
        each->full = [&] { return dice.one_in(2); };
    }
    for (const auto& each : hosts) {
        each->step(totem::client::Open{});
    }
    run();
    wake_all();
    std::vector<std::string> expected;
    for (std::uint64_t i = 0; i < 50; ++i) {
        expected.push_back(std::to_string(i));
        host(2).send(i, expected.back());
    }
    run();
    wake_all();
    EXPECT_EQ(host(2).delivered, expected);
    EXPECT_EQ(host(1).delivered, expected);
    EXPECT_EQ(host(2).client.queued(), 0U);
}

TEST_F(GroupClientTest, DaemonWithoutRoomLosesNothing) {
    join_all();
    ring.at(1).out.room = false;
    host(1).send(1, "kept");
    run();
    EXPECT_EQ(host(1).client.queued(), 1U);
    ring.at(1).out.room = true;
    host(1).wake();
    run();
    EXPECT_EQ(host(3).delivered, (std::vector<std::string>{"kept"}));
}

TEST_F(GroupClientTest, FullQueueRefuses) {
    auto few = options(100);
    few.queue_max = 2;
    Host lone(ring, 1, few);
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
        lone.send(tag, "x");
    }
    const auto refused = lone.take<totem::client::SendRefused>();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].tag, 3U);
}

TEST_F(GroupClientTest, LostConnectionNamesWhatIsUnresolvedAndRejoins) {
    join_all();
    host(1).send(1, "delivered");
    run();
    host(1).send(2, "accepted");
    host(1).run();  // taken by the daemon, not yet ordered
    host(1).full = [] { return true; };
    host(1).send(3, "queued");
    host(1).run();
    host(1).cut(Door::kCpg);
    EXPECT_FALSE(host(1).client.joined());
    EXPECT_FALSE(host(1).client.quorate());
    const auto unresolved = host(1).take<totem::client::Unresolved>();
    ASSERT_EQ(unresolved.size(), 1U);
    EXPECT_EQ(unresolved[0].tag, 2U);
    EXPECT_EQ(host(1).take<totem::client::Expelled>().size(), 1U);

    run();
    const auto changes = host(2).take<totem::client::Membership>();
    EXPECT_EQ(changes.back().left.at(0).reason, Reason::kProcessDown);
    host(1).full = nullptr;
    wake_all();
    EXPECT_TRUE(host(1).client.joined());
    EXPECT_TRUE(host(1).client.quorate());
    EXPECT_EQ(host(2).delivered, (std::vector<std::string>{"delivered", "accepted", "queued"}));
    EXPECT_EQ(host(1).tags.back(), std::optional<std::uint64_t>{3});
}

TEST_F(GroupClientTest, DaemonThatIsDownOrNotReadyIsTriedAgain) {
    Host& one = host(1);
    one.up = false;
    one.step(totem::client::Open{});
    one.run();
    ASSERT_TRUE(one.wake_at);
    EXPECT_EQ(*one.wake_at - one.now, std::chrono::seconds(1));
    one.refusal = Error::kTryAgain;
    one.wake();
    one.run();
    EXPECT_EQ(*one.wake_at - one.now, std::chrono::milliseconds(10));
    one.up = true;
    one.wake();
    run();
    EXPECT_TRUE(one.client.joined());
}

TEST_F(GroupClientTest, LeavesAfterWhatWasQueued) {
    join_all();
    host(1).send(1, "last words");
    host(1).step(totem::client::Leave{});
    run();
    EXPECT_EQ(host(2).delivered, (std::vector<std::string>{"last words"}));
    EXPECT_EQ(host(2).take<totem::client::Membership>().back().left.at(0).reason, Reason::kLeave);
    EXPECT_EQ(host(1).take<totem::client::Stopped>().size(), 1U);
    EXPECT_TRUE(host(1).take<totem::client::Unresolved>().empty());
    EXPECT_FALSE(host(1).client.joined());
    host(1).send(2, "too late");
    host(1).step(totem::client::Open{});
    run();
    EXPECT_TRUE(host(1).client.joined());
}

// Q5: what is said of another ring than the one that orders the messages does not count.
TEST_F(GroupClientTest, QuorumCountsForTheRingOfTheMessages) {
    join_all();
    EXPECT_TRUE(host(1).client.quorate());
    form({NodeId{1}});
    EXPECT_FALSE(host(1).client.quorate());
    form(ring.all);
    EXPECT_TRUE(host(1).client.quorate());
    EXPECT_EQ(host(1).take<totem::client::RingChanged>().back().ring, ring.at(1).ring);

    const totem::RingId other{NodeId{1}, 9999};
    doors_test::Request event =
        doors_test::Request(6, 52).u32(16, 1).u32(24, 1).u32(32, 1).u64(40, other.seq);
    host(1).step(totem::client::Event{Door::kQuorum, event.bytes()});
    EXPECT_FALSE(host(1).client.quorate());
    // The ring catches up with the notification.
    event = doors_test::Request(13, 44).u32(16, 1).u32(24, 1).u64(32, other.seq);
    host(1).news.clear();
    host(1).step(totem::client::Event{Door::kCpg, event.bytes()});
    EXPECT_TRUE(host(1).client.quorate());
    EXPECT_EQ(host(1).take<totem::client::QuorumChanged>().size(), 1U);
}

TEST_F(GroupClientTest, NoProviderIsTrouble) {
    Host& one = host(1);
    one.step(totem::client::Open{});
    one.step(totem::client::Connected{Door::kQuorum});
    one.step(totem::client::Reply{Door::kQuorum,
                                  doors_test::Request(5, 32).u32(16, 1).u32(24, 0).bytes()});
    const auto trouble = one.take<totem::client::Trouble>();
    ASSERT_EQ(trouble.size(), 1U);
    EXPECT_EQ(trouble[0].error, Error::kNotExist);
}

TEST_F(GroupClientTest, AnotherProcessInMyPlaceIsTrouble) {
    join_all();
    Host twin(ring, 1, options(101));
    twin.step(totem::client::Open{});
    while (twin.run()) {
    }
    const auto trouble = twin.take<totem::client::Trouble>();
    ASSERT_EQ(trouble.size(), 1U);
    EXPECT_EQ(trouble[0].error, Error::kExist);
}

// Any input in any order with any bytes: requests stay one at a time and nothing breaks.
// Node 2 is in another group; the clients of nodes 1 and 3 watch that one.
TEST_F(GroupClientTest, WatchesAGroupThatItIsNotIn) {
    auto watching = options(501);
    watching.watched = "other\0"sv;
    auto foreign = options(700);
    foreign.group = watching.watched;
    Host watcher(ring, 1, watching);
    Host other(ring, 2, foreign);
    const auto settle = [&] {
        for (bool more = true; more;) {
            more = ring.settle(on_ring);
            more = watcher.run() || more;
            more = other.run() || more;
        }
    };
    const auto told = [&] {
        settle();
        return watcher.take<totem::client::WatchedAre>();
    };
    watcher.step(totem::client::Open{});
    auto first = told();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_TRUE(first[0].members.empty());

    other.step(totem::client::Open{});
    EXPECT_TRUE(told().empty());  // nobody has asked yet
    watcher.wake();
    auto joined = told();
    ASSERT_EQ(joined.size(), 1U);
    EXPECT_EQ(joined[0].members, (std::vector{Process{NodeId{2}, 700}}));
    EXPECT_EQ(watcher.now, totem::Instant{std::chrono::seconds(1)});
    watcher.wake();
    EXPECT_TRUE(told().empty());  // the same again is no news

    on_ring = {NodeId{1}, NodeId{3}};
    ring.form(on_ring);
    auto alone = told();  // at once, for the ring changed
    ASSERT_EQ(alone.size(), 1U);
    EXPECT_TRUE(alone[0].members.empty());
}

TEST_F(GroupClientTest, WatchingHoldsUpNoMessage) {
    auto watching = options(501);
    watching.watched = "other\0"sv;
    Host watcher(ring, 1, watching);
    watcher.step(totem::client::Open{});
    for (bool more = true; more;) {
        more = ring.settle(on_ring);
        more = watcher.run() || more;
    }
    watcher.now = *watcher.wake_at;
    watcher.send(1, "a");  // now the question is due, and goes first
    watcher.send(2, "b");
    for (bool more = true; more;) {
        more = ring.settle(on_ring);
        more = watcher.run() || more;
    }
    EXPECT_EQ(watcher.delivered, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(watcher.wake_at > watcher.now);
}

// Else a host that has a deadline in the past goes round and round until the door has room again.
TEST_F(GroupClientTest, AQuestionWaitsAsLongAsTheDoorIsLeftAlone) {
    auto watching = options(501);
    watching.watched = "other\0"sv;
    Host watcher(ring, 1, watching);
    bool full = false;
    watcher.full = [&] { return full; };
    const auto settle = [&] {
        for (bool more = true; more;) {
            more = ring.settle(on_ring);
            more = watcher.run() || more;
        }
    };
    watcher.step(totem::client::Open{});
    settle();
    full = true;
    watcher.send(1, "a");
    settle();  // not taken: the door is left alone for a moment
    on_ring = {NodeId{1}, NodeId{3}};
    ring.form(on_ring);  // within which a question becomes due
    settle();
    EXPECT_EQ(watcher.wake_at, watcher.now + watching.try_again);
}

TEST_F(GroupClientTest, RubbishFromTheDaemon) {
    using totem::client::Input;
    doors_test::Dice dice(11);
    const std::vector<doors_test::Request> samples{
        doors_test::Request(7, 32).u32(16, 1).u32(24, 1),
        doors_test::Request(0, 24).u32(16, 1),
        doors_test::Request(0, 24).u32(16, 6),
        doors_test::Request(5, 32).u32(16, 1).u32(24, 1),
        doors_test::Request(4, 232)
            .u32(16, 1)
            .group(24, "g")
            .u32(160, 1)
            .u32(168, 1)
            .u32(184, 1)
            .u32(192, 101)
            .u32(208, 1)
            .u32(216, 101),
        doors_test::Request(5, 189).u32(16, 1).group(24, "g").u32(160, 5).u32(168, 1).u32(176, 101),
        doors_test::Request(13, 48).u32(16, 1).u32(40, 1),
        doors_test::Request(6, 56).u32(16, 1).u32(48, 1)};
    totem::client::GroupClient client(options(101));
    totem::client::Effects effects;
    totem::Instant now{};
    std::uint64_t joined = 0;
    for (int round = 0; round < 30000; ++round) {
        const Door door = dice.one_in(3) ? Door::kQuorum : Door::kCpg;
        const auto& sample = samples[dice.below(samples.size())].bytes();
        const auto bytes = dice.one_in(4) ? doors_test::mutated(sample, dice)
                                          : totem::client::Bytes(sample.begin(), sample.end());
        const std::array<Input, 11> inputs{totem::client::Open{},
                                           totem::client::Connected{door},
                                           totem::client::ConnectFailed{door, Error::kLibrary},
                                           totem::client::Disconnected{door},
                                           totem::client::Accepted{door},
                                           totem::client::NotTaken{door},
                                           totem::client::Reply{door, bytes},
                                           totem::client::Event{door, bytes},
                                           totem::client::Send{1, bytes, {}},
                                           totem::client::Leave{},
                                           totem::client::Wake{}};
        const std::size_t pick = dice.below(30);
        effects.clear();
        client.step(now, inputs.at(pick < inputs.size() ? pick : 6 + pick % 2), effects);
        now += std::chrono::milliseconds(dice.below(300));
        joined += client.joined() ? 1 : 0;
        ASSERT_LE(client.queued(), 1000U);
    }
    EXPECT_GT(joined, 0U);
}

}  // namespace
