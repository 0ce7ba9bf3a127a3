#include "totem/group/messages.h"

#include <algorithm>
#include <ranges>

#include "totem/core/byte_io.h"
#include "totem/core/check.h"

namespace totem::group {
namespace {

template <std::size_t N>
bool starts_with(std::span<const std::byte> bytes, const std::array<std::byte, N>& prefix) {
    return bytes.size() >= N && std::ranges::equal(bytes.first(N), prefix);
}

// Id and size each fill eight bytes, of which the upper four are padding.
void write_service_header(ByteWriter& writer, std::uint32_t id, std::uint32_t size) {
    writer.u32(id);
    writer.u32(0);
    writer.u32(size);
    writer.u32(0);
}

void write_bytes(ByteWriter& writer, std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
        writer.u8(std::to_integer<std::uint8_t>(byte));
    }
}

// The general form of a prefix, for messages to several groups or to ones that we do not know.
std::optional<GroupPrefix> decode_long_prefix(std::span<const std::byte> message) {
    ByteReader reader(message);
    if (reader.left() < 2) {
        return std::nullopt;
    }
    const std::size_t groups = reader.u16();
    if (groups == 0 || reader.left() < 2 * groups) {
        return std::nullopt;
    }
    std::size_t start = 2 + 2 * groups;
    GroupPrefix prefix;
    for (std::size_t i = 0; i < groups; ++i) {
        const std::size_t length = reader.u16();
        if (length > message.size() - start) {
            return std::nullopt;
        }
        const auto name = message.subspan(start, length);
        if (std::ranges::equal(name, std::span(kServicesPrefix).subspan(4))) {
            prefix.group = Group::kServices;
        } else if (std::ranges::equal(name, std::span(kSyncPrefix).subspan(4))) {
            prefix.group = Group::kSync;
        }
        start += length;
    }
    prefix.bytes = start;
    return prefix;
}

}  // namespace

void encode_packed_head(const PackedHead& head, std::span<std::byte> out) {
    ByteWriter writer(out.first(kPackedHeadBytes));
    writer.u16(0);  // version
    writer.u16(0);  // type
    writer.u8(head.fragmented);
    writer.u8(head.continuation);
    writer.u16(head.count);
}

std::optional<PackedHead> decode_packed_head(std::span<const std::byte> frame) {
    if (frame.size() < kPackedHeadBytes) {
        return std::nullopt;
    }
    ByteReader reader(frame);
    const std::uint16_t version = reader.u16();
    const std::uint16_t type = reader.u16();
    PackedHead head;
    head.fragmented = reader.u8();
    head.continuation = reader.u8();
    head.count = reader.u16();
    const std::size_t table_bytes = kPackedLengthBytes * head.count;
    if (version != 0 || type != 0 || head.count == 0 || reader.left() < table_bytes) {
        return std::nullopt;
    }
    std::size_t expected = kPackedHeadBytes + table_bytes;
    for (std::size_t i = 0; i < head.count; ++i) {
        expected += reader.u16();
    }
    return expected == frame.size() ? std::optional(head) : std::nullopt;
}

std::size_t packed_length(std::span<const std::byte> frame, std::size_t index) {
    return ByteReader(frame.subspan(kPackedHeadBytes + kPackedLengthBytes * index)).u16();
}

std::optional<GroupPrefix> decode_group_prefix(std::span<const std::byte> message) {
    if (starts_with(message, kServicesPrefix)) {
        return GroupPrefix{Group::kServices, kServicesPrefix.size()};
    }
    if (starts_with(message, kSyncPrefix)) {
        return GroupPrefix{Group::kSync, kSyncPrefix.size()};
    }
    return decode_long_prefix(message);
}

std::array<std::byte, kServicesHeadBytes> encode_services_head(const ServiceHeader& header) {
    std::array<std::byte, kServicesHeadBytes> head{};
    ByteWriter writer(head);
    write_bytes(writer, kServicesPrefix);
    write_service_header(writer, (std::uint32_t{header.service} << 16U) | header.function,
                         header.size);
    return head;
}

std::optional<ServiceHeader> decode_service_header(std::span<const std::byte> message) {
    if (message.size() < kServiceHeaderBytes) {
        return std::nullopt;
    }
    ByteReader reader(message);
    ServiceHeader header;
    header.function = reader.u16();
    header.service = reader.u16();
    reader.skip(4);
    header.size = reader.u32();
    return header;
}

std::size_t announced_bytes(std::span<const std::byte> first_part) {
    const auto prefix = decode_group_prefix(first_part);
    if (!prefix || prefix->group != Group::kServices) {
        return 0;
    }
    const auto header = decode_service_header(first_part.subspan(prefix->bytes));
    return header ? prefix->bytes + header->size : 0;
}

std::array<std::byte, kBarrierBytes> encode_barrier(const RingId& ring) {
    std::array<std::byte, kBarrierBytes> message{};
    ByteWriter writer(message);
    write_bytes(writer, kSyncPrefix);
    write_service_header(writer, static_cast<std::uint32_t>(SyncMessageKind::kBarrier),
                         kBarrierBytes - kSyncPrefix.size());
    writer.ring(ring);
    return message;
}

std::array<std::byte, kServiceBuildBytes> encode_service_build(
    const RingId& ring, std::span<const std::int32_t> services) {
    TOTEM_CHECK(services.size() <= kServiceBuildIdsMax);
    std::array<std::byte, kServiceBuildBytes> message{};
    ByteWriter writer(message);
    write_bytes(writer, kSyncPrefix);
    write_service_header(writer, static_cast<std::uint32_t>(SyncMessageKind::kServiceBuild),
                         kServiceBuildBytes - kSyncPrefix.size());
    writer.ring(ring);
    writer.u32(0);  // the count is aligned to 8
    writer.u32(static_cast<std::uint32_t>(services.size()));
    writer.u32(0);  // and so is the list
    for (const std::int32_t id : services) {
        writer.u32(static_cast<std::uint32_t>(id));
    }
    return message;
}

std::optional<SyncMessage> decode_sync_message(std::span<const std::byte> message) {
    constexpr std::size_t kRingEnd = kServiceHeaderBytes + 12;
    if (message.size() < kRingEnd) {
        return std::nullopt;
    }
    ByteReader reader(message);
    const std::uint32_t id = reader.u32();
    reader.skip(kServiceHeaderBytes - 4);
    SyncMessage decoded;
    decoded.ring = reader.ring();
    if (id == static_cast<std::uint32_t>(SyncMessageKind::kBarrier)) {
        return decoded;
    }
    constexpr std::size_t kCountAndPads = 12;
    if (id != static_cast<std::uint32_t>(SyncMessageKind::kServiceBuild) ||
        reader.left() < kCountAndPads) {
        return std::nullopt;
    }
    decoded.kind = SyncMessageKind::kServiceBuild;
    reader.skip(4);
    const std::uint32_t count = reader.u32();
    reader.skip(4);
    if (count > kServiceBuildIdsMax || reader.left() < std::size_t{4} * count) {
        return std::nullopt;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        decoded.services.push_back(static_cast<std::int32_t>(reader.u32()));
    }
    return decoded;
}

}  // namespace totem::group
