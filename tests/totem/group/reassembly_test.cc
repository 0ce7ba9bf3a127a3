// Reassembly: the rules of the chain of fragments, and that whatever is packed comes out unchanged,
// once and in order.
#include "totem/group/reassembly.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/totem/group/packer_ends.h"
#include "totem/group/messages.h"

namespace {

using totem::Guarantee;
using totem::NodeId;
using totem::group::Lane;
using totem::group::Pieces;
using totem::group::Reassembly;
using totem::group::SendLevel;
using totem::group::test::bytes_of;
using totem::group::test::frame_of;
using totem::group::test::Receiver;
using totem::group::test::Sender;
using totem::group::test::text_of;
using std::string_literals::operator""s;
using Outcome = Reassembly::Outcome;

// ---- reassembly
// -----------------------------------------------------------------------------------

TEST(Reassembly, TakesWhatTheDeployedSenderPacks) {
    Receiver receiver;
    // The head of a long message behind whole ones, as the deployed sender packs it.
    EXPECT_EQ(receiver.accept(frame_of(1, 0, {"one", "two", "th"})), Outcome::kTaken);
    EXPECT_EQ(receiver.accept(frame_of(2, 1, {"r"})), Outcome::kTaken);
    EXPECT_EQ(receiver.accept(frame_of(1, 2, {"ee", "four", "fi"})), Outcome::kTaken);
    EXPECT_EQ(receiver.accept(frame_of(0, 1, {"ve", "six"})), Outcome::kTaken);
    EXPECT_EQ(receiver.messages,
              (std::vector<std::string>{"one", "two", "three", "four", "five", "six"}));
}

// wire.md 5.3, third and second row.
TEST(Reassembly, IgnoresTheRestOfAMessageWhoseBeginningItMissed) {
    Receiver receiver;
    EXPECT_EQ(receiver.accept(frame_of(3, 2, {"x"})), Outcome::kOutOfChain);
    EXPECT_EQ(receiver.accept(frame_of(4, 3, {"x"})), Outcome::kOutOfChain);
    EXPECT_EQ(receiver.accept(frame_of(0, 4, {"x"})), Outcome::kOutOfChain);
    EXPECT_EQ(receiver.accept(frame_of(0, 0, {"good"})), Outcome::kTaken);
    EXPECT_EQ(receiver.messages, std::vector<std::string>{"good"});
}

TEST(Reassembly, AMismatchThatEndsTheChainIsForgottenAtOnce) {
    Receiver receiver;
    EXPECT_EQ(receiver.accept(frame_of(1, 0, {"lost"})), Outcome::kTaken);
    EXPECT_EQ(receiver.accept(frame_of(0, 0, {"ignored"})), Outcome::kOutOfChain);
    EXPECT_EQ(receiver.accept(frame_of(0, 0, {"good"})), Outcome::kTaken);
    EXPECT_EQ(receiver.messages, std::vector<std::string>{"good"});
}

TEST(Reassembly, ThrowingAwayEndsWithTheFrameThatBeginsANewMessage) {
    Receiver receiver;
    EXPECT_EQ(receiver.accept(frame_of(7, 6, {"x"})), Outcome::kOutOfChain);
    EXPECT_EQ(receiver.accept(frame_of(1, 7, {"x", "whole", "begin"})), Outcome::kOutOfChain);
    EXPECT_EQ(receiver.accept(frame_of(0, 0, {"good"})), Outcome::kTaken);
    EXPECT_EQ(receiver.messages, std::vector<std::string>{"good"});
}

TEST(Reassembly, KeepsSendersAndSetsApart) {
    Receiver receiver;
    receiver.accept(frame_of(1, 0, {"clie"}), 1);
    receiver.accept(frame_of(1, 0, {"oth"}), 2);
    receiver.reassembly.select(Lane::kTransitional);
    EXPECT_EQ(receiver.accept(frame_of(1, 0, {"sy"}), 1), Outcome::kTaken);
    EXPECT_EQ(receiver.accept(frame_of(0, 1, {"nc"}), 1), Outcome::kTaken);
    receiver.reassembly.select(Lane::kNormal);
    EXPECT_EQ(receiver.accept(frame_of(0, 1, {"er"}), 2), Outcome::kTaken);
    EXPECT_EQ(receiver.accept(frame_of(0, 1, {"nt"}), 1), Outcome::kTaken);
    EXPECT_EQ(receiver.messages, (std::vector<std::string>{"sync", "other", "client"}));
}

TEST(Reassembly, ForgetsNodesThatLeft) {
    Receiver receiver;
    receiver.accept(frame_of(1, 0, {"half"}), 1);
    const std::array left = {NodeId{1}};
    receiver.reassembly.forget(left);
    EXPECT_EQ(receiver.accept(frame_of(0, 0, {"fresh"}), 1), Outcome::kTaken);
    EXPECT_EQ(receiver.messages, std::vector<std::string>{"fresh"});
    EXPECT_EQ(receiver.pool.live(), 0U);
}

// wire.md 5.3, last row: an assertion in the deployed daemon, a lost message here.
TEST(Reassembly, GivesUpAboveTheLimit) {
    Receiver receiver;
    const std::string part(60'000, 'x');
    char fragment = 0;
    Outcome outcome = Outcome::kTaken;
    for (int i = 0; i < 18 && outcome == Outcome::kTaken; ++i) {
        outcome = receiver.accept(frame_of(static_cast<char>(fragment + 1), fragment, {part}));
        ++fragment;
    }
    EXPECT_EQ(fragment, 19 - 1);
    outcome = receiver.accept(frame_of(static_cast<char>(fragment + 1), fragment, {part}));
    EXPECT_EQ(outcome, Outcome::kMalformed);
    EXPECT_EQ(receiver.pool.live(), 0U);
    EXPECT_EQ(receiver.accept(frame_of(0, static_cast<char>(fragment + 1), {"end"})),
              Outcome::kOutOfChain);
    EXPECT_EQ(receiver.accept(frame_of(0, 0, {"good"})), Outcome::kTaken);
    EXPECT_EQ(receiver.messages, std::vector<std::string>{"good"});
}

TEST(Reassembly, AFalsePromiseOfLengthIsOnlyAHint) {
    Receiver receiver;
    const auto head = totem::group::encode_services_head({2, 3, 0xFFFFFFF0U});
    EXPECT_EQ(receiver.accept(frame_of(1, 0, {text_of(head)})), Outcome::kTaken);
    EXPECT_EQ(receiver.accept(frame_of(0, 1, {"tail"})), Outcome::kTaken);
    EXPECT_EQ(receiver.messages, std::vector<std::string>{text_of(head) + "tail"});
}

// ---- both
// -----------------------------------------------------------------------------------------

std::string message_of(std::mt19937_64& random, std::size_t bytes) {
    std::string message(bytes, '\0');
    const std::uint64_t start = random();
    for (std::size_t i = 0; i < bytes; ++i) {
        message[i] = static_cast<char>((start + i * 31) >> 3U);
    }
    return message;
}

std::size_t log_uniform(std::mt19937_64& random) {
    const std::size_t top = std::size_t{1} << (random() % 21);
    return std::max<std::size_t>(1, top - random() % top / 2);
}

TEST(RoundTrip, AnySizesComeBackUnchangedAndInOrder) {
    for (std::uint64_t seed = 1; seed <= 15; ++seed) {
        std::mt19937_64 random(seed);
        Sender sender(64 + random() % 9000);
        Receiver receiver;
        std::vector<std::string> sent;
        for (int i = 0; i < 60; ++i) {
            const std::string message = message_of(random, log_uniform(random));
            const std::array<std::size_t, 2> cuts = {random() % (message.size() + 1),
                                                     message.size()};
            const std::string head = message.substr(0, cuts[0] / 2);
            const std::string middle = message.substr(cuts[0] / 2, cuts[0] - cuts[0] / 2);
            const std::string tail = message.substr(cuts[0]);
            const std::array<std::span<const std::byte>, 3> parts = {
                bytes_of(middle), std::span<const std::byte>{}, bytes_of(tail)};
            const auto guarantee = random() % 4 == 0 ? Guarantee::kSafe : Guarantee::kAgreed;
            if (sender.packer.push(Lane::kNormal, guarantee, {bytes_of(head), parts})) {
                sent.push_back(message);
            }
            for (std::size_t takes = random() % 400; takes > 0 && sender.packer.backlog() > 0;
                 --takes) {
                ASSERT_EQ(receiver.accept(sender.take()), Outcome::kTaken);
            }
        }
        for (const auto& frame : sender.take_all()) {
            ASSERT_EQ(receiver.accept(frame), Outcome::kTaken);
        }
        ASSERT_EQ(receiver.messages.size(), sent.size()) << "seed " << seed;
        EXPECT_TRUE(receiver.messages == sent) << "seed " << seed;
        EXPECT_EQ(receiver.pool.live(), 0U);
        EXPECT_EQ(sender.pool.live(), 0U);
    }
}

// Frames that come broken or, while the receiver is not in the ring, not at all: what is delivered
// is always a whole message that was sent, in the order of sending, and all is well soon after. (Of
// two neighbours both lost the numbers of fragments cannot tell; the ring does not lose any in
// between.)
TEST(RoundTrip, LostAndBrokenFramesNeverMakeUpAMessage) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        std::mt19937_64 random(seed);
        Sender sender(200);
        Receiver receiver;
        std::vector<std::string> sent;
        for (int i = 0; i < 200; ++i) {
            const std::string number = std::to_string(i) + ":";
            sent.push_back(number + message_of(random, log_uniform(random) % 3000));
            ASSERT_TRUE(sender.push(sent.back()));
        }
        const std::array self = {NodeId{1}};
        std::size_t away = 0;
        bool broken = false;
        for (auto& frame : sender.take_all()) {
            away = away > 0 ? away - 1 : (random() % 100 == 0 ? random() % 20 : 0);
            if (away > 0) {
                receiver.reassembly.forget(self);
                continue;
            }
            broken = !broken && random() % 20 == 0;
            if (broken) {
                frame.resize(random() % frame.size());
            }
            receiver.accept(frame);
        }
        std::size_t next = 0;
        for (const auto& message : receiver.messages) {
            while (next < sent.size() && sent[next] != message) {
                ++next;
            }
            ASSERT_LT(next, sent.size()) << "seed " << seed;
        }
        EXPECT_GT(receiver.messages.size(), 20U) << "seed " << seed;
        receiver.messages.clear();
        ASSERT_TRUE(sender.push("a"));
        receiver.accept(sender.take());
        ASSERT_TRUE(sender.push("b"));
        receiver.accept(sender.take());
        ASSERT_FALSE(receiver.messages.empty());
        EXPECT_EQ(receiver.messages.back(), "b");
    }
}

TEST(RoundTrip, RandomFramesAreHarmless) {
    std::mt19937_64 random(11);
    Receiver receiver;
    for (int i = 0; i < 20'000; ++i) {
        std::string frame =
            frame_of(static_cast<char>(random() % 3), static_cast<char>(random() % 3),
                     {std::string(random() % 40, 'x'), std::string(3, 'y')});
        for (auto flips = random() % 3; flips > 0; --flips) {
            frame[random() % frame.size()] = static_cast<char>(random());
        }
        frame.resize(frame.size() - random() % 2);
        receiver.accept(frame, static_cast<std::uint32_t>(random() % 5));
        receiver.messages.clear();
    }
}

}  // namespace
