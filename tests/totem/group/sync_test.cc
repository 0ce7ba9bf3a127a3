// The synchronisation of services, and what of clients may be seen around it: group layers on rings
// made by hand.
#include "totem/group/sync.h"

#include <chrono>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/totem/group/layer_bus.h"
#include "tests/totem/group/probe_service.h"
#include "totem/group/messages.h"

namespace {

using group_test::bytes_of;
using group_test::LayerBus;
using group_test::ProbeDoor;
using group_test::ProbeService;
using std::chrono::milliseconds;
using std::chrono::seconds;
using totem::Duration;
using totem::NodeId;
using totem::RingId;
using totem::group::ClientOpened;
using totem::group::ClientRequest;
using totem::group::ConnectionId;
using totem::group::Notice;
using totem::group::ServiceId;
using totem::group::Sync;
using Log = std::vector<std::string>;

// Nodes with services 0 and 2 each, and a client at each service 2.
class Group {
  public:
    explicit Group(std::uint32_t nodes, std::size_t frame_data_max = 1382)
        : bus(nodes, frame_data_max) {
        for (std::uint32_t i = 1; i <= nodes; ++i) {
            members_.push_back(std::make_unique<Member>());
            bus.node(i).layer.add(members_.back()->zero);
            bus.node(i).layer.add(members_.back()->two);
            bus.node(i).layer.add(members_.back()->door);
            bus.step(bus.node(i), [&] {
                bus.node(i).layer.open(ClientOpened{ServiceId{2}, ConnectionId{1}, 77});
            });
        }
    }

    ProbeService& zero(std::uint32_t node) { return members_.at(node - 1)->zero; }
    ProbeService& two(std::uint32_t node) { return members_.at(node - 1)->two; }
    ProbeDoor& door(std::uint32_t node) { return members_.at(node - 1)->door; }
    bool send(std::uint32_t node, const std::string& text) {
        bool taken = false;
        bus.step(bus.node(node), [&] {
            taken = bus.node(node).layer.request({ConnectionId{1}, bytes_of(text)});
        });
        return taken;
    }
    std::size_t count(std::uint32_t node, Notice::Kind kind) {
        return static_cast<std::size_t>(
            std::ranges::count(bus.node(node).notices, kind, &Notice::kind));
    }

    LayerBus bus;

  private:
    struct Member {
        ProbeService zero{0};
        ProbeService two{2};
        ProbeDoor door{two};
    };
    std::vector<std::unique_ptr<Member>> members_;
};

TEST(Synchronisation, GoesThroughTheServicesInOrder) {
    Group group(1);
    group.zero(1).sync_text = "state of 0";
    EXPECT_FALSE(group.bus.node(1).layer.ready());
    group.bus.install({1});
    EXPECT_TRUE(group.bus.node(1).layer.synchronising());
    group.bus.settle();
    EXPECT_EQ(group.zero(1).take_log(), (Log{"transitional 1", "regular 1", "begin 1 1", "step",
                                             "1:state of 0", "activate", "complete"}));
    EXPECT_EQ(group.two(1).take_log(),
              (Log{"transitional 1", "regular 1", "begin 1 1", "step", "activate", "complete"}));
    EXPECT_TRUE(group.bus.node(1).layer.ready());
    EXPECT_FALSE(group.bus.node(1).layer.synchronising());
    EXPECT_EQ(group.count(1, Notice::Kind::kMembershipFormed), 1U);
    EXPECT_EQ(group.count(1, Notice::Kind::kSyncCompleted), 1U);
}

// What all others said in a round is known before anybody activates it, and no round begins before
// the last has ended everywhere.
TEST(Synchronisation, RoundsDoNotOverlap) {
    Group group(3);
    for (std::uint32_t node = 1; node <= 3; ++node) {
        group.zero(node).sync_text = "zero";
        group.two(node).sync_text = "two";
    }
    group.bus.install({1, 2, 3});
    group.bus.settle();
    for (std::uint32_t node = 1; node <= 3; ++node) {
        for (ProbeService* service : {&group.zero(node), &group.two(node)}) {
            const std::string text = service->sync_text;
            Log log = service->take_log();
            ASSERT_EQ(log.size(), 9U);
            std::sort(log.begin() + 4, log.begin() + 7);
            EXPECT_EQ(log, (Log{"transitional " + std::to_string(node), "regular 1,2,3",
                                "begin " + std::to_string(node) + " 1,2,3", "step", "1:" + text,
                                "2:" + text, "3:" + text, "activate", "complete"}));
        }
    }
}

// One service each is missing at two members: every member still sends a barrier for each id of the
// union, and both services come to their turns.
TEST(Synchronisation, ListsOfServicesMayDiffer) {
    LayerBus bus(3);
    ProbeService zero(0);
    ProbeService two(2);
    ProbeService five(5);
    ProbeService silent(7, false);
    bus.node(1).layer.add(zero);
    bus.node(1).layer.add(silent);
    bus.node(2).layer.add(two);
    bus.node(3).layer.add(five);
    bus.install({1, 2, 3});
    bus.settle();
    for (ProbeService* service : {&zero, &two, &five}) {
        const Log log = service->take_log();
        EXPECT_EQ((Log{log.end() - 3, log.end()}), (Log{"step", "activate", "complete"}));
    }
    EXPECT_EQ(silent.take_log(), (Log{"transitional 1", "regular 1,2,3", "complete"}));
    for (std::uint32_t node = 1; node <= 3; ++node) {
        EXPECT_TRUE(bus.node(node).layer.ready());
    }
}

// wire.md 7 and 8: a real daemon lists {0, 2, 3, 5}; ids that we do not have are kept.
TEST(Synchronisation, SatisfiesTheDeployedDaemon) {
    Group group(2);
    group.bus.install({1, 2});
    auto& peer = group.bus.node(2);  // speaks by hand from here on
    const auto say = [&](std::span<const std::byte> message) {
        std::vector<std::byte> frame = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                                        std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0}};
        frame.push_back(static_cast<std::byte>(message.size() & 0xFFU));
        frame.push_back(static_cast<std::byte>(message.size() >> 8U));
        frame.insert(frame.end(), message.begin(), message.end());
        group.bus.inject(peer, frame);
    };
    const auto visit = [&] {
        const auto frame = group.bus.node(1).layer.source().take();
        group.bus.inject(group.bus.node(1), frame.frame.bytes().subspan(45));
    };
    const std::array<std::int32_t, 4> ids = {0, 2, 3, 5};
    say(totem::group::encode_service_build(peer.ring, ids));
    visit();
    for (int round = 0; round < 4; ++round) {
        EXPECT_FALSE(group.bus.node(1).layer.ready()) << round;
        say(totem::group::encode_barrier(RingId{NodeId{9}, 4}));  // of another ring: not counted
        say(totem::group::encode_barrier(peer.ring));
        say(totem::group::encode_barrier(peer.ring));  // one too many: not counted
        visit();
    }
    EXPECT_TRUE(group.bus.node(1).layer.ready());
}

TEST(Synchronisation, ANewConfigurationOvertakesIt) {
    Group group(3);
    group.zero(1).sync_text = std::string(5000, 'x');  // three frames and a half
    group.bus.install({1, 2});
    group.bus.rotate(1);
    group.bus.rotate(1);
    group.bus.rotate(1);
    EXPECT_FALSE(group.bus.node(1).layer.ready());
    group.zero(1).sync_text = "short";
    group.bus.install({1, 2, 3});
    EXPECT_EQ(group.bus.node(1).notices.back().nodes, std::vector{NodeId{3}});
    group.bus.settle();
    const Log log = group.zero(1).take_log();
    EXPECT_EQ(log, (Log{"transitional 1", "regular 1,2", "begin 1 1,2", "step", "transitional 1,2",
                        "abort", "regular 1,2,3", "begin 1,2 1,2,3", "step", "1:short", "activate",
                        "complete"}));
    for (std::uint32_t node = 1; node <= 3; ++node) {
        EXPECT_TRUE(group.bus.node(node).layer.ready());
        EXPECT_EQ(group.count(node, Notice::Kind::kSyncCompleted), 1U);
    }
}

TEST(Synchronisation, AServiceThatWaitsIsAskedAgain) {
    Group group(2);
    group.zero(1).waits = 2;
    group.zero(1).wake_after = milliseconds(10);
    group.bus.install({1, 2});
    group.bus.settle();
    EXPECT_FALSE(group.bus.node(2).layer.ready());
    EXPECT_EQ(group.bus.node(1).layer.wake_at(), group.bus.now + milliseconds(10));
    group.bus.advance(milliseconds(10));
    group.bus.settle();
    EXPECT_FALSE(group.bus.node(2).layer.ready());
    EXPECT_TRUE(group.send(1, "a client was heard"));
    group.bus.settle();
    EXPECT_TRUE(group.bus.node(2).layer.ready());
}

// properties.md L8.
TEST(Synchronisation, SaysForWhomItWaits) {
    Group group(3);
    group.zero(3).waits = 1'000;
    group.bus.install({1, 2, 3});
    group.bus.settle();
    group.bus.advance(milliseconds(4'999));
    EXPECT_EQ(group.count(1, Notice::Kind::kSyncWaiting), 0U);
    for (int i = 1; i <= 3; ++i) {
        group.bus.advance(seconds(5));
        for (std::uint32_t node = 1; node <= 3; ++node) {
            ASSERT_EQ(group.count(node, Notice::Kind::kSyncWaiting), std::size_t(i));
            EXPECT_EQ(group.bus.node(node).notices.back().nodes, std::vector{NodeId{3}});
            EXPECT_EQ(group.bus.node(node).notices.back().a, 4'999U + 5'000U * unsigned(i));
        }
    }
    group.zero(3).waits = 0;
    EXPECT_TRUE(group.send(3, "go on"));
    group.bus.settle();
    EXPECT_TRUE(group.bus.node(1).layer.ready());
    EXPECT_FALSE(group.bus.node(1).layer.wake_at());
}

// ---- clients around a configuration change
// --------------------------------------------------------

// properties.md E3b: what is not yet sent when the ring changes waits for the end of the
// synchronisation, and comes then.
TEST(Clients, AreNotHeardDuringASynchronisation) {
    Group group(2);
    group.bus.install({1});
    group.bus.settle();
    static_cast<void>(group.two(1).take_log());
    EXPECT_TRUE(group.send(1, "before"));
    group.bus.install({1, 2});
    EXPECT_TRUE(group.send(1, "during"));
    group.bus.settle();
    for (std::uint32_t node = 1; node <= 2; ++node) {
        const Log log = group.two(node).take_log();
        EXPECT_EQ((Log{log.end() - 4, log.end()}),
                  (Log{"activate", "complete", "1:before", "1:during"}));
    }
}

// A message that was half sent when a member joined reaches old and new members, once each.
TEST(Clients, AMessageCutByAJoinReachesEverybodyOnce) {
    Group group(3);
    group.bus.install({1, 2});
    group.bus.settle();
    const std::string big = std::string(20'000, 'b');
    EXPECT_TRUE(group.send(1, big));
    EXPECT_TRUE(group.send(1, "after"));
    group.bus.rotate(5);
    group.bus.install({1, 2, 3});
    group.bus.settle();
    for (std::uint32_t node = 1; node <= 3; ++node) {
        const Log log = group.two(node).take_log();
        EXPECT_EQ(std::ranges::count(log, "1:" + big), 1) << node;
        EXPECT_EQ(log.back(), "1:after");
    }
}

TEST(Clients, AMessageCutByALossOfAMemberGoesOn) {
    Group group(3);
    group.bus.install({1, 2, 3});
    group.bus.settle();
    const std::string big = std::string(20'000, 'b');
    EXPECT_TRUE(group.send(1, big));
    EXPECT_TRUE(group.send(3, big));
    group.bus.rotate(5);
    group.bus.install({1, 2});
    group.bus.settle();
    for (std::uint32_t node = 1; node <= 2; ++node) {
        const Log log = group.two(node).take_log();
        EXPECT_EQ(std::ranges::count(log, "1:" + big), 1) << node;
        EXPECT_EQ(std::ranges::count(log, "3:" + big), 0) << node;
    }
    // Node 3 comes back alone first, then with the others: its message is sent from its beginning.
    group.bus.install({3});
    group.bus.settle();
    EXPECT_TRUE(group.send(3, big));
    group.bus.rotate(5);
    group.bus.install({1, 2, 3});
    group.bus.settle();
    for (std::uint32_t node = 1; node <= 3; ++node) {
        const Log log = group.two(node).take_log();
        EXPECT_EQ(std::ranges::count(log, "3:" + big), node == 3 ? 2 : 1) << node;
    }
}

// The head of a message can be the last that is delivered of a member that is gone, in the
// transitional configuration; what it says when it is back must not be taken for the rest.
TEST(Clients, TheLastWordsOfADepartedMemberAreForgotten) {
    Group group(2);
    group.bus.install({1, 2});
    group.bus.settle();
    group.bus.rest_of_old_ring = [](group_test::BusNode& at) {
        const std::string head("\0\0\0\0\1\0\1\0\4\0half", 14);
        at.layer.on_delivery(totem::DeliveredMessage{
            NodeId{2}, totem::Guarantee::kAgreed, {}, {}, at.pool.copy(bytes_of(head))});
    };
    group.bus.install({1});
    group.bus.rest_of_old_ring = nullptr;
    group.bus.settle();
    group.bus.install({1, 2});
    group.bus.settle();
    EXPECT_TRUE(group.send(2, "back again"));
    group.bus.settle();
    EXPECT_EQ(group.two(1).log.back(), "2:back again");
}

// Random rings, messages and cuts: in each life of a ring every member delivers the same messages
// of clients between the ends of two synchronisations, nothing twice, and nothing accepted is lost
// at its own sender.
TEST(Clients, AgreeUnderRandomConfigurations) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        std::mt19937_64 random(seed);
        Group group(4, 200);
        std::map<std::uint32_t, Log> sent;
        for (int step = 0; step < 120; ++step) {
            const auto node = static_cast<std::uint32_t>(1 + random() % 4);
            if (random() % 8 == 0) {
                std::vector<std::uint32_t> left;
                std::vector<std::uint32_t> right;
                const auto cut = random();
                for (std::uint32_t i = 1; i <= 4; ++i) {
                    ((cut >> i) % 3 == 0 ? left : right).push_back(i);
                }
                for (const auto& side : {left, right}) {
                    if (!side.empty()) {
                        group.bus.install(side);
                    }
                }
            } else if (random() % 2 == 0 && group.bus.node(node).layer.ready()) {
                const std::string text =
                    "m" + std::to_string(step) + std::string(random() % 2'000, '.');
                EXPECT_TRUE(group.send(node, text));
                sent[node].push_back(std::to_string(node) + ":" + text);
            } else {
                group.bus.rotate(1 + random() % 4);
            }
        }
        group.bus.install({1, 2, 3, 4});
        group.bus.settle();
        for (std::uint32_t node = 1; node <= 4; ++node) {
            Log own;
            for (const auto& entry : group.two(node).log) {
                if (entry.starts_with(std::to_string(node) + ":")) {
                    own.push_back(entry);
                }
            }
            EXPECT_EQ(own, sent[node]) << "seed " << seed << " node " << node;
            EXPECT_EQ(group.count(node, Notice::Kind::kMalformedMessage), 0U);
        }
    }
}

// ---- doors
// ----------------------------------------------------------------------------------------

TEST(Doors, GetWhatIsTheirs) {
    Group group(1);
    auto& node = group.bus.node(1);
    group.bus.step(node, [&] {
        node.layer.open({ServiceId{9}, ConnectionId{2}, 1});  // no such door
        node.layer.close(ConnectionId{2});
        EXPECT_TRUE(node.layer.request({ConnectionId{2}, {}}));
        node.layer.open({ServiceId{2}, ConnectionId{3}, 78});
        node.layer.close(ConnectionId{1});
        node.layer.close(ConnectionId{1});
    });
    EXPECT_EQ(group.door(1).log, (Log{"open 1 77", "open 3 78", "close 1"}));
}

TEST(Doors, ARefusedRequestIsOfferedAgainOnceTheQueueMoved) {
    Group group(1);
    auto& layer = group.bus.node(1).layer;
    group.bus.install({1});
    group.bus.settle();
    const std::string big(500'000, 'x');
    while (group.send(1, big)) {
        EXPECT_TRUE(layer.room_available());
    }
    EXPECT_FALSE(layer.room_available());
    EXPECT_EQ(layer.send_level(), totem::group::SendLevel::kCritical);
    group.bus.rotate(1);
    EXPECT_TRUE(layer.room_available());
    group.bus.settle();
    EXPECT_TRUE(group.send(1, big));
}

// ---- malformed messages
// ---------------------------------------------------------------------------

TEST(Multiplexer, DropsWhatIsMalformedAndSaysSo) {
    Group group(2);
    group.bus.install({1, 2});
    group.bus.settle();
    const auto before = group.two(1).log.size();
    const auto frame_of = [](const std::string& message) {
        std::string frame("\0\0\0\0\0\0\1\0", 8);
        frame += static_cast<char>(message.size() & 0xFFU);
        frame += static_cast<char>(message.size() >> 8U);
        return frame + message;
    };
    const auto head = [](std::uint16_t service, std::uint32_t size) {
        return group_test::text_of(totem::group::encode_services_head({service, 3, size}));
    };
    const std::vector<std::string> bad = {
        "rubbish",                            // no packed frame
        frame_of(std::string("\1", 1)),       // no group prefix
        frame_of(head(2, 16).substr(0, 12)),  // half a header
        frame_of(head(2, 17)),                // promises more than there is
        frame_of(head(2, 15)),                // less than a header
        frame_of(head(2, 0xFFFFFFFFU)),
        frame_of(std::string("\1\0\4\0sync....", 12)),
    };
    for (const auto& frame : bad) {
        group.bus.inject(group.bus.node(2), bytes_of(frame));
    }
    EXPECT_EQ(group.count(1, Notice::Kind::kMalformedMessage), bad.size());
    // Not for us, so not wrong: a service that is not loaded, our own filler, another group.
    for (const auto& frame : {frame_of(head(6, 0)), frame_of(head(32, 16)), frame_of(head(63, 1)),
                              frame_of(std::string("\1\0\1\0b", 5))}) {
        group.bus.inject(group.bus.node(2), bytes_of(frame));
    }
    EXPECT_EQ(group.count(1, Notice::Kind::kMalformedMessage), bad.size());
    EXPECT_EQ(group.two(1).log.size(), before);
    group.bus.inject(group.bus.node(2), bytes_of(frame_of(head(2, 16) + "tail")));
    EXPECT_EQ(group.two(1).log.back(), "2:");
}

// A barrier in our own name that we never sent (possible only without authentication).
TEST(Sync, AForgedBarrierOfOursChangesNothing) {
    Sync sync(NodeId{1});
    const RingId ring{NodeId{1}, 4};
    const std::array members = {NodeId{1}, NodeId{2}};
    const std::array<std::int32_t, 1> ids = {2};
    sync.begin(ring, members, totem::Instant{});
    EXPECT_FALSE(sync.on_barrier(NodeId{1}, ring));  // before all lists are here
    EXPECT_FALSE(sync.on_service_build(NodeId{1}, ring, ids));
    EXPECT_FALSE(sync.on_service_build(NodeId{1}, ring, ids));
    EXPECT_FALSE(sync.on_service_build(NodeId{3}, ring, ids));
    EXPECT_TRUE(sync.on_service_build(NodeId{2}, ring, ids));
    EXPECT_FALSE(sync.on_barrier(NodeId{2}, ring));
    EXPECT_FALSE(sync.on_barrier(NodeId{1}, ring));
    EXPECT_EQ(sync.missing(), std::vector{NodeId{1}});
    sync.turn_done();
    EXPECT_FALSE(sync.on_barrier(NodeId{1}, RingId{NodeId{1}, 8}));  // of another ring
    EXPECT_TRUE(sync.on_barrier(NodeId{1}, ring));
}

}  // namespace
