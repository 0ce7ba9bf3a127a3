// Recovery and the delivery at a configuration change, one rule at a time (totem.md 5.5, 6.2;
// docs/protocol.md, "RECOVERY").
#include "totem/core/recovery.h"

#include <gtest/gtest.h>

#include "tests/support/mini_ring.h"
#include "totem/core/delivery.h"

namespace {

using totem::CommitToken;
using totem::Effects;
using totem::FramePool;
using totem::FrameRef;
using totem::Guarantee;
using totem::NodeId;
using totem::NodeList;
using totem::Ordering;
using totem::OrfToken;
using totem::Recovery;
using totem::RingId;
using totem::Seq;
using totem::testing::text_frame;

const RingId kOld{.representative = NodeId{1}, .seq = 8};
const RingId kNew{.representative = NodeId{1}, .seq = 12};

class RecoveryTest : public ::testing::Test {
  protected:
    RecoveryTest() {
        old_.reset(Seq{0});
        fresh_.reset(Seq{0});
    }
    FrameRef message(std::uint32_t sender, std::uint32_t seq, Guarantee guarantee) {
        FrameRef frame = text_frame(pool_, std::to_string(seq));
        totem::encode_data_header({.from = NodeId{sender},
                                   .system_from = NodeId{sender},
                                   .seq = Seq{seq},
                                   .this_seqno = 0,
                                   .ring = kOld,
                                   .guarantee = guarantee},
                                  frame.writable().first<totem::kDataHeaderBytes>());
        return frame;
    }
    void hold(std::uint32_t sender, std::uint32_t seq, Guarantee guarantee = Guarantee::kAgreed) {
        static_cast<void>(old_.insert(Seq{seq}, {.frame = message(sender, seq, guarantee),
                                                 .from = NodeId{sender},
                                                 .guarantee = guarantee}));
    }
    // Message `seq` of the old ring arrives as number `number` of the new one.
    void recover(std::uint32_t number, const FrameRef& inner, Guarantee mark = Guarantee::kAgreed) {
        FrameRef frame = pool_.allocate(totem::kDataHeaderBytes + inner.size());
        std::ranges::copy(inner.bytes(), frame.writable().subspan(totem::kDataHeaderBytes).begin());
        static_cast<void>(fresh_.insert(
            Seq{number},
            {.frame = frame, .from = NodeId{2}, .guarantee = mark, .encapsulated = true}));
    }
    // Nodes 1 to `count`; those from `stranger` on come from another ring.
    CommitToken commit(std::uint32_t count, std::uint32_t stranger = 99) {
        CommitToken token;
        token.ring = kNew;
        for (std::uint32_t id = 1; id <= count; ++id) {
            token.addresses.insert(NodeId{id});
            token.entries.push_back({.ring = id >= stranger ? RingId{NodeId{id}, 1} : kOld,
                                     .aru = old_.aru(),
                                     .high_delivered = old_.delivered(),
                                     .received_flg = old_.aru() == old_.high_seq()});
        }
        return token;
    }
    // A visit with everybody up to `aru`; true when the ring is to be installed.
    bool visit(bool flag = false, std::uint32_t aru = 10) {
        OrfToken token;
        token.seq = Seq{10};
        token.aru = Seq{aru};
        token.retrans_flg = flag;
        const bool install = recovery_.visit(token, Seq{10});
        flag_ = token.retrans_flg;
        return install;
    }
    std::vector<std::string> change() {
        NodeList before;
        for (std::uint32_t id = 1; id <= 3; ++id) {
            before.insert(NodeId{id});
        }
        Effects out;
        deliver_change({.old_ring = kOld,
                        .new_ring = kNew,
                        .old_members = before,
                        .new_members = recovery_.transitional()},
                       recovery_, old_, out);
        std::vector<std::string> lines;
        for (const auto& delivery : out.deliveries) {
            lines.push_back(to_text(totem::testing::to_record(delivery)).substr(0, 5));
        }
        return lines;
    }

    FramePool pool_;
    Ordering old_;
    Ordering fresh_;
    Recovery recovery_;
    bool flag_ = false;
};

using Lines = std::vector<std::string>;

TEST_F(RecoveryTest, TransitionalMembersComeFromTheSameRing) {
    recovery_.begin(commit(3, 3), kOld, old_);
    EXPECT_EQ(recovery_.transitional().size(), 2U);
    EXPECT_FALSE(recovery_.transitional().contains(NodeId{3}));
}

TEST_F(RecoveryTest, NothingIsSentWhenEverybodyHasEverything) {
    hold(1, 1);
    recovery_.begin(commit(2), kOld, old_);
    EXPECT_EQ(recovery_.backlog(), 0U);
}

TEST_F(RecoveryTest, AllHeldAboveTheLowestAruIsSentWhenAnybodyLacksSomething) {
    for (const std::uint32_t seq : {1U, 2U, 3U, 5U}) {
        hold(1, seq);
    }
    CommitToken token = commit(2);
    token.entries[1].aru = Seq{1};
    recovery_.begin(token, kOld, old_);
    ASSERT_EQ(recovery_.backlog(), 3U);
    EXPECT_EQ(recovery_.take(old_), Seq{2});
    EXPECT_EQ(recovery_.take(old_), Seq{3});
    EXPECT_EQ(recovery_.take(old_), Seq{5});
    EXPECT_EQ(recovery_.backlog(), 0U);
}

TEST_F(RecoveryTest, TheFourthQuietVisitInstalls) {
    recovery_.begin(commit(2), kOld, old_);
    EXPECT_FALSE(visit());
    EXPECT_FALSE(visit());
    EXPECT_FALSE(visit());
    EXPECT_TRUE(visit());
    EXPECT_EQ(recovery_.install_seq(), Seq{10});
}

TEST_F(RecoveryTest, AnAruBelowTheEndOfRecoveryDelaysInstalling) {
    recovery_.begin(commit(2), kOld, old_);
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(visit(false, 9));
    }
    EXPECT_FALSE(visit());
    EXPECT_TRUE(visit());
}

TEST_F(RecoveryTest, WhoHasMoreToSendRaisesTheFlagAndOnlyItTakesItBack) {
    hold(1, 2);
    recovery_.begin(commit(2), kOld, old_);
    ASSERT_EQ(recovery_.backlog(), 1U);
    EXPECT_FALSE(visit());
    EXPECT_TRUE(flag_);
    static_cast<void>(recovery_.take(old_));
    static_cast<void>(visit(true));
    EXPECT_FALSE(flag_);
    static_cast<void>(visit(true));
    EXPECT_TRUE(flag_) << "set by somebody else";
}

TEST_F(RecoveryTest, RecoveredMessagesFillTheOldRing) {
    hold(1, 1);
    recovery_.begin(commit(2), kOld, old_);
    recover(1, message(3, 2, Guarantee::kAgreed));
    recover(2, text_frame(pool_, "damaged"));
    recovery_.absorb(fresh_, old_);
    EXPECT_EQ(old_.high_seq(), Seq{2});
    EXPECT_EQ(old_.find(Seq{2})->from, NodeId{3});
}

TEST_F(RecoveryTest, BehindAGapOnlyThoseWhoComeAlongAreDelivered) {
    hold(1, 1);
    hold(1, 3);
    hold(3, 4);
    CommitToken token = commit(2);  // node 3 is gone
    recovery_.begin(token, kOld, old_);
    EXPECT_EQ(change(), (Lines{"1:1", "trans", "1:3", "regul"}));
}

TEST_F(RecoveryTest, BeforeAGapTheSenderDoesNotMatter) {
    hold(3, 1, Guarantee::kSafe);
    hold(3, 2);
    recovery_.begin(commit(2), kOld, old_);
    EXPECT_EQ(change(), (Lines{"trans", "3:1", "3:2", "regul"}));
}

TEST_F(RecoveryTest, WhatSomebodyDeliveredBeforeTheChangeIsDeliveredBeforeIt) {
    hold(1, 1, Guarantee::kSafe);
    hold(1, 2);
    hold(1, 3, Guarantee::kSafe);
    CommitToken token = commit(2);
    token.entries[1].high_delivered = Seq{1};
    recovery_.begin(token, kOld, old_);
    EXPECT_EQ(change(), (Lines{"1:1", "1:2", "trans", "1:3", "regul"}));
}

TEST_F(RecoveryTest, AnInstallationThatOthersMayHaveSeenObliges) {
    hold(1, 1);
    recovery_.begin(commit(3), kOld, old_);  // node 3 comes along this time
    recover(1, message(3, 3, Guarantee::kSafe));
    for (int i = 0; i < 3; ++i) {
        static_cast<void>(visit());
    }
    recovery_.give_up(fresh_, old_);
    fresh_.reset(Seq{0});
    recovery_.begin(commit(2), kOld, old_);  // and is gone the next time
    EXPECT_TRUE(recovery_.obliged(Seq{3}));
    EXPECT_EQ(change(), (Lines{"1:1", "trans", "3:3", "regul"}));
}

TEST_F(RecoveryTest, WithoutAProvenVisitNothingIsOwed) {
    hold(1, 1);
    recovery_.begin(commit(3), kOld, old_);
    recover(1, message(3, 3, Guarantee::kSafe));
    for (int i = 0; i < 2; ++i) {
        static_cast<void>(visit());
    }
    recovery_.give_up(fresh_, old_);
    recovery_.begin(commit(2), kOld, old_);
    EXPECT_EQ(change(), (Lines{"1:1", "trans", "regul"}));
}

TEST_F(RecoveryTest, ObligationsOfOthersTravelWithTheMessage) {
    hold(1, 1);
    recovery_.begin(commit(2), kOld, old_);
    recover(1, message(3, 3, Guarantee::kSafe), Guarantee::kSafe);
    recovery_.absorb(fresh_, old_);
    EXPECT_EQ(change(), (Lines{"1:1", "trans", "3:3", "regul"}));
    recovery_.finish();
    EXPECT_FALSE(recovery_.obliged(Seq{3}));
}

}  // namespace
