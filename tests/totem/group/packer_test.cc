// Packing and reassembly: the bytes of frames, the rules of the chain of fragments, and that
// whatever goes in comes out unchanged, once and in order.
#include "totem/group/packer.h"

#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "totem/core/codec.h"
#include "totem/group/messages.h"
#include "totem/group/reassembly.h"

namespace {

using std::string_literals::operator""s;
using totem::FramePool;
using totem::FrameRef;
using totem::Guarantee;
using totem::kDataHeaderBytes;
using totem::NodeId;
using totem::group::Lane;
using totem::group::Packer;
using totem::group::Pieces;
using totem::group::Reassembly;
using totem::group::SendLevel;
using Outcome = Reassembly::Outcome;

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A packer of clients' messages, and what comes out of it.
class Sender {
  public:
    explicit Sender(std::size_t frame_data_max = 1410) : packer(pool, frame_data_max) {
        packer.end_transition(false);
    }

    bool push(const std::string& text, Guarantee guarantee = Guarantee::kAgreed) {
        return packer.push(Lane::kNormal, guarantee, {bytes_of(text), {}});
    }
    // The next frame's payload.
    std::string take() { return text_of(packer.take().frame.bytes().subspan(kDataHeaderBytes)); }
    std::vector<std::string> take_all() {
        std::vector<std::string> frames;
        while (packer.backlog() > 0) {
            frames.push_back(take());
        }
        return frames;
    }

    FramePool pool;
    Packer packer;
};

class Receiver {
  public:
    Receiver() { reassembly.select(Lane::kNormal); }

    Outcome accept(const std::string& frame, std::uint32_t sender = 1) {
        std::vector<FrameRef> whole;
        const Outcome outcome =
            reassembly.accept(NodeId{sender}, pool.copy(bytes_of(frame)), whole);
        for (const FrameRef& message : whole) {
            messages.push_back(text_of(message.bytes()));
        }
        return outcome;
    }

    FramePool pool;
    Reassembly reassembly{pool};
    std::vector<std::string> messages;
};

std::string frame_of(char fragmented, char continuation,
                     std::initializer_list<std::string_view> parts) {
    std::string head =
        "\0\0\0\0"s + fragmented + continuation + static_cast<char>(parts.size()) + '\0';
    std::string data;
    for (const std::string_view part : parts) {
        head += static_cast<char>(part.size() & 0xFFU);
        head += static_cast<char>(part.size() >> 8U);
        data += part;
    }
    return head + data;
}

// ---- packing
// --------------------------------------------------------------------------------------

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

TEST(Packer, AnOvertakenSynchronisationLeavesNothingBehind) {
    Sender sender;
    sender.packer.begin_transition();
    EXPECT_TRUE(sender.packer.push(Lane::kTransitional, Guarantee::kAgreed,
                                   {bytes_of(std::string(5000, 'o')), {}}));
    Receiver receiver;
    receiver.accept(sender.take());
    sender.packer.begin_transition();
    sender.packer.push_reserved({bytes_of("new"), {}});
    for (const auto& frame : sender.take_all()) {
        receiver.accept(frame);
    }
    EXPECT_EQ(receiver.messages, std::vector<std::string>{"new"});
}

// The next configuration may come before the ring has taken what ends the broken chain.
TEST(Packer, ASynchronisationOvertakenTwiceLeavesNothingBehind) {
    Sender sender;
    sender.packer.begin_transition();
    EXPECT_TRUE(sender.packer.push(Lane::kTransitional, Guarantee::kAgreed,
                                   {bytes_of(std::string(5000, 'o')), {}}));
    Receiver receiver;
    receiver.accept(sender.take());
    sender.packer.begin_transition();
    sender.packer.begin_transition();
    sender.packer.push_reserved({bytes_of("new"), {}});
    for (const auto& frame : sender.take_all()) {
        receiver.accept(frame);
    }
    EXPECT_EQ(receiver.messages, std::vector<std::string>{"new"});
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
