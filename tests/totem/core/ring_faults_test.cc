// One fault at a time on rings of real cores: what is lost, who dies, what the disk does, and how
// long the ring needs (totem.md 4.5, 5, 6; properties.md L, M, R).
#include <gtest/gtest.h>

#include "tests/support/mini_ring.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using totem::Bytes;
using totem::Duration;
using totem::FrameType;
using totem::Guarantee;
using totem::NodeId;
using totem::State;
using totem::Trace;
using totem::TraceKind;
using totem::testing::Flight;
using totem::testing::MiniRing;

class RingFaults : public ::testing::Test {
  protected:
    void form(std::uint32_t count, MiniRing::Options options = {}) {
        options.mask = totem::kTraceAll;
        ring_ = std::make_unique<MiniRing>(options);
        ring_->on_trace = [this](NodeId node, const Trace& trace) {
            ++traced_[trace.kind];
            last_[{node, trace.kind}] = trace;
        };
        ring_->start_all(count);
        for (std::uint32_t id = 1; id <= count; ++id) {
            all_.push_back(id);
        }
        ASSERT_TRUE(ring_->form(all_));
        traced_.clear();
    }
    // Long enough for the representative to hold the token.
    void fall_idle() {
        ring_->run_for(seconds(2));
        traced_.clear();
    }
    Duration time_to(const std::function<bool()>& reached) {
        const auto begin = ring_->now();
        EXPECT_TRUE(ring_->run_until(reached));
        return ring_->now() - begin;
    }
    bool everybody_has(std::size_t messages) {
        return std::ranges::all_of(
            all_, [&](std::uint32_t id) { return ring_->messages(id).size() == messages; });
    }

    std::unique_ptr<MiniRing> ring_;
    std::vector<std::uint32_t> all_;
    std::map<TraceKind, int> traced_;
    std::map<std::pair<NodeId, TraceKind>, Trace> last_;
};

// ---- loss -------------------------------------------------------------------------------------

TEST_F(RingFaults, ALostMessageIsAskedForAndSentAgain) {
    form(3);
    bool lost = false;
    ring_->drop = [&](const Flight& flight) {
        const bool hit = !lost && flight.type == FrameType::kData && flight.to == NodeId{3};
        lost = lost || hit;
        return hit;
    };
    ring_->submit(1, "hello");
    ring_->submit(1, "world");
    ASSERT_TRUE(ring_->run_until([&] { return everybody_has(2); }, milliseconds(100)));
    EXPECT_EQ(traced_[TraceKind::kRequested], 1);
    EXPECT_EQ(traced_[TraceKind::kRetransmitted], 1);
    EXPECT_EQ(ring_->messages(3), ring_->messages(1));
}

TEST_F(RingFaults, ALostTokenIsSentAgainWithoutANewRing) {
    form(3);
    const auto before = ring_->node(1).ring();
    bool lost = false;
    ring_->drop = [&](const Flight& flight) {
        const bool hit = !lost && flight.type == FrameType::kOrfToken && flight.to == NodeId{2};
        lost = lost || hit;
        return hit;
    };
    ring_->run_for(seconds(3));
    EXPECT_TRUE(lost);
    EXPECT_TRUE(ring_->formed(all_));
    EXPECT_EQ(ring_->node(1).ring(), before);
    EXPECT_GE(traced_[TraceKind::kTokenRetransmitted], 1);
}

TEST_F(RingFaults, ALostCommitTokenCostsNoTokenTimeout) {
    form(2);
    int losses = 0;
    ring_->drop = [&](const Flight& flight) {
        return flight.type == FrameType::kCommitToken && flight.from != flight.to && ++losses <= 1;
    };
    ring_->input(1, totem::ForceGather{});
    EXPECT_LT(time_to([&] { return losses > 0 && ring_->formed(all_); }), milliseconds(300));
}

TEST_F(RingFaults, CopiesOfCommitTokensHaveNoEffect) {
    form(3);
    ring_->copies = [](const Flight& flight) {
        const Duration once = std::chrono::microseconds(100);
        return flight.type == FrameType::kCommitToken
                   ? std::vector<Duration>{once, once, once * 3, once * 8}
                   : std::vector<Duration>{once};
    };
    ring_->input(2, totem::ForceGather{});
    ASSERT_TRUE(ring_->run_until([&] { return traced_[TraceKind::kInstalled] == 3; }));
    ring_->run_for(seconds(1));
    EXPECT_EQ(traced_[TraceKind::kInstalled], 3);
    EXPECT_TRUE(ring_->formed(all_));
}

TEST_F(RingFaults, ANodeThatNeverReceivesIsExcludedAndTheOthersGoOn) {
    MiniRing::Options options;
    options.config.fail_recv_const = 50;
    options.config.token = milliseconds(200);
    options.config.token_retransmit = milliseconds(50);
    form(3, options);
    ring_->drop = [](const Flight& flight) {
        return flight.type == FrameType::kData && flight.to == NodeId{3};
    };
    ring_->submit(1, "never");
    ASSERT_TRUE(ring_->run_until(
        [&] {
            return ring_->formed({1, 2}) && ring_->formed({3});
        },
        seconds(2)));
    EXPECT_EQ(ring_->messages(2), std::vector<std::string>{"1:never"});
}

TEST_F(RingFaults, TheOthersExcludeANodeThatDoesNotNotice) {
    MiniRing::Options options;
    options.config.fail_recv_const = 50;
    options.config.token = milliseconds(200);
    options.config.token_retransmit = milliseconds(50);
    form(3, options);
    totem::RingConfig stubborn = options.config;
    stubborn.self = NodeId{3};
    stubborn.fail_recv_const = 1'000'000;
    ring_->input(3, totem::Reconfigure{.config = stubborn});
    ring_->drop = [](const Flight& flight) {
        return flight.type == FrameType::kData && flight.to == NodeId{3};
    };
    ring_->submit(1, "never");
    ASSERT_TRUE(ring_->run_until([&] { return ring_->formed({1, 2}); }, seconds(2)));
}

// ---- hold ---------------------------------------------------------------------------------------

TEST_F(RingFaults, AnIdleRingHoldsItsTokenAndDetectsMerges) {
    form(3);
    fall_idle();
    ring_->run_for(seconds(10));
    // One rotation per hold period (561 ms): three tokens.
    EXPECT_NEAR(traced_[TraceKind::kTokenReceived], 3 * 10'000 / 561, 6);
    EXPECT_NEAR(traced_[TraceKind::kMergeDetectSent], 10'000 / 561, 2);
}

TEST_F(RingFaults, NewsOfAnyNodeCancelTheHold) {
    form(3);
    for (std::uint32_t id = 1; id <= 3; ++id) {
        fall_idle();
        const std::size_t before = ring_->messages(1).size();
        ring_->submit(id, "news");
        EXPECT_LT(time_to([&] { return everybody_has(before + 1); }), milliseconds(2)) << id;
        EXPECT_EQ(traced_[TraceKind::kHoldCancelSent], id == 1 ? 0 : 1);
    }
}

TEST_F(RingFaults, NothingIsHeldWhileSomebodyMissesAMessage) {
    form(3);
    ring_->drop = [](const Flight& flight) {
        return flight.type == FrameType::kData && flight.to == NodeId{3};
    };
    ring_->submit(1, "missed");
    ring_->run_for(milliseconds(100));
    EXPECT_EQ(traced_[TraceKind::kTokenHeld], 0);
    ring_->drop = nullptr;
    EXPECT_TRUE(ring_->run_until([&] { return everybody_has(1); }, milliseconds(5)));
}

// ---- safe ---------------------------------------------------------------------------------------

TEST_F(RingFaults, ASafeMessageWaitsUntilEverybodyHoldsIt) {
    form(3);
    ring_->drop = [](const Flight& flight) {
        return flight.type == FrameType::kData && flight.to == NodeId{3};
    };
    ring_->submit(1, "agreed before");
    ring_->submit(1, "safe", Guarantee::kSafe);
    ring_->submit(1, "agreed behind");
    ring_->run_for(milliseconds(50));
    EXPECT_EQ(ring_->messages(1), std::vector<std::string>{"1:agreed before"});
    EXPECT_EQ(ring_->messages(2), std::vector<std::string>{"1:agreed before"});
    ring_->drop = nullptr;
    EXPECT_TRUE(ring_->run_until([&] { return everybody_has(3); }, milliseconds(10)));
}

TEST_F(RingFaults, AnUnstableSafeMessageIsDeliveredInTheTransitionalConfiguration) {
    form(3);
    ring_->drop = [](const Flight& flight) {
        return flight.type == FrameType::kData && flight.to == NodeId{3};
    };
    ring_->submit(1, "agreed");
    ring_->submit(1, "safe", Guarantee::kSafe);
    ring_->run_for(milliseconds(5));
    ring_->kill(3);
    ring_->drop = nullptr;
    ASSERT_TRUE(ring_->form({1, 2}));
    for (const std::uint32_t id : {1U, 2U}) {
        const auto lines = ring_->history(id);
        ASSERT_GE(lines.size(), 4U);
        EXPECT_EQ(lines[lines.size() - 4], "1:agreed");
        EXPECT_EQ(lines[lines.size() - 3].substr(0, 5), "trans");
        EXPECT_EQ(lines[lines.size() - 2], "1:safe");
        EXPECT_EQ(lines[lines.size() - 1].substr(0, 7), "regular");
    }
}

// ---- members come and go
// --------------------------------------------------------------------------

TEST_F(RingFaults, AKilledNodeIsGoneAfterTokenAndConsensusTimeouts) {
    form(3);
    ring_->kill(3);
    const Duration needed = time_to([&] { return ring_->formed({1, 2}); });
    EXPECT_GT(needed, milliseconds(3000 + 3600 - 600));
    EXPECT_LT(needed, milliseconds(3000 + 3600 + 100));
    EXPECT_EQ(last_[std::pair(NodeId{1}, TraceKind::kFailed)].peer, NodeId{3});
}

TEST_F(RingFaults, ALeavingNodeIsGoneAtOnce) {
    form(3);
    fall_idle();
    ring_->leave(3);
    EXPECT_LT(time_to([&] { return ring_->formed({1, 2}); }), milliseconds(60));
    EXPECT_GE(traced_[TraceKind::kLeft], 1);
    EXPECT_EQ(ring_->history(1).back().find("joined=()") == std::string::npos, false);
}

TEST_F(RingFaults, AllButOneLeaveAtOnce) {
    form(5);
    fall_idle();
    for (const std::uint32_t id : {1U, 2U, 4U, 5U}) {
        ring_->leave(id);
    }
    EXPECT_LT(time_to([&] { return ring_->formed({3}); }), milliseconds(60));
    EXPECT_EQ(traced_[TraceKind::kInstalled], 1);
}

TEST_F(RingFaults, ARestartedNodeIsSeenToLeaveAndToJoin) {
    form(3);
    fall_idle();
    ring_->kill(2);
    ring_->start(2);
    ASSERT_TRUE(ring_->form(all_));
    const auto lines = ring_->history(1);
    EXPECT_NE(lines[lines.size() - 2].find("left=(2)"), std::string::npos)
        << lines[lines.size() - 2];
    EXPECT_NE(lines.back().find("joined=(2)"), std::string::npos) << lines.back();
}

TEST_F(RingFaults, HealedPartitionsMergeIntoOneRing) {
    form(5);
    ring_->partition({{1, 2}, {3, 4, 5}});
    ASSERT_TRUE(ring_->run_until([&] {
        return ring_->formed({1, 2}) && ring_->formed({3, 4, 5});
    }));
    ring_->submit(4, "of the others");
    fall_idle();
    ring_->heal();
    EXPECT_LT(time_to([&] { return ring_->formed(all_); }), milliseconds(561 + 200 + 60));
    EXPECT_EQ(traced_[TraceKind::kInstalled], 5) << "one ring, no storm";
    EXPECT_EQ(ring_->history(1).back().find("joined=(3,4,5)") == std::string::npos, false);
}

TEST_F(RingFaults, BusyRingsMergeByTheirMessages) {
    form(4);
    ring_->partition({{1, 2}, {3, 4}});
    ASSERT_TRUE(ring_->run_until([&] { return ring_->formed({1, 2}) && ring_->formed({3, 4}); }));
    ring_->heal();
    for (int i = 0; i < 100; ++i) {
        ring_->submit(1, "busy");
        ring_->run_for(milliseconds(1));
    }
    EXPECT_TRUE(ring_->formed(all_));
}

TEST_F(RingFaults, LateCopiesOfALeftRingAreIgnored) {
    form(3);
    std::vector<std::byte> late;
    ring_->watch = [&](const Flight& flight) {
        if (flight.type == FrameType::kData && flight.to == NodeId{1}) {
            late.assign(flight.bytes.begin(), flight.bytes.end());
        }
    };
    ring_->submit(3, "old");
    ring_->run_for(milliseconds(10));
    ring_->watch = nullptr;
    ring_->leave(3);
    ASSERT_TRUE(ring_->form({1, 2}));
    const auto before = ring_->node(1).ring();
    ring_->receive(1, late);
    ring_->run_for(seconds(1));
    EXPECT_EQ(ring_->node(1).ring(), before);
}

TEST_F(RingFaults, AnAdministratorOrALinkMakesTheRingGatherAnew) {
    form(3);
    const auto before = ring_->node(1).ring();
    ring_->input(2, totem::ForceGather{});
    ASSERT_TRUE(ring_->run_until(
        [&] { return ring_->formed(all_) && ring_->node(1).ring().seq > before.seq; },
        milliseconds(200)));
    const auto second = ring_->node(1).ring();
    ring_->input(3, totem::LinkChange{.link = {}, .up = true});
    EXPECT_EQ(ring_->node(3).state(), State::kOperational) << "it was up";
    ring_->input(3, totem::LinkChange{.link = {}, .up = false});
    EXPECT_EQ(ring_->node(3).state(), State::kGather);
    EXPECT_TRUE(ring_->run_until(
        [&] { return ring_->formed(all_) && ring_->node(1).ring().seq > second.seq; }));
}

// ---- the disk
// -------------------------------------------------------------------------------------

TEST_F(RingFaults, ANodeIsSilentUntilItsNumberIsDurable) {
    MiniRing::Options options;
    options.persist = seconds(5);
    MiniRing ring(options);
    int frames = 0;
    ring.watch = [&](const Flight&) { ++frames; };
    ring.start(1);
    ring.start(2);
    ring.run_for(milliseconds(4990));
    EXPECT_EQ(frames, 0);
    EXPECT_TRUE(ring.form({1, 2}, milliseconds(500)));
}

TEST_F(RingFaults, ACommitTokenWaitsForTheDisk) {
    MiniRing::Options options;
    options.mask = totem::kTraceAll;
    MiniRing ring(options);
    std::map<NodeId, int> waited;
    ring.on_trace = [&](NodeId node, const Trace& trace) {
        waited[node] += trace.kind == TraceKind::kPersistWaited ? 1 : 0;
    };
    ring.set_disk(2, 1'000'000);
    ring.start(1);
    ASSERT_TRUE(ring.form({1}));
    ring.options().persist = milliseconds(400);
    ring.start(2);
    ASSERT_TRUE(ring.form({1, 2}, seconds(2)));
    EXPECT_EQ(waited[NodeId{1}], 1) << "its bound was far below";
    EXPECT_GE(ring.disk(1), ring.node(1).ring().seq);
}

TEST_F(RingFaults, RingNumbersGrowOverRestarts) {
    form(2);
    std::uint64_t highest = ring_->node(1).ring().seq;
    for (int round = 0; round < 4; ++round) {
        ring_->kill(1);
        ring_->kill(2);
        ring_->start(1);
        ring_->start(2);
        ASSERT_TRUE(ring_->form(all_));
        EXPECT_GT(ring_->node(1).ring().seq, highest);
        highest = ring_->node(1).ring().seq;
    }
}

// ---- pauses, numbers, frames of strangers
// -----------------------------------------------------------

TEST_F(RingFaults, APausedNodeDoesNotBelieveWhatIsQueued) {
    form(3);
    fall_idle();
    ring_->pause(3);
    ASSERT_TRUE(ring_->form({1, 2}));
    const auto others = ring_->node(1).ring();
    traced_.clear();
    ring_->resume(3);
    EXPECT_EQ(traced_[TraceKind::kPaused], 1);
    EXPECT_EQ(traced_[TraceKind::kFailed], 0) << "it slept, nobody failed";
    EXPECT_EQ(traced_[TraceKind::kJoinReceived], 0);
    EXPECT_TRUE(ring_->form(all_, seconds(6)));
    EXPECT_GT(ring_->node(1).ring().seq, others.seq);
}

TEST_F(RingFaults, NumbersWrapWithoutNotice) {
    MiniRing::Options options;
    options.config.first_seq = 0xFFFFFFF0U;
    form(3, options);
    for (int i = 0; i < 100; ++i) {
        ring_->submit(1 + static_cast<std::uint32_t>(i % 3), std::to_string(i));
    }
    ASSERT_TRUE(ring_->run_until([&] { return everybody_has(100); }, milliseconds(200)));
    EXPECT_EQ(ring_->messages(1), ring_->messages(3));
    ring_->run_for(milliseconds(2));
    EXPECT_EQ(ring_->node(1).snapshot().released.value, 0xFFFFFFF0U + 100U);
}

TEST_F(RingFaults, RefusedFramesLeaveTheStateAsItWas) {
    form(3);
    totem::FramePool& pool = ring_->pool(1);
    const auto ring = ring_->node(1).ring();
    const auto other = totem::RingId{.representative = NodeId{9}, .seq = ring.seq};
    totem::OrfToken token;
    token.from = NodeId{3};
    token.ring = ring;
    token.seq = totem::Seq{5};
    token.aru = totem::Seq{6};
    token.token_seq = 1'000'000;
    totem::OrfToken foreign = token;
    foreign.ring = other;
    totem::OrfToken jump = token;
    jump.aru = totem::Seq{0};
    jump.seq = totem::Seq{40'000};
    totem::Join impostor;
    impostor.from = NodeId{1};
    impostor.system_from = NodeId{1};
    impostor.proc.insert(NodeId{1});
    totem::Join absurd = impostor;
    absurd.from = absurd.system_from = NodeId{3};
    absurd.ring_seq = ~std::uint64_t{0};
    const std::vector<totem::FrameRef> frames = {
        encode(pool, token),
        encode(pool, foreign),
        encode(pool, jump),
        encode(pool, impostor),
        encode(pool, absurd),
        encode(pool, totem::HoldCancel{.from = NodeId{2}, .ring = other}),
        encode(pool,
               totem::MergeDetect{.from = NodeId{2}, .system_from = NodeId{3}, .ring = other}),
        totem::testing::text_frame(pool, "no frame at all"),
    };
    for (const totem::FrameRef& frame : frames) {
        const auto before = ring_->node(1).state_hash();
        ring_->receive(1, frame.bytes());
        EXPECT_EQ(ring_->node(1).state_hash(), before);
    }
    EXPECT_EQ(traced_[TraceKind::kTokenDropped], 1);
    EXPECT_EQ(traced_[TraceKind::kFrameRejected], 7);
}

}  // namespace
