// Frames and bytes: wire.md section 3, against frames of real rings and against what must be
// refused.
#include "totem/core/codec.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace {

using frames::Frame;
using totem::DecodeError;
using totem::FramePool;
using totem::FrameRef;
using totem::NodeId;
using totem::Seq;

constexpr std::size_t kTargetAt = 9;  // target_nodeid: garbage in real frames, 0 in ours

Frame bytes_of(const FrameRef& frame) { return {frame.bytes().begin(), frame.bytes().end()}; }

Frame without_target(Frame frame) {
    for (std::size_t i = kTargetAt; i < kTargetAt + 4; ++i) {
        frame.at(i) = std::byte{0};
    }
    return frame;
}

template <typename Decode>
void expect_same_bytes(const std::string& kind, Decode decode) {
    FramePool pool;
    const auto real = frames::captured(kind);
    ASSERT_FALSE(real.empty()) << kind;
    for (const Frame& frame : real) {
        const auto value = decode(frame);
        ASSERT_TRUE(value) << kind << ": " << to_string(value.error());
        EXPECT_EQ(bytes_of(encode(pool, *value)), without_target(frame)) << kind;
    }
}

TEST(Codec, RealFramesComeBackByteForByte) {
    expect_same_bytes("orf_token", totem::decode_orf_token);
    expect_same_bytes("merge_detect", totem::decode_merge_detect);
    expect_same_bytes("join", totem::decode_join);
    expect_same_bytes("commit_token", totem::decode_commit_token);
    expect_same_bytes("hold_cancel", totem::decode_hold_cancel);
}

TEST(Codec, RealDataHeadersComeBackByteForByte) {
    for (const Frame& frame : frames::captured("data")) {
        const auto header = totem::decode_data_header(frame);
        ASSERT_TRUE(header);
        EXPECT_EQ(header->from, header->system_from);
        std::array<std::byte, totem::kDataHeaderBytes> out{};
        totem::encode_data_header(*header, out);
        EXPECT_EQ(Frame(out.begin(), out.end()),
                  without_target(Frame(frame.begin(), frame.begin() + totem::kDataHeaderBytes)));
    }
}

TEST(Codec, TokenHasTheBytesOfThePage) {
    FramePool pool;
    totem::OrfToken token;
    token.from = NodeId{2};
    token.seq = Seq{0x01020304};
    token.token_seq = 5;
    token.aru = Seq{0xFFFFFFFF};
    token.aru_addr = NodeId{1};
    token.ring = {NodeId{1}, 0x1122334455667788};
    token.backlog = 7;
    token.fcc = 9;
    token.retrans_flg = true;
    token.rtr.push_back({token.ring, Seq{0xAABBCCDD}});
    EXPECT_EQ(bytes_of(encode(pool, token)),
              frames::from_hex("70c003000002000000000000000403020105000000ffffffff01000000"
                               "0100000088776655443322110700000009000000010000000100000001000000"
                               "8877665544332211ddccbbaa"));
}

TEST(Codec, LargestCommitTokenRoundTrips) {
    FramePool pool;
    totem::CommitToken token;
    token.from = NodeId{1};
    token.ring = {NodeId{1}, 8};
    token.memb_index = totem::kProcessorsMax;
    for (std::uint32_t i = 1; i <= totem::kProcessorsMax; ++i) {
        token.addresses.insert(NodeId{i});
        token.entries.push_back({{NodeId{i}, i}, Seq{i}, Seq{i + 1}, i % 2 == 0});
    }
    const FrameRef frame = encode(pool, token);
    EXPECT_EQ(frame.size(), 41U + 28U * totem::kProcessorsMax);
    const auto back = totem::decode_commit_token(frame.bytes());
    ASSERT_TRUE(back);
    EXPECT_TRUE(*back == token);
}

// What decoding a frame says after `change` was made to the first real frame of its kind.
template <typename Decode, typename Change>
DecodeError refusal(const std::string& kind, Decode decode, Change change) {
    Frame frame = frames::captured(kind).at(0);
    change(frame);
    const auto value = decode(frame);
    EXPECT_FALSE(value) << kind;
    return value ? DecodeError{} : value.error();
}

void put32(Frame& frame, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) {
        frame.at(at + i) = static_cast<std::byte>(value >> (8 * i));
    }
}

TEST(Codec, RefusesWrongHeaders) {
    const auto decode = totem::decode_hold_cancel;
    const auto set = [](std::size_t at, int value) {
        return [at, value](Frame& frame) { frame.at(at) = static_cast<std::byte>(value); };
    };
    EXPECT_EQ(refusal("hold_cancel", decode, set(0, 0)), DecodeError::kWrongMagic);
    EXPECT_EQ(
        refusal("hold_cancel", decode, [](Frame& frame) { std::swap(frame.at(0), frame.at(1)); }),
        DecodeError::kOtherEndian);
    EXPECT_EQ(refusal("hold_cancel", decode, set(2, 4)), DecodeError::kWrongVersion);
    EXPECT_EQ(refusal("hold_cancel", decode, set(3, 6)), DecodeError::kUnknownType);
    EXPECT_EQ(refusal("hold_cancel", decode, set(3, 0)), DecodeError::kUnknownType);
    EXPECT_EQ(refusal("hold_cancel", decode, [](Frame& frame) { put32(frame, 5, 0); }),
              DecodeError::kZeroNode);
    EXPECT_EQ(refusal("data", totem::decode_data_header, set(4, 3)),
              DecodeError::kBadEncapsulation);
}

TEST(Codec, RefusesCountsThatLie) {
    const auto count = [](std::size_t at, std::uint32_t value) {
        return [at, value](Frame& frame) { put32(frame, at, value); };
    };
    EXPECT_EQ(refusal("orf_token", totem::decode_orf_token, count(53, 31)), DecodeError::kTooMany);
    EXPECT_EQ(refusal("orf_token", totem::decode_orf_token, count(53, 0xFFFFFFFF)),
              DecodeError::kTooMany);
    EXPECT_EQ(refusal("orf_token", totem::decode_orf_token, count(53, 30)), DecodeError::kTooShort);
    EXPECT_EQ(refusal("join", totem::decode_join, count(17, 385)), DecodeError::kTooMany);
    // Two counts whose sum wraps to what is there.
    EXPECT_EQ(refusal("join", totem::decode_join,
                      [](Frame& frame) {
                          put32(frame, 17, 0x80000001);
                          put32(frame, 21, 0x80000000);
                      }),
              DecodeError::kTooMany);
    EXPECT_EQ(refusal("join", totem::decode_join, count(17, 384)), DecodeError::kTooShort);
    EXPECT_EQ(refusal("commit_token", totem::decode_commit_token, count(37, 385)),
              DecodeError::kTooMany);
    EXPECT_EQ(refusal("commit_token", totem::decode_commit_token, count(33, 384)),
              DecodeError::kBadIndex);
    EXPECT_EQ(refusal("commit_token", totem::decode_commit_token, count(33, 0xFFFFFFFF)),
              DecodeError::kBadIndex);
}

TEST(Codec, RefusesSetsThatAreNone) {
    FramePool pool;
    totem::Join join;
    join.from = NodeId{1};
    join.system_from = NodeId{1};
    join.proc.insert(NodeId{1});
    join.proc.insert(NodeId{2});
    Frame twice = bytes_of(encode(pool, join));
    put32(twice, 37, 1);
    ASSERT_FALSE(totem::decode_join(twice));
    EXPECT_EQ(totem::decode_join(twice).error(), DecodeError::kDuplicateNode);
    put32(twice, 37, 0);
    EXPECT_EQ(totem::decode_join(twice).error(), DecodeError::kZeroNode);
}

TEST(Codec, LeaveHasNodeZero) {
    FramePool pool;
    totem::Join leave;
    leave.system_from = NodeId{3};
    leave.failed.insert(NodeId{3});
    const auto back = totem::decode_join(encode(pool, leave).bytes());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->from, totem::kNoNode);
}

TEST(Codec, EveryPrefixOfARealFrameIsRefused) {
    for (const std::string& kind : frames::kinds()) {
        for (const Frame& frame : frames::captured(kind)) {
            const std::size_t least = kind == "data" ? totem::kDataHeaderBytes : frame.size();
            for (std::size_t size = 0; size < least; ++size) {
                const totem::Bytes part(frame.data(), size);
                EXPECT_FALSE(totem::decode_orf_token(part));
                EXPECT_FALSE(totem::decode_data_header(part));
                EXPECT_FALSE(totem::decode_merge_detect(part));
                EXPECT_FALSE(totem::decode_join(part));
                EXPECT_FALSE(totem::decode_commit_token(part));
                EXPECT_FALSE(totem::decode_hold_cancel(part));
            }
        }
    }
}

// Whatever decodes must encode, and decode again to the same value: no mutation reaches memory that
// is not there (the sanitizers watch) or a value outside the protocol's limits.
TEST(Codec, MutatedFramesDecodeToSaneValuesOrNothing) {
    FramePool pool;
    frames::Random random(20261122);
    std::size_t decoded = 0;
    const auto round_trip = [&](auto decode, const Frame& frame) {
        const auto value = decode(frame);
        if (value) {
            ++decoded;
            const auto again = decode(encode(pool, *value).bytes());
            ASSERT_TRUE(again);
            ASSERT_TRUE(*again == *value);
        }
    };
    std::vector<Frame> corpus;
    for (const std::string& kind : frames::kinds()) {
        const auto real = frames::captured(kind);
        corpus.insert(corpus.end(), real.begin(), real.end());
    }
    for (int i = 0; i < 20000; ++i) {
        const Frame frame = frames::mutated(corpus.at(random.below(corpus.size())), random);
        round_trip(totem::decode_orf_token, frame);
        round_trip(totem::decode_merge_detect, frame);
        round_trip(totem::decode_join, frame);
        round_trip(totem::decode_commit_token, frame);
        round_trip(totem::decode_hold_cancel, frame);
        static_cast<void>(totem::decode_data_header(frame));
        static_cast<void>(totem::claimed_sender(frame));
    }
    EXPECT_GT(decoded, 1000U);  // else the mutations are too wild to test anything
}

}  // namespace
