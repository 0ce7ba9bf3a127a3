// The bytes of the group layer's own messages, and what decoders make of broken ones.
#include "totem/group/messages.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "totem/group/capabilities.h"

namespace {

using std::string_literals::operator""s;
using totem::NodeId;
using totem::RingId;
using totem::group::announced_bytes;
using totem::group::Capabilities;
using totem::group::decode_group_prefix;
using totem::group::decode_packed_head;
using totem::group::decode_service_header;
using totem::group::decode_sync_message;
using totem::group::encode_barrier;
using totem::group::encode_capabilities;
using totem::group::encode_service_build;
using totem::group::encode_services_head;
using totem::group::Group;
using totem::group::kOwnFeatures;
using totem::group::kServiceHeaderBytes;
using totem::group::kServicesPrefix;
using totem::group::kSyncPrefix;
using totem::group::SyncMessageKind;

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

// wire.md 7: 8 bytes of prefix, then 32.
TEST(Messages, BarrierHasTheBytesOfTheWire) {
    EXPECT_EQ(text_of(encode_barrier(RingId{NodeId{1}, 0x1c})), "\1\0\4\0sync"s +
                                                                    "\0\0\0\0\0\0\0\0"
                                                                    "\x20\0\0\0\0\0\0\0"
                                                                    "\1\0\0\0"
                                                                    "\x1c\0\0\0\0\0\0\0"
                                                                    "\0\0\0\0"s);
}

TEST(Messages, ServiceBuildHasTheBytesOfTheWire) {
    const std::array<std::int32_t, 4> ids = {0, 2, 3, 5};
    const auto message = encode_service_build(RingId{NodeId{2}, 8}, ids);
    const std::string list = "\0\0\0\0\2\0\0\0\3\0\0\0\5\0\0\0"s;
    EXPECT_EQ(text_of(message), "\1\0\4\0sync"s +
                                    "\1\0\0\0\0\0\0\0"
                                    "\x28\2\0\0\0\0\0\0"
                                    "\2\0\0\0"
                                    "\x08\0\0\0\0\0\0\0"
                                    "\0\0\0\0"
                                    "\4\0\0\0"
                                    "\0\0\0\0"s +
                                    list + std::string(512 - list.size(), '\0'));
}

TEST(Messages, SyncMessagesComeBack) {
    const std::array<std::int32_t, 3> ids = {0, 2, 77};
    const RingId ring{NodeId{9}, 1ULL << 40U};
    const auto build = encode_service_build(ring, ids);
    const auto decoded = decode_sync_message(std::span(build).subspan(kSyncPrefix.size()));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->kind, SyncMessageKind::kServiceBuild);
    EXPECT_EQ(decoded->ring, ring);
    EXPECT_EQ(decoded->services, std::vector<std::int32_t>(ids.begin(), ids.end()));
    const auto barrier = encode_barrier(ring);
    const auto second = decode_sync_message(std::span(barrier).subspan(kSyncPrefix.size()));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->kind, SyncMessageKind::kBarrier);
}

TEST(Messages, ServicesHeadHasTheBytesOfTheWire) {
    EXPECT_EQ(text_of(encode_services_head({2, 3, 184})), "\1\0\1\0a"s +
                                                              "\3\0\2\0\0\0\0\0"
                                                              "\xb8\0\0\0\0\0\0\0"s);
    const auto head = encode_services_head({5, 1, 32});
    const auto header = decode_service_header(std::span(head).subspan(kServicesPrefix.size()));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->service, 5);
    EXPECT_EQ(header->function, 1);
    EXPECT_EQ(header->size, 32U);
}

TEST(Messages, GroupPrefixes) {
    EXPECT_EQ(decode_group_prefix(bytes_of("\1\0\1\0a"s))->group, Group::kServices);
    EXPECT_EQ(decode_group_prefix(bytes_of("\1\0\4\0sync"s))->group, Group::kSync);
    EXPECT_EQ(decode_group_prefix(bytes_of("\1\0\1\0b"s))->group, Group::kOther);
    const auto two = decode_group_prefix(bytes_of("\2\0\1\0\1\0xa..."s));
    ASSERT_TRUE(two);
    EXPECT_EQ(two->group, Group::kServices);
    EXPECT_EQ(two->bytes, 8U);
    for (const std::string& bad :
         {""s, "\1"s, "\0\0"s, "\1\0\1"s, "\1\0\2\0a"s, "\xff\xff\1\0a"s}) {
        EXPECT_FALSE(decode_group_prefix(bytes_of(bad))) << bad.size();
    }
}

TEST(Messages, PackedHeadMustAddUp) {
    EXPECT_TRUE(decode_packed_head(bytes_of("\0\0\0\0\0\0\1\0\2\0xy"s)));
    const std::array bad = {""s,
                            "\0\0\0\0\0\0\1"s,
                            "\0\0\0\0\0\0\0\0"s,             // no part
                            "\1\0\0\0\0\0\1\0\2\0xy"s,       // version
                            "\0\0\1\0\0\0\1\0\2\0xy"s,       // type
                            "\0\0\0\0\0\0\1\0\2\0x"s,        // too short
                            "\0\0\0\0\0\0\1\0\2\0xyz"s,      // too long
                            "\0\0\0\0\0\0\xff\xff\2\0xy"s};  // table beyond the end
    for (const std::string& frame : bad) {
        EXPECT_FALSE(decode_packed_head(bytes_of(frame))) << text_of(bytes_of(frame));
    }
}

// Any bytes at all: an answer, and nothing read outside them (this test runs under sanitizers).
TEST(Messages, RandomBytesAreHarmless) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes(random() % 64, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
        }
        const std::vector<std::byte> copy(bytes_of(bytes).begin(), bytes_of(bytes).end());
        static_cast<void>(decode_packed_head(copy));
        static_cast<void>(decode_group_prefix(copy));
        static_cast<void>(decode_service_header(copy));
        static_cast<void>(decode_sync_message(copy));
        static_cast<void>(announced_bytes(copy));
    }
}

TEST(Messages, CapabilitiesCountOnlyWhenEveryMemberAnnounced) {
    const std::array members = {NodeId{1}, NodeId{2}};
    Capabilities capabilities;
    capabilities.begin(members);
    const auto body = encode_capabilities(~std::uint64_t{0});
    std::vector<std::byte> message(kServiceHeaderBytes);
    message.insert(message.end(), body.begin(), body.end());
    capabilities.on_announce(NodeId{1}, message);
    EXPECT_EQ(capabilities.common(), 0U);
    capabilities.on_announce(NodeId{3}, message);  // no member
    capabilities.on_announce(NodeId{2}, std::span(message).first(20));
    EXPECT_EQ(capabilities.common(), 0U);
    capabilities.on_announce(NodeId{2}, message);
    EXPECT_EQ(capabilities.common(), kOwnFeatures);
}

}  // namespace
