// Packing: the bytes of frames, the levels of the queue, and what a new configuration cuts off.
#include "totem/group/packer.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/totem/group/packer_ends.h"
#include "totem/group/messages.h"

namespace {

using totem::Guarantee;
using totem::group::Lane;
using totem::group::Pieces;
using totem::group::SendLevel;
using totem::group::test::bytes_of;
using totem::group::test::frame_of;
using totem::group::test::Receiver;
using totem::group::test::Sender;
using std::string_literals::operator""s;
using Outcome = totem::group::Reassembly::Outcome;

// wire.md 5.2: messages of 37, 37 and 40 bytes as one frame.
TEST(Packer, SmallMessagesShareAFrame) {
    Sender sender;
    const std::vector<std::string> messages = {std::string(37, 'a'), std::string(37, 'b'),
                                               std::string(40, 'c')};
    for (const auto& message : messages) {
        EXPECT_TRUE(sender.push(message));
    }
    EXPECT_EQ(sender.packer.backlog(), 1U);
    EXPECT_EQ(sender.take(),
              "\0\0\0\0\0\0\3\0\x25\0\x25\0\x28\0"s + messages[0] + messages[1] + messages[2]);
    EXPECT_EQ(sender.packer.backlog(), 0U);
}

// wire.md 5.2: 1573 bytes at the MTU of 1500 are 1400 and, alone, 173.
TEST(Packer, LongMessagesAreFragmented) {
    Sender sender;
    const std::string message(1573, 'x');
    EXPECT_TRUE(sender.push(message));
    EXPECT_TRUE(sender.push("next"));
    const auto frames = sender.take_all();
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0], frame_of(1, 0, {message.substr(0, 1400)}));
    EXPECT_EQ(frames[1], frame_of(0, 1, {message.substr(1400)}));
    EXPECT_EQ(frames[2], frame_of(0, 0, {"next"}));
}

TEST(Packer, FragmentNumbersSkipZero) {
    Sender sender(64);
    EXPECT_TRUE(sender.push(std::string(54 * 300, 'x')));
    const auto frames = sender.take_all();
    ASSERT_EQ(frames.size(), 300U);
    EXPECT_EQ(static_cast<std::uint8_t>(frames[254][4]), 255);
    EXPECT_EQ(static_cast<std::uint8_t>(frames[255][4]), 1);
    EXPECT_EQ(static_cast<std::uint8_t>(frames[255][5]), 255);
    EXPECT_EQ(frames[299][4], 0);
}

TEST(Packer, SafeAndAgreedNeverShareAFrame) {
    Sender sender;
    EXPECT_TRUE(sender.push("agreed"));
    EXPECT_TRUE(sender.push("safe", Guarantee::kSafe));
    EXPECT_TRUE(sender.push("safe too", Guarantee::kSafe));
    EXPECT_TRUE(sender.push("agreed"));
    std::vector<Guarantee> guarantees;
    while (sender.packer.backlog() > 0) {
        guarantees.push_back(sender.packer.take().guarantee);
    }
    EXPECT_EQ(guarantees, (std::vector{Guarantee::kAgreed, Guarantee::kSafe, Guarantee::kAgreed}));
}

TEST(Packer, FillsFramesToTheLastByteAndNeverBeyond) {
    for (std::size_t length = 1; length < 1500; ++length) {
        Sender sender;
        EXPECT_TRUE(sender.push(std::string(length, 'x')));
        EXPECT_TRUE(sender.push(std::string(1500 - length, 'y')));
        for (const auto& frame : sender.take_all()) {
            EXPECT_LE(frame.size(), 1410U);
        }
    }
    Sender sender;
    EXPECT_TRUE(sender.push(std::string(1400, 'x')));
    EXPECT_EQ(sender.take_all(), std::vector{frame_of(0, 0, {std::string(1400, 'x')})});
}

// properties.md E8.3: a refusal queues nothing, and ends as soon as frames have gone.
TEST(Packer, RefusesWhenFullAndQueuesNothingThen) {
    Sender sender;
    const std::string big(100'000, 'x');
    std::size_t accepted = 0;
    while (sender.push(big)) {
        ++accepted;
    }
    EXPECT_GT(accepted * big.size(), 3'900'000U);
    EXPECT_LT(accepted * big.size(), 4'400'000U);
    const std::size_t backlog = sender.packer.backlog();
    EXPECT_FALSE(sender.push(big, Guarantee::kSafe));
    EXPECT_EQ(sender.packer.backlog(), backlog);
    for (int i = 0; i < 80; ++i) {
        sender.take();
    }
    EXPECT_TRUE(sender.push(big));
}

TEST(Packer, TakesTheLargestMessageAndNoLargerOne) {
    Sender sender;
    EXPECT_FALSE(sender.push(std::string(totem::group::kMessageBytesMax + 1, 'x')));
    EXPECT_EQ(sender.packer.backlog(), 0U);
    EXPECT_TRUE(sender.push(std::string(totem::group::kMessageBytesMax, 'x')));
    // Also when frames are so large that few of them make four megabytes.
    Sender jumbo(65'000);
    EXPECT_TRUE(jumbo.push(std::string(totem::group::kMessageBytesMax, 'x')));
}

// totem.md 7.2, with its gaps between the bands.
TEST(Packer, LevelHasHysteresis) {
    Sender sender(64);
    const std::string message(54, 'x');
    std::size_t room = 0;
    while (sender.packer.has_room(Lane::kNormal, message.size())) {
        ASSERT_TRUE(sender.push(message));
        ++room;
    }
    EXPECT_EQ(sender.packer.level(), SendLevel::kCritical);
    const auto drain_to = [&](std::size_t percent) {
        while (sender.packer.backlog() * 100 > room * percent) {
            static_cast<void>(sender.packer.take());
        }
        return sender.packer.level();
    };
    EXPECT_EQ(drain_to(72), SendLevel::kCritical);
    EXPECT_EQ(drain_to(65), SendLevel::kHigh);
    EXPECT_EQ(drain_to(55), SendLevel::kHigh);
    EXPECT_EQ(drain_to(45), SendLevel::kGood);
    EXPECT_EQ(drain_to(35), SendLevel::kGood);
    EXPECT_EQ(drain_to(20), SendLevel::kLow);
}

TEST(Packer, OnlyTheActiveLaneIsSent) {
    Sender sender;
    EXPECT_TRUE(sender.push("client"));
    sender.packer.begin_transition();
    EXPECT_EQ(sender.packer.backlog(), 0U);
    sender.packer.push_reserved({bytes_of("sync"), {}});
    EXPECT_EQ(sender.take_all(), std::vector{frame_of(0, 0, {"sync"})});
    sender.packer.end_transition(false);
    EXPECT_EQ(sender.take_all(), std::vector{frame_of(0, 0, {"client"})});
}

// What is heard of a sender whose synchronisation was overtaken `times` times in the middle of its
// message, and which then says something new.
std::vector<std::string> heard_overtaken(Sender& sender, int times) {
    sender.packer.begin_transition();
    EXPECT_TRUE(sender.packer.push(Lane::kTransitional, Guarantee::kAgreed,
                                   {bytes_of(std::string(5000, 'o')), {}}));
    Receiver receiver;
    receiver.accept(sender.take());
    for (; times > 0; --times) {
        sender.packer.begin_transition();
    }
    sender.packer.push_reserved({bytes_of("new"), {}});
    for (const auto& frame : sender.take_all()) {
        receiver.accept(frame);
    }
    return receiver.messages;
}

TEST(Packer, AnOvertakenSynchronisationLeavesNothingBehind) {
    Sender sender;
    EXPECT_EQ(heard_overtaken(sender, 1), std::vector<std::string>{"new"});
}

// The next configuration may come before the ring has taken what ends the broken chain.
TEST(Packer, ASynchronisationOvertakenTwiceLeavesNothingBehind) {
    Sender sender;
    EXPECT_EQ(heard_overtaken(sender, 2), std::vector<std::string>{"new"});
    sender.packer.begin_transition();
    EXPECT_EQ(sender.packer.backlog(), 0U);  // once ended, the chain is
}

// Members that joined in the middle of a message get all of it; the others get it once.
TEST(Packer, SendsAMessageAgainThatWasCutByAJoin) {
    Sender sender;
    const std::string big(10'000, 'b');
    EXPECT_TRUE(sender.push("small"));
    EXPECT_TRUE(sender.push(big));
    EXPECT_TRUE(sender.push("last"));
    Receiver old_member;
    Receiver joiner;
    for (int i = 0; i < 3; ++i) {
        old_member.accept(sender.take());
    }
    sender.packer.begin_transition();
    sender.packer.end_transition(true);
    for (const auto& frame : sender.take_all()) {
        old_member.accept(frame);
        joiner.accept(frame);
    }
    EXPECT_EQ(old_member.messages, (std::vector<std::string>{"small", big, "last"}));
    ASSERT_EQ(joiner.messages.size(), 3U);  // the filler, then both
    EXPECT_EQ(joiner.messages[1], big);
    EXPECT_EQ(joiner.messages[2], "last");
}

TEST(Packer, GoesOnWithAMessageThatNobodyMissed) {
    Sender sender;
    const std::string big(10'000, 'b');
    EXPECT_TRUE(sender.push(big));
    Receiver member;
    member.accept(sender.take());
    sender.packer.begin_transition();
    sender.packer.end_transition(false);
    EXPECT_EQ(sender.packer.backlog(), 7U);
    for (const auto& frame : sender.take_all()) {
        EXPECT_EQ(member.accept(frame), Outcome::kTaken);
    }
    EXPECT_EQ(member.messages, std::vector<std::string>{big});
}

}  // namespace
