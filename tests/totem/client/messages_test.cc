// Requests and decoders of clients against the tables of ipc.md 7 to 11, and against rubbish.
#include "totem/client/messages.h"

#include <gtest/gtest.h>

#include "tests/totem/ipc/doors/fake_outbox.h"

namespace {

using std::string_view_literals::operator""sv;
using doors_test::Request;
using totem::NodeId;
using totem::RingId;
using totem::client::Bytes;
using totem::client::ByteView;

Bytes bytes_of(const Request& request) { return {request.bytes().begin(), request.bytes().end()}; }

// A reply or event: the response header is a request's with an error at 16.
Request message(std::uint32_t id, std::size_t size) { return Request(id, size).u32(16, 1); }

template <typename Kind, typename Variant>
Kind as(totem::Result<Variant, std::string_view> decoded) {
    EXPECT_TRUE(decoded.has_value());
    EXPECT_TRUE(std::holds_alternative<Kind>(*decoded));
    return std::get<Kind>(*decoded);
}

TEST(ClientRequests, Cpg) {
    constexpr auto kGroup = "grp\0"sv;
    EXPECT_EQ(totem::client::cpg_join({kGroup, 7}, totem::client::InitialRing::kWanted),
              bytes_of(Request(0, 168).group(16, kGroup).u32(152, 7).u32(160, 1)));
    EXPECT_EQ(totem::client::cpg_join({kGroup, 7}, totem::client::InitialRing::kNotWanted),
              bytes_of(Request(0, 168).group(16, kGroup).u32(152, 7)));
    EXPECT_EQ(totem::client::cpg_leave({kGroup, 7}),
              bytes_of(Request(1, 160).group(16, kGroup).u32(152, 7)));
    const auto text = std::as_bytes(std::span("hello"sv));
    EXPECT_EQ(totem::client::cpg_multicast(totem::Guarantee::kAgreed, text),
              bytes_of(Request(2, 45).u32(24, 2).u32(32, 5).text(40, "hello")));
    EXPECT_EQ(totem::client::cpg_multicast(totem::Guarantee::kSafe, {}),
              bytes_of(Request(2, 40).u32(24, 3)));
    EXPECT_EQ(totem::client::cpg_membership_get(kGroup),
              bytes_of(Request(3, 152).group(16, kGroup)));
    EXPECT_EQ(totem::client::cpg_local_get(), bytes_of(Request(4, 16)));
    EXPECT_EQ(totem::client::cpg_finalize(), bytes_of(Request(8, 16)));
}

TEST(ClientRequests, Others) {
    EXPECT_EQ(totem::client::quorum_get_quorate(), bytes_of(Request(0, 16)));
    EXPECT_EQ(totem::client::quorum_get_type(1), bytes_of(Request(4, 24).u32(16, 1)));
    EXPECT_EQ(totem::client::quorum_track_start(3), bytes_of(Request(1, 24).u32(16, 3)));
    EXPECT_EQ(totem::client::quorum_track_stop(), bytes_of(Request(2, 16)));
    EXPECT_EQ(totem::client::votequorum_get_info(NodeId{3}), bytes_of(Request(0, 24).u32(16, 3)));
    EXPECT_EQ(totem::client::votequorum_set_expected(5), bytes_of(Request(1, 24).u32(16, 5)));
    EXPECT_EQ(totem::client::cmap_get("a.b", 100),
              bytes_of(Request(2, 288).name(16, "a.b").u64(280, 100)));
    EXPECT_EQ(totem::client::cmap_track_add({"nodelist.", 15, 99}),
              bytes_of(Request(7, 296).name(16, "nodelist.").u32(280, 15).u64(288, 99)));
    EXPECT_EQ(totem::client::cmap_track_delete(4), bytes_of(Request(8, 24).u64(16, 4)));
    EXPECT_EQ(totem::client::votequorum_track_start(2), bytes_of(Request(3, 32).u32(24, 2)));
    EXPECT_EQ(totem::client::cfg_local_get(), bytes_of(Request(6, 16)));
    EXPECT_EQ(totem::client::cfg_reload(), bytes_of(Request(7, 16)));
}

TEST(ClientReplies, Numbers) {
    EXPECT_EQ(*totem::client::decode_local_get(message(7, 32).u32(24, 5).bytes()), NodeId{5});
    EXPECT_EQ(*totem::client::decode_quorum_number(message(5, 32).u32(24, 1).bytes()), 1U);
    EXPECT_EQ(*totem::client::decode_cmap_track_add(message(7, 32).u64(24, 77).bytes()), 77U);
    EXPECT_FALSE(totem::client::decode_local_get(message(7, 24).bytes()));
    EXPECT_FALSE(totem::client::decode_local_get(message(7, 32).u32(16, 6).bytes()));
    EXPECT_FALSE(totem::client::decode_header(message(7, 32).u32(8, 33).bytes()));
    EXPECT_EQ(totem::client::decode_header(message(7, 24).u32(16, 6).bytes())->error,
              totem::client::Error::kTryAgain);
}

TEST(ClientReplies, VoteInfo) {
    Request reply = message(1, 320);
    for (std::uint32_t i = 0; i < 9; ++i) {
        reply.u32(24 + 4 * i, i + 1);
    }
    const auto info = totem::client::decode_vote_info(reply.text(60, "Qdevice").bytes());
    ASSERT_TRUE(info);
    EXPECT_EQ(info->node, NodeId{1});
    EXPECT_EQ(info->state, 2U);
    EXPECT_EQ(info->votes, 3U);
    EXPECT_EQ(info->expected_votes, 4U);
    EXPECT_EQ(info->highest_expected, 5U);
    EXPECT_EQ(info->total_votes, 6U);
    EXPECT_EQ(info->quorum, 7U);
    EXPECT_EQ(info->flags, 8U);
    EXPECT_EQ(info->device_votes, 9U);
    EXPECT_EQ(info->device_name, "Qdevice");
}

TEST(ClientReplies, CmapValue) {
    const Request reply = message(2, 44).u64(24, 4).u8(32, 6).u32(40, 0x01020304);
    const auto value = totem::client::decode_cmap_get(reply.bytes());
    ASSERT_TRUE(value);
    EXPECT_EQ(value->type, 6);
    EXPECT_EQ(totem::client::u32_field(value->bytes, 0), 0x01020304U);
    EXPECT_TRUE(totem::client::decode_cmap_get(message(2, 40).u64(24, 4).bytes())->bytes.empty());
}

// Counts stand in the order members, joined, left; lists in the order members, left, joined.
Request group_membership() {
    Request event = message(4, 184 + 3 * 24).group(24, "g").u32(160, 1).u32(168, 1).u32(176, 1);
    std::uint32_t number = 10;
    for (std::size_t at = 184; at < 256; at += 24, ++number) {
        event.u32(at, number).u32(at + 8, number + 100).u32(at + 16, number - 10);
    }
    return event;
}

TEST(ClientEvents, Cpg) {
    using totem::client::Change;
    using totem::client::Process;
    using totem::client::Reason;
    const Request change = group_membership();
    const auto membership =
        as<totem::client::GroupMembership>(totem::client::decode_cpg_event(change.bytes()));
    EXPECT_EQ(membership.group, "g");
    EXPECT_EQ(membership.members, (std::vector{Process{NodeId{10}, 110}}));
    EXPECT_EQ(membership.left, (std::vector{Change{{NodeId{11}, 111}, Reason::kJoin}}));
    EXPECT_EQ(membership.joined, (std::vector{Change{{NodeId{12}, 112}, Reason::kLeave}}));

    const Request delivery =
        message(5, 189).group(24, "g").u32(160, 5).u32(168, 3).u32(176, 9).text(184, "hello");
    const auto text =
        as<totem::client::GroupMessage>(totem::client::decode_cpg_event(delivery.bytes()));
    EXPECT_EQ(text.sender, (Process{NodeId{3}, 9}));
    EXPECT_EQ(totem::group::as_text(text.bytes), "hello");

    const Request part = message(17, 203)
                             .group(24, "g")
                             .u32(160, 9)
                             .u32(168, 3)
                             .u32(176, 4)
                             .u32(184, 5)
                             .u32(192, 2)
                             .text(200, "abc");
    const auto piece =
        as<totem::client::GroupMessagePart>(totem::client::decode_cpg_event(part.bytes()));
    EXPECT_EQ(piece.total_bytes, 9U);
    EXPECT_EQ(piece.part, 2U);
    EXPECT_EQ(piece.sender, (Process{NodeId{4}, 5}));
    EXPECT_EQ(totem::group::as_text(piece.bytes), "abc");

    const Request ring = message(13, 52).u32(24, 1).u64(32, 8).u32(40, 2).u32(44, 1).u32(48, 2);
    const auto members =
        as<totem::client::RingMembership>(totem::client::decode_cpg_event(ring.bytes()));
    EXPECT_EQ(members.ring, (RingId{NodeId{1}, 8}));
    EXPECT_EQ(members.members, (std::vector{NodeId{1}, NodeId{2}}));
}

TEST(ClientEvents, Quorum) {
    const Request event =
        message(6, 60).u32(24, 1).u32(32, 1).u64(40, 8).u32(48, 2).u32(52, 1).u32(56, 2);
    const auto quorum =
        as<totem::client::QuorumNotification>(totem::client::decode_quorum_event(event.bytes()));
    EXPECT_TRUE(quorum.quorate);
    EXPECT_EQ(quorum.ring, (RingId{NodeId{1}, 8}));
    EXPECT_EQ(quorum.members, (std::vector{NodeId{1}, NodeId{2}}));

    const Request list = message(7, 72)
                             .u32(24, 1)
                             .u64(32, 8)
                             .u32(40, 1)
                             .u32(48, 1)
                             .u32(56, 1)
                             .u32(60, 1)
                             .u32(64, 2)
                             .u32(68, 3);
    const auto nodes =
        as<totem::client::NodelistNotification>(totem::client::decode_quorum_event(list.bytes()));
    EXPECT_EQ(nodes.members, (std::vector{NodeId{1}}));
    EXPECT_EQ(nodes.joined, (std::vector{NodeId{2}}));
    EXPECT_EQ(nodes.left, (std::vector{NodeId{3}}));
}

TEST(ClientEvents, Cmap) {
    const Request event = message(9, 339)
                              .u64(24, 5)
                              .name(32, "a.b")
                              .u32(296, 2)
                              .u8(304, 11)
                              .u8(312, 11)
                              .u64(320, 2)
                              .u64(328, 1)
                              .text(336, "xyz");
    const auto change = totem::client::decode_cmap_event(event.bytes());
    ASSERT_TRUE(change);
    EXPECT_EQ(change->instance, 5U);
    EXPECT_EQ(change->key, "a.b");
    EXPECT_EQ(change->what, 2U);
    EXPECT_EQ(totem::group::as_text(change->now.bytes), "xy");
    EXPECT_EQ(totem::group::as_text(change->before.bytes), "z");
    EXPECT_FALSE(totem::client::decode_cmap_event(
        message(9, 339).u64(320, 3).u64(328, 0xFFFFFFFFFFFFFFFFU).bytes()));
}

TEST(ClientEvents, Rubbish) {
    doors_test::Dice dice(7);
    const std::vector<Request> samples{group_membership(),
                                       message(5, 189).group(24, "g").u32(160, 5),
                                       message(17, 203).group(24, "g").u32(168, 3),
                                       message(13, 52).u32(40, 2),
                                       message(6, 60).u32(48, 2),
                                       message(7, 72).u32(40, 1).u32(48, 1).u32(56, 1),
                                       message(9, 339).name(32, "a.b").u64(320, 2).u64(328, 1),
                                       message(2, 44).u64(24, 4),
                                       message(1, 320)};
    std::size_t refused = 0;
    for (int round = 0; round < 20000; ++round) {
        const auto bytes = doors_test::mutated(samples[dice.below(samples.size())].bytes(), dice);
        refused += totem::client::decode_cpg_event(bytes) ? 0 : 1;
        refused += totem::client::decode_quorum_event(bytes) ? 0 : 1;
        refused += totem::client::decode_cmap_event(bytes) ? 0 : 1;
        refused += totem::client::decode_cmap_get(bytes) ? 0 : 1;
        refused += totem::client::decode_vote_info(bytes) ? 0 : 1;
        refused += totem::client::decode_local_get(bytes) ? 0 : 1;
    }
    EXPECT_GT(refused, 1000U);
}

}  // namespace
