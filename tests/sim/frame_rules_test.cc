// What a frame may do, judged from outside.
#include "sim/frame_rules.h"

#include <gtest/gtest.h>

namespace {

using sim::Reach;
using totem::FramePool;
using totem::NodeId;
using totem::RingId;
using totem::Seq;
using totem::State;

constexpr RingId kRing{NodeId{1}, 8};
constexpr RingId kOther{NodeId{4}, 8};

class FrameRules : public ::testing::Test {
  protected:
    FrameRules() {
        node_.ring = kRing;
        node_.installed_ring = kRing;
        node_.token_seq = Seq{10};
        node_.representative = true;
    }
    sim::FrameRule rule(State state, const totem::FrameRef& frame, bool originated = true) {
        node_.state = state;
        return sim::rule_for({NodeId{1}, &node_, 0b011, originated}, frame.bytes());
    }
    totem::FrameRef token(RingId ring, std::uint32_t token_seq) {
        totem::OrfToken token;
        token.from = NodeId{2};
        token.ring = ring;
        token.token_seq = token_seq;
        return encode(pool_, token);
    }
    totem::FrameRef commit(RingId ring) {
        totem::CommitToken token;
        token.from = NodeId{2};
        token.ring = ring;
        token.addresses.insert(NodeId{1});
        token.entries.push_back({});
        return encode(pool_, token);
    }
    totem::FrameRef join(std::uint32_t sender, std::uint64_t ring_seq, std::uint32_t failed) {
        totem::Join join;
        join.from = NodeId{sender};
        join.system_from = NodeId{sender};
        join.ring_seq = ring_seq;
        join.proc.insert(NodeId{sender});
        if (failed != 0) {
            join.failed.insert(NodeId{failed});
        }
        return encode(pool_, join);
    }
    totem::FrameRef merge(std::uint32_t from, std::uint32_t sender) {
        return encode(pool_, totem::MergeDetect{NodeId{from}, NodeId{sender}, kOther});
    }
    totem::FrameRef data(RingId ring) {
        totem::FrameRef frame = pool_.allocate(totem::kDataHeaderBytes);
        const totem::DataHeader header{
            .from = NodeId{2}, .system_from = NodeId{2}, .seq = Seq{4}, .ring = ring};
        encode_data_header(header, frame.writable().first<totem::kDataHeaderBytes>());
        return frame;
    }

    FramePool pool_;
    totem::Snapshot node_;
};

TEST_F(FrameRules, TokensOfTheRingThatAreNew) {
    EXPECT_EQ(rule(State::kOperational, token(kRing, 11)).reach, Reach::kAnything);
    EXPECT_STREQ(rule(State::kOperational, token(kRing, 10)).property, "R1");
    EXPECT_STREQ(rule(State::kRecovery, token(kOther, 11)).property, "M9");
    EXPECT_STREQ(rule(State::kGather, token(kRing, 11)).property, "M9");
    EXPECT_EQ(rule(State::kCommit, token(kRing, 11)).reach, Reach::kNothing);
}

TEST_F(FrameRules, CommitTokensOnceEach) {
    EXPECT_EQ(rule(State::kCommit, commit(kRing)).reach, Reach::kAnything);
    EXPECT_EQ(rule(State::kRecovery, commit(kRing), false).reach, Reach::kAnything);
    EXPECT_STREQ(rule(State::kRecovery, commit(kRing), true).property, "M5");
    EXPECT_STREQ(rule(State::kOperational, commit(kOther)).property, "M5");
    EXPECT_STREQ(rule(State::kCommit, commit(kOther)).property, "M9");
    EXPECT_EQ(rule(State::kGather, commit(kOther)).reach, Reach::kAnything);
}

TEST_F(FrameRules, JoinsThatANodeMustNotHeed) {
    EXPECT_EQ(rule(State::kOperational, join(2, 8, 0)).reach, Reach::kAnything);
    EXPECT_EQ(rule(State::kOperational, join(2, 7, 0)).reach, Reach::kNoState);
    EXPECT_EQ(rule(State::kOperational, join(3, 7, 0)).reach, Reach::kAnything);
    EXPECT_EQ(rule(State::kOperational, join(3, 9, 1)).reach, Reach::kNoState);
    EXPECT_STREQ(rule(State::kOperational, join(3, 9, 2)).property, "L6");
    EXPECT_EQ(rule(State::kOperational, join(3, 9, 5)).reach, Reach::kAnything);
    EXPECT_STREQ(rule(State::kGather, join(3, 9, 1)).property, "L6");
    EXPECT_EQ(rule(State::kGather, join(3, 9, 2)).reach, Reach::kAnything);
    EXPECT_EQ(rule(State::kGather, join(2, 9, 1)).reach, Reach::kAnything);
}

TEST_F(FrameRules, MessagesOfOtherRingsAreNews) {
    EXPECT_EQ(rule(State::kOperational, data(kRing)).reach, Reach::kAnything);
    EXPECT_EQ(rule(State::kGather, data(kRing)).reach, Reach::kAnything);
    EXPECT_EQ(rule(State::kCommit, data(kRing)).reach, Reach::kNothing);
    EXPECT_EQ(rule(State::kOperational, data(kOther)).reach, Reach::kNoOrder);
    EXPECT_EQ(rule(State::kRecovery, data(kOther)).reach, Reach::kNothing);
}

TEST_F(FrameRules, MergeDetectionInItsOwnName) {
    EXPECT_EQ(rule(State::kOperational, merge(4, 4)).reach, Reach::kNoOrder);
    EXPECT_EQ(rule(State::kOperational, merge(4, 3)).reach, Reach::kNothing);
    EXPECT_EQ(rule(State::kOperational, merge(1, 1)).reach, Reach::kNothing);
}

TEST_F(FrameRules, GarbageAndTheProtectedPart) {
    EXPECT_STREQ(rule(State::kOperational, pool_.allocate(3)).property, "M15");
    const auto before = sim::protected_hash(Reach::kNoOrder, node_);
    const auto state = sim::protected_hash(Reach::kNoState, node_);
    node_.state = State::kGather;
    EXPECT_EQ(sim::protected_hash(Reach::kNoOrder, node_), before);
    node_.state = State::kOperational;
    node_.high_seq = Seq{1};
    EXPECT_NE(sim::protected_hash(Reach::kNoOrder, node_), before);
    EXPECT_NE(sim::protected_hash(Reach::kNoState, node_), state);
}

}  // namespace
