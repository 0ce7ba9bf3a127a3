// Any content in messages that are otherwise in order: packed frames that lie about their parts,
// messages that end early or never, services that do not exist, names of any length, barriers of
// synchronisations that nobody runs (properties.md C9).
//
// A stack must survive all of it, with clients listening, in a synchronisation and after it; and
// when the noise ends the two nodes form a ring and complete a synchronisation again.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/stack_pair.h"
#include "tests/support/frames.h"
#include "tests/totem/ipc/doors/fake_outbox.h"
#include "totem/group/messages.h"

namespace {

using doors_test::Request;
using frames::Frame;
using frames::Random;
using fuzz::StackPair;
using std::chrono::seconds;
using totem::group::ClientOpened;
using totem::group::ClientRequest;
using totem::group::ConnectionId;
using totem::group::ServiceId;
using std::string_view_literals::operator""sv;

constexpr std::size_t kMessagesPerLife = 1500;
constexpr std::size_t kLives = 8;

void append(Frame& frame, std::span<const std::byte> bytes) {
    frame.insert(frame.end(), bytes.begin(), bytes.end());
}
void append_number(Frame& frame, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        frame.push_back(static_cast<std::byte>(value >> shift));
    }
}

// What a field may hold that makes a reader stumble.
std::uint32_t odd_number(Random& random) {
    static constexpr std::array<std::uint32_t, 12> kOdd = {
        0, 1, 2, 3, 128, 129, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF};
    return kOdd[random.below(kOdd.size())];
}

// A group's name as the services write it, mostly with a length that fits.
void append_name(Frame& frame, Random& random) {
    append_number(frame, random.below(4) == 0 ? odd_number(random) : 3);
    append_number(frame, 0);
    append(frame, totem::group::as_byte_span("grp"));
    frame.resize(frame.size() + 125);
}

// A message of some service, well addressed, with a body of plausible pieces.
Frame service_message(Random& random) {
    Frame body;
    for (std::size_t pieces = random.below(8); pieces > 0; --pieces) {
        if (random.below(3) == 0) {
            append_name(body, random);
        } else {
            append_number(body, odd_number(random));
        }
    }
    totem::group::ServiceHeader header;
    header.service = static_cast<std::uint16_t>(random.below(8));
    header.function = static_cast<std::uint16_t>(random.below(10));
    header.size = static_cast<std::uint32_t>(totem::group::kServiceHeaderBytes + body.size());
    if (random.below(8) == 0) {
        header.size = odd_number(random);
    }
    Frame message;
    append(message, totem::group::encode_services_head(header));
    append(message, body);
    return message;
}

Frame sync_message(const totem::RingId& ring, Random& random) {
    Frame message;
    if (random.below(2) == 0) {
        append(message, totem::group::encode_barrier(ring));
        return message;
    }
    std::vector<std::int32_t> services;
    for (std::size_t count = random.below(6); count > 0; --count) {
        services.push_back(static_cast<std::int32_t>(odd_number(random)));
    }
    append(message, totem::group::encode_service_build(ring, services));
    return message;
}

// Messages in a packed frame; the first and last may claim to be parts of longer ones.
Frame packed(const std::vector<Frame>& messages, Random& random) {
    totem::group::PackedHead head;
    head.count = static_cast<std::uint16_t>(messages.size());
    if (random.below(4) == 0) {
        head.fragmented = static_cast<std::uint8_t>(random.below(3));
        head.continuation = static_cast<std::uint8_t>(random.below(3));
    }
    Frame frame(totem::group::kPackedHeadBytes);
    totem::group::encode_packed_head(head, frame);
    for (const Frame& message : messages) {
        frame.push_back(static_cast<std::byte>(message.size()));
        frame.push_back(static_cast<std::byte>(message.size() >> 8U));
    }
    for (const Frame& message : messages) {
        append(frame, message);
    }
    return frame;
}

class StackFuzz : public ::testing::TestWithParam<bool> {
  protected:
    StackFuzz() {
        for (const Frame& frame : frames::captured("data")) {
            corpus_.emplace_back(frame.begin() + totem::kDataHeaderBytes, frame.end());
        }
    }

    static void request(StackPair& pair, std::uint32_t id, std::uint32_t connection,
                        const Request& bytes) {
        pair.step(id, ClientRequest{ConnectionId{connection}, bytes.bytes()});
    }
    // A client in a group, and one that follows quorum, at both.
    static void connect(StackPair& pair) {
        for (std::uint32_t id = 1; id <= 2; ++id) {
            pair.step(id, ClientOpened{ServiceId::kCpg, ConnectionId{1}, 100 + id});
            pair.step(id, ClientOpened{ServiceId::kQuorum, ConnectionId{2}, 200 + id});
            pair.step(id, ClientOpened{ServiceId::kVotequorum, ConnectionId{3}, 300 + id});
            request(pair, id, 1, Request(0, 168).group(16, "grp"sv).u32(152, 100 + id));
            request(pair, id, 2, Request(1, 24).u32(16, 3));
            request(pair, id, 3, Request(3, 32).u32(24, 3));
        }
        const auto text = "what is said in the group"sv;
        request(pair, 2, 1,
                Request(2, 40 + text.size())
                    .u32(24, 2)
                    .u32(32, static_cast<std::uint32_t>(text.size()))
                    .text(40, text));
    }

    Frame hostile(StackPair& pair, Random& random) {
        const std::vector<Frame>& own = pair.payloads;
        switch (random.below(6)) {
            case 0:
                return corpus_[random.below(corpus_.size())];
            case 1:
                return frames::mutated(corpus_[random.below(corpus_.size())], random);
            case 2:
                return own[random.below(own.size())];
            case 3:
                return frames::mutated(own[random.below(own.size())], random);
            case 4:
                return packed({sync_message(pair.member(1).stack.node().ring(), random)}, random);
            default: {
                std::vector<Frame> messages;
                for (std::size_t count = 1 + random.below(3); count > 0; --count) {
                    messages.push_back(service_message(random));
                }
                const Frame frame = packed(messages, random);
                return random.below(3) == 0 ? frames::mutated(frame, random) : frame;
            }
        }
    }

    // Into the state in which the noise comes: settled, or while services tell each other things.
    static bool lead(StackPair& pair) {
        if (!GetParam()) {
            return pair.run_until([&] { return pair.settled(); }, seconds(60));
        }
        pair.step(1, totem::Input(totem::ForceGather{}));
        return pair.run_until(
            [&] {
                const totem::group::Stack& first = pair.member(1).stack;
                return first.synchronising() && first.node().snapshot().members_size == 2;
            },
            seconds(60));
    }

    // A chain of fragments forged in a member's name costs that member one frame (wire.md 5.3), and
    // with it perhaps one synchronisation; the one after it must complete.
    static bool settle_again(StackPair& pair) {
        const auto settled = [&] { return pair.settled(); };
        if (pair.run_until(settled, seconds(60))) {
            return true;
        }
        pair.step(1, totem::Input(totem::ForceGather{}));
        return pair.run_until(settled, seconds(60));
    }

    std::vector<Frame> corpus_;
};

TEST_P(StackFuzz, SurvivesAnyContentAndSettlesAgain) {
    Random random(GetParam() ? 77 : 7);
    StackPair pair;
    for (std::uint32_t id = 1; id <= 2; ++id) {
        pair.step(id, totem::Input(totem::Start{}));
    }
    ASSERT_TRUE(pair.run_until([&] { return pair.settled(); }, seconds(60)));
    connect(pair);
    ASSERT_FALSE(pair.run_until([] { return false; }, seconds(1)));
    const std::size_t events = pair.member(1).events;
    for (std::size_t life = 0; life < kLives; ++life) {
        ASSERT_TRUE(lead(pair)) << "life " << life;
        for (std::size_t i = 0; i < kMessagesPerLife; ++i) {
            const totem::Seq delivered = pair.member(1).stack.node().snapshot().delivered;
            pair.deliver_to_first(hostile(pair, random));
            const totem::Seq now = pair.member(1).stack.node().snapshot().delivered;
            ASSERT_EQ(now, delivered + 1) << "the message did not get through to the services";
        }
        ASSERT_TRUE(settle_again(pair)) << "life " << life << "\n" << pair.describe();
    }
    // The noise was understood in part, and refused in part.
    EXPECT_GT(pair.member(1).malformed, kLives * kMessagesPerLife / 20);
    EXPECT_GT(pair.member(1).events, events + kLives);
}

INSTANTIATE_TEST_SUITE_P(When, StackFuzz, ::testing::Values(false, true),
                         [](const auto& when) { return when.param ? "Synchronising" : "Settled"; });

}  // namespace
