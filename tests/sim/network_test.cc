#include <chrono>

#include <gtest/gtest.h>

#include "sim/packet_network.h"

namespace {

using namespace std::chrono_literals;
using sim::Fault;
using sim::FaultKind;
using sim::Instant;
using sim::PacketNetwork;
using totem::FrameType;

sim::Options three_nodes() {
    sim::Options options;
    options.nodes = 3;
    options.latency = {100us, 100us, sim::Tail::kExponential};
    return options;
}

std::uint32_t arrivals(PacketNetwork& network, std::uint32_t from, std::uint32_t to, int count) {
    std::uint32_t sum = 0;
    for (int i = 0; i < count; ++i) {
        sum += network.send(Instant{}, from, to, FrameType::kData, 100).count;
    }
    return sum;
}

TEST(PacketNetwork, WithoutFaultsEverythingArrivesOnceAndInOrder) {
    PacketNetwork network(three_nodes());
    Instant last{};
    for (int i = 0; i < 200; ++i) {
        const auto fate = network.send(Instant{}, 0, 1, FrameType::kData, 100);
        ASSERT_EQ(fate.count, 1U);
        EXPECT_GT(Instant{} + fate.copies[0].delay, last);
        last = Instant{} + fate.copies[0].delay;
    }
}

TEST(PacketNetwork, ACutIsOneWayUnlessItSaysBoth) {
    PacketNetwork network(three_nodes());
    Fault cut{FaultKind::kCut, 0s, 1s, 0b001, 0b010, 0, 0};
    network.begin(cut);
    EXPECT_EQ(arrivals(network, 0, 1, 10), 0U);
    EXPECT_EQ(arrivals(network, 1, 0, 10), 10U);
    EXPECT_EQ(arrivals(network, 0, 2, 10), 10U);
    network.end(cut);
    EXPECT_EQ(arrivals(network, 0, 1, 10), 10U);
    cut.value = 1;
    network.begin(cut);
    EXPECT_EQ(arrivals(network, 1, 0, 10), 0U);
}

TEST(PacketNetwork, LosesAboutAsMuchAsItShould) {
    PacketNetwork network(three_nodes());
    network.begin({FaultKind::kLoss, 0s, 1s, 0b111, 0b111, 300, 0});
    const std::uint32_t came = arrivals(network, 0, 1, 10000);
    EXPECT_GT(came, 6700U);
    EXPECT_LT(came, 7300U);
}

TEST(PacketNetwork, DropsTheNamedFrames) {
    PacketNetwork network(three_nodes());
    network.begin({FaultKind::kDropKind, 0s, 1s, 0b001, 0b010, 1, 2});
    EXPECT_EQ(network.send(Instant{}, 0, 1, FrameType::kOrfToken, 70).count, 1U);
    EXPECT_EQ(arrivals(network, 0, 1, 10), 8U);
}

TEST(PacketNetwork, ASlowInterfaceQueuesThenDrops) {
    PacketNetwork network(three_nodes());
    network.begin({FaultKind::kBandwidth, 0s, 1s, 0b001, 0, 100, 500});
    const auto first = network.send(Instant{}, 0, 1, FrameType::kData, 100);
    EXPECT_GE(first.copies[0].delay, 1ms);
    EXPECT_LT(arrivals(network, 0, 1, 100), 10U);
    EXPECT_EQ(arrivals(network, 1, 0, 100), 100U);
}

TEST(PacketNetwork, OneFaultLessLeavesOtherDecisionsAsTheyWere) {
    PacketNetwork with(three_nodes());
    PacketNetwork without(three_nodes());
    const Fault loss{FaultKind::kLoss, 0s, 1s, 0b001, 0b010, 300, 0};
    with.begin(loss);
    without.begin(loss);
    with.begin({FaultKind::kDuplicate, 0s, 1s, 0b001, 0b100, 500, 5});
    for (int i = 0; i < 500; ++i) {
        ASSERT_GE(with.send(Instant{}, 0, 2, FrameType::kData, 100).count, 1U);
        const auto a = with.send(Instant{}, 0, 1, FrameType::kData, 100);
        const auto b = without.send(Instant{}, 0, 1, FrameType::kData, 100);
        ASSERT_EQ(a.count, b.count);
        ASSERT_EQ(a.copies[0].delay, b.copies[0].delay);
    }
}

TEST(PacketNetwork, HealingConnectsOnlyTheCore) {
    PacketNetwork network(three_nodes());
    network.begin({FaultKind::kCut, 0s, 1s, 0b111, 0b111, 0, 0});
    network.heal(0b011);
    EXPECT_EQ(arrivals(network, 0, 1, 10), 10U);
    EXPECT_EQ(arrivals(network, 0, 2, 10), 0U);
    EXPECT_EQ(arrivals(network, 2, 1, 10), 0U);
}

}  // namespace
