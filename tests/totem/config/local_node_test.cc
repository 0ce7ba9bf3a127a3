// Which node of the list this host is, and how the ring's parameters follow from the file.
#include <gtest/gtest.h>

#include "tests/totem/config/support.h"

namespace totem::config {
namespace {

std::string file(const std::string& nodes, const std::string& totem = "") {
    return "totem {\nversion: 2\ntransport: udpu\nsecauth: off\ncluster_name: c\n" + totem +
           "}\nnodelist {\n" + nodes + "}\n";
}

std::string node(unsigned id, const std::string& name, const std::string& address) {
    return "node {\nnodeid: " + std::to_string(id) + "\n" + (name.empty() ? "" : "name: " + name) +
           "\nring0_addr: " + address + "\n}\n";
}

// The id of the local node, 0 when none was found.
std::uint32_t local(const std::string& text, const HostFacts& facts) {
    const auto verdict = config_test::examine(text, "f", facts);
    return verdict.resolved ? raw(verdict.resolved->self) : 0;
}

HostFacts named(const std::string& hostname) {
    HostFacts facts;
    facts.hostname = hostname;
    return facts;
}

TEST(LocalNode, ByWholeNameThenCutThenShort) {
    const auto nodes = node(1, "a.b.c", "10.0.0.1") + node(2, "a.b", "10.0.0.2") +
                       node(3, "x.long", "10.0.0.3") + node(4, "", "10.0.0.4");
    EXPECT_EQ(local(file(nodes), named("a.b.c")), 1U);
    EXPECT_EQ(local(file(nodes), named("a.b.d")), 2U);
    EXPECT_EQ(local(file(nodes), named("x.other")), 3U);
    EXPECT_EQ(local(file(nodes), named("10.0.0.4")), 4U) << "ring0_addr stands in for the name";
    EXPECT_EQ(local(file(nodes), named("y")), 0U);
    EXPECT_EQ(local(file(nodes), named("")), 0U);
}

TEST(LocalNode, AddressComesFirst) {
    auto facts = named("a");
    facts.interfaces = {{"eth0", config_test::address("10.0.0.2"), 24, true}};
    EXPECT_EQ(local(file(node(1, "a", "10.0.0.1") + node(2, "b", "10.0.0.2")), facts), 2U);
}

// Several nodes on one host: all of 127.0.0.0/8 is local, so something must tell them apart.
TEST(LocalNode, SeveralOnOneHost) {
    auto facts = named("host");
    facts.interfaces = {{"lo", config_test::address("127.0.0.1"), 8, true}};
    const auto nodes = node(1, "", "127.0.0.1") + node(2, "", "127.0.0.2");
    EXPECT_EQ(local(file(nodes), facts), 0U);
    EXPECT_EQ(local(file(nodes, "nodeid: 2\n"), facts), 2U);
    const auto told =
        examine(parse(file(nodes), "f"), facts, {.seal_bytes = 0, .local_node = totem::NodeId{2}});
    ASSERT_TRUE(told.resolved);
    EXPECT_EQ(told.resolved->link.local.to_string(), "127.0.0.2");
    const auto wrong =
        examine(parse(file(nodes), "f"), facts, {.seal_bytes = 0, .local_node = totem::NodeId{3}});
    EXPECT_FALSE(wrong.resolved);
}

TEST(FrameSize, FitsIntoOnePacketWithEverythingAroundIt) {
    const auto size = [](const std::string& totem, const std::string& address) {
        const auto verdict = config_test::examine(
            "totem {\nversion: 2\ntransport: udpu\n" + totem +
            "}\nnodelist {\nnode {\nnodeid: 1\nring0_addr: " + address + "\n}\n}\n");
        return verdict.resolved ? verdict.resolved->ring.frame_data_max : 0;
    };
    EXPECT_EQ(size("secauth: off\n", "10.81.0.11"), 1500U - 28U - 90U);
    EXPECT_EQ(size("secauth: off\n", "fd00::11"), 1500U - 48U - 90U);
    EXPECT_EQ(size("secauth: on\n", "10.81.0.11"), 1500U - 28U - 90U - config_test::kSealBytes);
    EXPECT_EQ(size("secauth: off\nnetmtu: 9000\n", "10.81.0.11"), 9000U - 28U - 90U);
    EXPECT_EQ(size("secauth: off\nnetmtu: 4294967295\n", "10.81.0.11"), 0U);
}

// totem.md 2: the values of real rings of two and three nodes, and of one with token 5000.
TEST(Timers, AsCorosyncDerivesThem) {
    const auto timers = [](unsigned nodes, std::uint32_t token) {
        ClusterConfig config;
        config.nodes.resize(nodes);
        config.totem.timers.token = token;
        return effective_timers(config);
    };
    const auto two = timers(2, 0);
    EXPECT_EQ(two.token, 3000U);
    EXPECT_EQ(two.token_retransmit, 714U);
    EXPECT_EQ(two.hold, 561U);
    EXPECT_EQ(two.consensus, 3600U);
    const auto three = timers(3, 0);
    EXPECT_EQ(three.token, 3650U);
    EXPECT_EQ(three.token_retransmit, 869U);
    EXPECT_EQ(three.hold, 685U);
    EXPECT_EQ(three.consensus, 4380U);
    const auto four = timers(4, 5000);
    EXPECT_EQ(four.token, 6300U);
    EXPECT_EQ(four.token_retransmit, 1500U);
    EXPECT_EQ(four.hold, 1190U);
    EXPECT_EQ(four.consensus, 7560U);
}

}  // namespace
}  // namespace totem::config
