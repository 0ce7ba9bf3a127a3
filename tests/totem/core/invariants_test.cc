// Every invariant catches the state that it forbids: one planted bug each.
#include "totem/core/invariants.h"

#include <functional>

#include <gtest/gtest.h>

namespace {

using totem::Instant;
using totem::RingId;
using totem::Seq;
using totem::Snapshot;
using totem::State;

Snapshot healthy() {
    Snapshot now;
    now.state = State::kOperational;
    now.started = true;
    now.ring = {.representative = totem::NodeId{1}, .seq = 12};
    now.installed_ring = now.ring;
    now.durable_bound = 1000;
    now.released = Seq{0xFFFFFFF0U};
    now.stable = Seq{0xFFFFFFF8U};
    now.delivered = Seq{2};
    now.aru = Seq{3};
    now.high_seq = Seq{5};
    now.max_messages = 17;
    now.self_in_proc = true;
    now.consensus_within_proc = true;
    now.wake_at = Instant{};
    return now;
}

TEST(Invariants, AHealthyNodeBreaksNone) {
    EXPECT_EQ(broken_invariant(healthy()), std::nullopt);
    EXPECT_EQ(broken_change(healthy(), healthy()), std::nullopt);
}

TEST(Invariants, EachCatchesItsBug) {
    const std::vector<std::pair<std::string, std::function<void(Snapshot&)>>> bugs = {
        {"R9", [](Snapshot& s) { s.aru = Seq{6}; }},
        {"R13", [](Snapshot& s) { s.high_seq = Seq{20'000}; }},
        {"R6", [](Snapshot& s) { s.delivered = Seq{0xFFFFFFE0U}; }},
        {"R6", [](Snapshot& s) { s.stable = Seq{0xFFFFFFE0U}; }},
        {"R5", [](Snapshot& s) { s.stable = Seq{4}; }},
        {"E6.3", [](Snapshot& s) { s.delivered = Seq{5}; }},
        {"E2.2", [](Snapshot& s) { s.installed_ring.seq = 8; }},
        {"R7", [](Snapshot& s) { s.sent_last = 18; }},
        {"M2",
         [](Snapshot& s) {
             s.commit_sent = true;
             s.durable_bound = 11;
         }},
        {"M6", [](Snapshot& s) { s.self_in_proc = false; }},
        {"M7", [](Snapshot& s) { s.self_failed = true; }},
        {"M3", [](Snapshot& s) { s.consensus_within_proc = false; }},
        {"R10", [](Snapshot& s) { s.holds_token = true; }},
        {"L8", [](Snapshot& s) { s.wake_at.reset(); }},
    };
    for (const auto& [rule, plant] : bugs) {
        Snapshot now = healthy();
        plant(now);
        const auto broken = broken_invariant(now);
        ASSERT_TRUE(broken) << rule;
        EXPECT_TRUE(broken->starts_with(rule + " ")) << rule << ": " << *broken;
    }
}

TEST(Invariants, EachForbiddenChangeIsCaught) {
    const std::vector<std::pair<std::string, std::function<void(Snapshot&)>>> bugs = {
        {"E2.7", [](Snapshot& s) { s.ring.seq = 11; }},
        {"E2.7", [](Snapshot& s) { s.installed_ring.seq = 11; }},
        {"M2", [](Snapshot& s) { s.durable_bound = 999; }},
        {"R6", [](Snapshot& s) { s.released = Seq{0xFFFFFFE0U}; }},
        {"R5", [](Snapshot& s) { s.stable = Seq{0xFFFFFFF1U}; }},
        {"E1.4", [](Snapshot& s) { s.delivered = Seq{1}; }},
        {"R3", [](Snapshot& s) { s.high_seq = Seq{4}; }},
        {"R1", [](Snapshot& s) { s.token_seq = Seq{0xFFFFFFFFU}; }},
        {"M5", [](Snapshot& s) { s.installed_ring.seq = s.ring.seq = 16; }},
    };
    for (const auto& [rule, plant] : bugs) {
        Snapshot now = healthy();
        plant(now);
        const auto broken = broken_change(healthy(), now);
        ASSERT_TRUE(broken) << rule;
        EXPECT_TRUE(broken->starts_with(rule + " ")) << rule << ": " << *broken;
    }
}

TEST(Invariants, AFailedRecoveryLeavesItsObligations) {
    Snapshot before = healthy();
    before.state = State::kRecovery;
    before.proved_complete = true;
    before.owed = 1;
    Snapshot now = before;
    now.state = State::kGather;
    now.proved_complete = false;
    now.behind_gap = 2;
    now.owed = 2;
    EXPECT_EQ(broken_change(before, now), std::nullopt);
    now.owed = 1;
    EXPECT_TRUE(broken_change(before, now)->starts_with("M11 "));
    now.behind_gap = 0;
    now.owed = 0;
    EXPECT_TRUE(broken_change(before, now)->starts_with("M11 "));
    now.owed = 1;
    EXPECT_EQ(broken_change(before, now), std::nullopt);
}

}  // namespace
