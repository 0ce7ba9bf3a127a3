// What a reload changes, puts back and refuses (config.md 13).
#include "totem/config/reload.h"

#include <gtest/gtest.h>

#include "tests/totem/config/support.h"

namespace totem::config {
namespace {

const ResolveOptions kOptions{.seal_bytes = config_test::kSealBytes, .local_node = totem::kNoNode};

// Two nodes; `totem` and `rest` are added to section totem and behind the nodelist.
std::string file(const std::string& totem, const std::string& rest = "",
                 const std::string& second = "10.81.0.12") {
    return "totem {\nversion: 2\ncluster_name: c\nsecauth: off\n" + totem +
           "}\nnodelist {\nnode {\nnodeid: 1\nname: pve1\nring0_addr: 10.81.0.11\n}\n"
           "node {\nnodeid: 2\nname: pve2\nring0_addr: " +
           second + "\n}\n" + rest;
}

ReloadPlan reload(const std::string& before, const std::string& after) {
    auto running = config_test::examine(before);
    auto wanted = config_test::examine(after);
    EXPECT_TRUE(running.config && running.resolved);
    EXPECT_TRUE(wanted.config);
    return plan_reload({*running.config, *running.resolved}, *wanted.config, config_test::host(),
                       kOptions);
}

using Names = std::vector<std::string>;

TEST(Reload, NothingChanged) {
    const auto plan = reload(file("transport: udpu\n", "}\n"), file("transport: udpu\n", "}\n"));
    EXPECT_TRUE(plan.errors.empty());
    EXPECT_TRUE(plan.notices.empty());
    EXPECT_EQ(plan.next.resolved.nodes.size(), 2U);
}

TEST(Reload, NodeAddedMovesTheTimers) {
    const auto plan = reload(file("transport: udpu\n", "}\n"),
                             file("transport: udpu\nconfig_version: 2\n",
                                  "node {\nnodeid: 4\nname: pve4\nring0_addr: 10.81.0.14\n}\n}\n"));
    EXPECT_TRUE(plan.errors.empty());
    EXPECT_EQ(plan.next.resolved.nodes.size(), 3U);
    EXPECT_EQ(plan.next.resolved.ring.token.count(), 3650);
    EXPECT_EQ(plan.next.cluster.totem.config_version, 2U);
}

TEST(Reload, WhatCannotChangeIsPutBackWithANotice) {
    const auto plan = reload(
        file("transport: udpu\n", "}\nquorum {\nprovider: corosync_votequorum\ntwo_node: 1\n}\n"),
        file("transport: udp\nnetmtu: 1400\nip_version: ipv4\ntoken: 5000\n",
             "}\nquorum {\nwait_for_all: 0\n}\nsystem {\nsched_rr: no\n}\n"));
    EXPECT_TRUE(plan.errors.empty());
    EXPECT_EQ(
        plan.notices,
        (Names{"Modified entry 'totem.ip_version' in corosync.conf cannot be changed at run-time",
               "Modified entry 'totem.netmtu' in corosync.conf cannot be changed at run-time",
               "Modified entry 'totem.transport' in corosync.conf cannot be changed at run-time",
               "Modified entry 'quorum.provider' in corosync.conf cannot be changed at run-time",
               "Modified entry 'system.sched_rr' in corosync.conf cannot be changed at run-time",
               "Modified entry 'quorum.wait_for_all' in corosync.conf cannot be changed at "
               "run-time"}));
    EXPECT_EQ(plan.next.resolved.transport, Transport::kUdpu);
    EXPECT_EQ(plan.next.resolved.ring.frame_data_max, 1382U);
    EXPECT_EQ(plan.next.resolved.ring.token.count(), 5000);
    EXPECT_TRUE(plan.next.cluster.system.sched_rr);
    EXPECT_EQ(plan.next.cluster.quorum.provider, "corosync_votequorum");
    EXPECT_EQ(plan.next.cluster.find("quorum.two_node"), nullptr);
    EXPECT_NE(plan.next.cluster.find("quorum.provider"), nullptr);
}

TEST(Reload, AddressOfANodeThatStaysIsRefused) {
    const auto plan =
        reload(file("transport: udpu\n", "}\n"), file("transport: udpu\n", "}\n", "10.81.0.15"));
    ASSERT_EQ(plan.errors.size(), 2U);
    EXPECT_EQ(plan.errors[0],
              "new config has different address for link 0 (addr changed from 10.81.0.12 to "
              "10.81.0.15). Internal value was NOT changed.");
}

TEST(Reload, OwnIdIsRefused) {
    const auto text = file("transport: udpu\n", "}\n");
    auto changed = text;
    changed.replace(changed.find("nodeid: 1"), 9, "nodeid: 7");
    EXPECT_EQ(reload(text, changed).errors.size(), 1U);
}

TEST(Reload, SealingCannotBeSwitched) {
    auto changed = file("transport: udpu\n", "}\n");
    changed.replace(changed.find("secauth: off"), 12, "secauth: on");
    const auto plan = reload(file("transport: udpu\n", "}\n"), changed);
    EXPECT_EQ(
        plan.notices,
        Names{"Modified entry 'totem.secauth' in corosync.conf cannot be changed at run-time"});
    EXPECT_FALSE(plan.next.resolved.secauth);
}

TEST(Reload, TheKeyAndTheWordsForSealingCanChange) {
    auto before = file("transport: udpu\nkeyfile: /a\n", "}\n");
    auto after =
        file("transport: udpu\nkeyfile: /b\ncrypto_cipher: aes128\ncrypto_hash: sha256\n", "}\n");
    for (auto* text : {&before, &after}) {
        text->replace(text->find("secauth: off"), 12, "secauth: on");
    }
    const auto plan = reload(before, after);
    EXPECT_TRUE(plan.errors.empty());
    EXPECT_TRUE(plan.notices.empty());
    EXPECT_EQ(plan.next.cluster.totem.keyfile, "/b");
    EXPECT_TRUE(plan.next.resolved.secauth);
}

}  // namespace
}  // namespace totem::config
