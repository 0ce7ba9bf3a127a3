// The small rules of the token one by one: flow control, hold, stuck members, ring numbers, timers,
// the safe line (totem.md 2.1, 5.2 to 5.7; properties.md M2, R5, R7, R12).
#include <gtest/gtest.h>

#include "totem/core/flow_control.h"
#include "totem/core/ordering.h"
#include "totem/core/ring_numbers.h"
#include "totem/core/timers.h"
#include "totem/core/token_rules.h"
#include "totem/core/used_numbers.h"

namespace {

using std::chrono::milliseconds;
using totem::FlowControl;
using totem::FramePool;
using totem::Guarantee;
using totem::HoldRule;
using totem::Instant;
using totem::kNoNode;
using totem::NodeId;
using totem::Ordering;
using totem::OrfToken;
using totem::RingConfig;
using totem::RingId;
using totem::RingNumbers;
using totem::Seq;
using totem::StuckRule;
using totem::TimerId;
using totem::Timers;
using totem::UsedNumbers;

constexpr Instant kStart{};

// ---- flow control -------------------------------------------------------------------------------

TEST(FlowControl, ANodeAloneMaySendItsFullShare) {
    FlowControl flow;
    EXPECT_EQ(flow.allowance(RingConfig{}, OrfToken{}, 100), 17U);
}

TEST(FlowControl, TheRingsWindowLimitsEverybody) {
    FlowControl flow;
    OrfToken token;
    token.fcc = 45;
    EXPECT_EQ(flow.allowance(RingConfig{}, token, 100), 5U);
    token.fcc = 70;
    EXPECT_EQ(flow.allowance(RingConfig{}, token, 100), 0U) << "and never wraps";
}

TEST(FlowControl, TheShareFollowsThePartOfTheBacklog) {
    FlowControl flow;
    OrfToken token;
    static_cast<void>(flow.allowance(RingConfig{}, token, 10));
    flow.settle(token, 0);
    EXPECT_EQ(token.backlog, 10U);
    token.backlog += 90;  // of others
    EXPECT_EQ(flow.allowance(RingConfig{}, token, 10), 5U) << "50 * 10 / 100";
}

TEST(FlowControl, EveryNodeTakesBackWhatItAddedOneRotationEarlier) {
    FlowControl flow;
    OrfToken token;
    token.fcc = 3;
    static_cast<void>(flow.allowance(RingConfig{}, token, 8));
    flow.settle(token, 7);
    EXPECT_EQ(token.fcc, 10U);
    static_cast<void>(flow.allowance(RingConfig{}, token, 1));
    flow.settle(token, 2);
    EXPECT_EQ(token.fcc, 5U);
    EXPECT_EQ(token.backlog, 1U);
}

TEST(FlowControl, CountsNeverGoBelowZero) {
    FlowControl flow;
    OrfToken token;
    static_cast<void>(flow.allowance(RingConfig{}, token, 8));
    flow.settle(token, 7);
    token.fcc = 1;  // a faulty peer took too much out
    token.backlog = 0;
    static_cast<void>(flow.allowance(RingConfig{}, token, 0));
    flow.settle(token, 0);
    EXPECT_EQ(token.fcc, 0U);
    EXPECT_EQ(token.backlog, 0U);
}

// ---- hold ---------------------------------------------------------------------------------------

TEST(HoldRule, TheRepresentativeHoldsAfterMoreThanThirtyQuietVisits) {
    const RingConfig config;
    HoldRule rule;
    for (int visit = 0; visit <= 30; ++visit) {
        static_cast<void>(rule.visit(OrfToken{}));
        EXPECT_FALSE(rule.representative_holds(config));
    }
    EXPECT_TRUE(rule.member_believes_held(config)) << "a member believes it one visit earlier";
    static_cast<void>(rule.visit(OrfToken{}));
    EXPECT_TRUE(rule.representative_holds(config));
    rule.stir();
    EXPECT_FALSE(rule.representative_holds(config));
}

TEST(HoldRule, ATokenWithRequestsOrMissingMessagesIsNotQuiet) {
    const RingConfig config;
    HoldRule rule;
    OrfToken token;
    token.seq = Seq{5};
    token.aru = Seq{4};
    for (int visit = 0; visit < 40; ++visit) {
        static_cast<void>(rule.visit(token));
    }
    EXPECT_FALSE(rule.member_believes_held(config));
    token.aru = Seq{5};
    token.rtr.push_back({.ring = RingId{}, .seq = Seq{5}});
    for (int visit = 0; visit < 40; ++visit) {
        static_cast<void>(rule.visit(token));
    }
    EXPECT_FALSE(rule.member_believes_held(config));
}

TEST(HoldRule, TellsWhetherSeqMoved) {
    HoldRule rule;
    OrfToken token;
    EXPECT_FALSE(rule.visit(token)) << "the first token is news";
    EXPECT_TRUE(rule.visit(token));
    token.seq = Seq{1};
    EXPECT_FALSE(rule.visit(token));
}

// ---- fail to receive
// ------------------------------------------------------------------------------

// How many visits until the rule names a member; 0 when it never does.
int visits_until_named(NodeId self, milliseconds apart) {
    RingConfig config;
    config.self = self;
    config.fail_recv_const = 20;
    config.token = milliseconds(100);
    StuckRule rule;
    OrfToken token;
    token.aru_addr = NodeId{2};
    for (int visit = 1; visit <= 200; ++visit) {
        if (rule.visit(token, config, kStart + visit * apart) != kNoNode) {
            return visit;
        }
    }
    return 0;
}

TEST(StuckRule, TheMemberItselfNoticesBeforeTheOthers) {
    EXPECT_EQ(visits_until_named(NodeId{2}, milliseconds(50)), 22);
    EXPECT_EQ(visits_until_named(NodeId{1}, milliseconds(50)), 42);
}

TEST(StuckRule, VisitsAloneAreNotEnoughOnAFastRing) {
    EXPECT_EQ(visits_until_named(NodeId{2}, milliseconds(2)), 52)
        << "longer than the token timeout";
}

TEST(StuckRule, AnyProgressStartsTheCountAnew) {
    RingConfig config;
    config.self = NodeId{2};
    config.fail_recv_const = 3;
    StuckRule rule;
    OrfToken token;
    token.aru_addr = NodeId{2};
    for (std::uint32_t visit = 0; visit < 100; ++visit) {
        token.aru = Seq{visit / 3};
        ASSERT_EQ(rule.visit(token, config, kStart + visit * milliseconds(5000)), kNoNode);
    }
}

TEST(StuckRule, AnAruThatNobodyHoldsDownIsNotStuck) {
    RingConfig config;
    config.self = NodeId{2};
    config.fail_recv_const = 3;
    StuckRule rule;
    for (int visit = 0; visit < 100; ++visit) {
        ASSERT_EQ(rule.visit(OrfToken{}, config, kStart + visit * milliseconds(5000)), kNoNode);
    }
}

// ---- ring numbers -------------------------------------------------------------------------------

TEST(RingNumbers, ALifeStartsAboveWhatIsStoredAndWaitsForTheDisk) {
    RingNumbers numbers;
    numbers.start(40);
    EXPECT_EQ(numbers.own(), 41U);
    EXPECT_EQ(numbers.next(), 45U);
    EXPECT_FALSE(numbers.durable(41));
    EXPECT_EQ(numbers.bound_wanted(), 41U + RingNumbers::kReserve);
    EXPECT_EQ(numbers.bound_wanted(), std::nullopt) << "asked for once";
    numbers.persisted(41 + RingNumbers::kReserve);
    EXPECT_TRUE(numbers.durable(45));
}

TEST(RingNumbers, TheBoundIsRaisedBeforeItIsReached) {
    RingNumbers numbers;
    numbers.start(0);
    numbers.persisted(*numbers.bound_wanted());
    numbers.enter(500);
    EXPECT_EQ(numbers.bound_wanted(), std::nullopt);
    numbers.enter(600);
    EXPECT_TRUE(numbers.durable(600));
    EXPECT_EQ(numbers.bound_wanted(), 600 + RingNumbers::kReserve);
}

TEST(RingNumbers, ANumberHeardOfRaisesTheNextRing) {
    RingNumbers numbers;
    numbers.start(0);
    numbers.hear(1000);
    EXPECT_EQ(numbers.own(), 1U);
    EXPECT_EQ(numbers.next(), 1004U);
    numbers.hear(10);
    EXPECT_EQ(numbers.next(), 1004U);
}

TEST(RingNumbers, ADamagedFileCannotMakeTheNumberWrap) {
    RingNumbers numbers;
    numbers.start(~std::uint64_t{0});
    EXPECT_GT(numbers.own(), std::uint64_t{1} << 61U);
    EXPECT_GT(numbers.next(), numbers.own());
    EXPECT_LT(numbers.next() + RingNumbers::kReserve, RingNumbers::kLargest) << "rings still form";
}

TEST(RingNumbers, OneFrameCannotUseUpTheNumbers) {
    RingNumbers numbers;
    numbers.start(1000);
    EXPECT_TRUE(numbers.plausible(3));
    EXPECT_TRUE(numbers.plausible(std::uint64_t{1} << 41U)) << "a node that lost its file";
    EXPECT_FALSE(numbers.plausible(std::uint64_t{1} << 61U));
    EXPECT_FALSE(numbers.plausible(~std::uint64_t{0}));
}

// ---- timers -------------------------------------------------------------------------------------

// The daemon and the simulator ask the same rule (tests/totem/daemon/ring_number_memo_test.cc has
// the daemon's memory around it).
TEST(UsedNumbers, AreBelievedWhenNobodyElseCanHaveUsedAHigherOne) {
    const UsedNumbers numbers{.used = 40, .asked = 2048, .durable = 1024};
    EXPECT_EQ(numbers.of_last_life(1024), 40U);
    EXPECT_EQ(numbers.of_last_life(2048), 40U) << "written, and nobody heard of it";
    EXPECT_EQ(numbers.of_last_life(39), 40U) << "rolled back";
    EXPECT_EQ(numbers.of_last_life(0), 40U) << "rolled back to before the first bound";
    EXPECT_FALSE(numbers.of_last_life(512)) << "an older bound, or another daemon's";
    EXPECT_FALSE(numbers.of_last_life(4096)) << "another daemon's";
    EXPECT_FALSE(UsedNumbers{}.of_last_life(0)) << "no life before";
    EXPECT_FALSE(UsedNumbers{.used = totem::kRingNumberDamaged + 1}.of_last_life(0)) << "damage";
}

TEST(Timers, TheEarliestIsTheDeadlineAndComesFirst) {
    Timers timers;
    EXPECT_FALSE(timers.earliest());
    timers.start(TimerId::kTokenLoss, kStart, milliseconds(300));
    timers.start(TimerId::kJoin, kStart, milliseconds(50));
    EXPECT_EQ(timers.earliest(), kStart + milliseconds(50));
    EXPECT_FALSE(timers.take_due(kStart + milliseconds(49)));
    EXPECT_EQ(timers.take_due(kStart + milliseconds(400)), TimerId::kJoin);
    EXPECT_EQ(timers.take_due(kStart + milliseconds(400)), TimerId::kTokenLoss);
    EXPECT_FALSE(timers.earliest());
}

// The join would tell of sets that the consensus timer is about to change.
TEST(Timers, ConsensusGoesBeforeAJoinThatIsDueAtTheSameMoment) {
    Timers timers;
    const Instant now{};
    timers.start(TimerId::kJoin, now, milliseconds(50));
    timers.start(TimerId::kConsensus, now, milliseconds(50));
    EXPECT_EQ(timers.take_due(now + milliseconds(50)), TimerId::kConsensus);
    EXPECT_EQ(timers.take_due(now + milliseconds(50)), TimerId::kJoin);
}

TEST(Timers, AfterAPauseAllRunningOnesStartAgain) {
    Timers timers;
    timers.start(TimerId::kTokenLoss, kStart, milliseconds(300));
    timers.restart_all(kStart + milliseconds(1000));
    EXPECT_EQ(timers.earliest(), kStart + milliseconds(1300));
    EXPECT_FALSE(timers.running(TimerId::kJoin));
}

// ---- the safe line ------------------------------------------------------------------------------

class SafeLine : public ::testing::Test {
  protected:
    void store(std::uint32_t seq, Guarantee guarantee) {
        static_cast<void>(messages_.insert(
            Seq{seq}, {.frame = pool_.allocate(50), .from = NodeId{1}, .guarantee = guarantee}));
    }
    FramePool pool_;
    Ordering messages_;
};

TEST_F(SafeLine, ANumberMustLeaveAndComeBack) {
    messages_.reset(Seq{0});
    store(1, Guarantee::kSafe);
    messages_.token_received(Seq{1});
    EXPECT_EQ(messages_.stable(), Seq{0}) << "seen once: somebody may still lower it";
    messages_.token_sent(Seq{1});
    EXPECT_EQ(messages_.next_deliverable(), nullptr);
    messages_.token_received(Seq{1});
    EXPECT_EQ(messages_.stable(), Seq{1});
    EXPECT_NE(messages_.next_deliverable(), nullptr);
}

TEST_F(SafeLine, TheLowerOfTheTwoCounts) {
    messages_.reset(Seq{0});
    for (std::uint32_t seq = 1; seq <= 9; ++seq) {
        store(seq, Guarantee::kAgreed);
    }
    messages_.token_sent(Seq{9});
    messages_.token_received(Seq{4});
    EXPECT_EQ(messages_.stable(), Seq{4});
    messages_.token_sent(Seq{4});
    messages_.token_received(Seq{9});
    EXPECT_EQ(messages_.stable(), Seq{4});
}

TEST_F(SafeLine, AgreedMessagesWaitBehindASafeOne) {
    messages_.reset(Seq{0});
    store(1, Guarantee::kAgreed);
    store(2, Guarantee::kSafe);
    store(3, Guarantee::kAgreed);
    EXPECT_NE(messages_.next_deliverable(), nullptr);
    messages_.set_delivered(Seq{1});
    EXPECT_EQ(messages_.next_deliverable(), nullptr);
}

TEST_F(SafeLine, OnlyWhatIsDeliveredAndHeldByAllIsForgotten) {
    messages_.reset(Seq{0});
    store(1, Guarantee::kAgreed);
    store(2, Guarantee::kAgreed);
    messages_.token_sent(Seq{2});
    messages_.token_received(Seq{2});
    EXPECT_FALSE(messages_.release());
    messages_.set_delivered(Seq{1});
    EXPECT_TRUE(messages_.release());
    EXPECT_EQ(messages_.released(), Seq{1});
}

TEST_F(SafeLine, AGapIsRequestedAfterSoManyVisitsAndOnce) {
    messages_.reset(Seq{0});
    store(3, Guarantee::kAgreed);
    OrfToken token;
    token.seq = Seq{3};
    std::vector<std::uint32_t> asked;
    const auto note = [&](Seq seq) { asked.push_back(seq.value); };
    for (int visit = 0; visit < 4; ++visit) {
        messages_.request_gaps(token, 5, note);
    }
    EXPECT_TRUE(asked.empty());
    messages_.request_gaps(token, 5, note);
    messages_.request_gaps(token, 5, note);
    EXPECT_EQ(asked, (std::vector<std::uint32_t>{1, 2})) << "listed already: not listed twice";
    EXPECT_EQ(token.rtr.size(), 2U);
}

TEST_F(SafeLine, TheRequestListNeverOverflows) {
    messages_.reset(Seq{0});
    OrfToken token;
    token.seq = Seq{1000};
    for (int visit = 0; visit < 10; ++visit) {
        messages_.request_gaps(token, 1, [](Seq) {});
    }
    EXPECT_EQ(token.rtr.size(), totem::kRtrEntriesMax);
}

}  // namespace
