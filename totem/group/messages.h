// The layouts that the group layer itself puts into the ring's frames: the head of a packed frame,
// the group prefix of each message, the header of a service message and the messages of the
// synchronisation.
//
// Decoders take any bytes: what does not hold together is an empty optional, never a read past the
// end. Source: wire.md 5.1, 5.4, 6.1 and 7.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "totem/core/types.h"

namespace totem::group {

// ---- a packed frame (wire.md 5.1) ---------------------------------------------------------------

inline constexpr std::size_t kPackedHeadBytes = 8;    // version, type, fragmented, continuation, n
inline constexpr std::size_t kPackedLengthBytes = 2;  // each entry of the table of lengths
// One message after reassembly, its group prefix included (totem.md 1).
inline constexpr std::size_t kMessageBytesMax = 1'048'576;
// What a receiver holds of one sender before it gives up on it (wire.md 5.3).
inline constexpr std::size_t kReassemblyBytesMax = kMessageBytesMax + 65'536;

struct PackedHead {
    std::uint8_t fragmented = 0;    // 0, or the number of the fragment that the last part is
    std::uint8_t continuation = 0;  // 0, or the `fragmented` that the first part continues
    std::uint16_t count = 0;
};

// Writes the head only; the table of lengths follows it. `out` has kPackedHeadBytes at least.
void encode_packed_head(const PackedHead& head, std::span<std::byte> out);

// The head of a frame whose lengths add up to exactly its size, with one part at least.
[[nodiscard]] std::optional<PackedHead> decode_packed_head(std::span<const std::byte> frame);
// Length of part `index` of a frame that decode_packed_head() accepted.
[[nodiscard]] std::size_t packed_length(std::span<const std::byte> frame, std::size_t index);

// ---- groups (wire.md 5.4) -----------------------------------------------------------------------

enum class Group : std::uint8_t { kServices, kSync, kOther };

inline constexpr std::array kServicesPrefix = {std::byte{1}, std::byte{0}, std::byte{1},
                                               std::byte{0}, std::byte{'a'}};
inline constexpr std::array kSyncPrefix = {std::byte{1},   std::byte{0},   std::byte{4},
                                           std::byte{0},   std::byte{'s'}, std::byte{'y'},
                                           std::byte{'n'}, std::byte{'c'}};

struct GroupPrefix {
    Group group = Group::kOther;
    std::size_t bytes = 0;  // where the message itself starts
};
[[nodiscard]] std::optional<GroupPrefix> decode_group_prefix(std::span<const std::byte> message);

// ---- service messages (wire.md 6.1) -------------------------------------------------------------

inline constexpr std::size_t kServiceHeaderBytes = 16;
inline constexpr std::size_t kServicesHeadBytes = kServicesPrefix.size() + kServiceHeaderBytes;

struct ServiceHeader {
    std::uint16_t service = 0;
    std::uint16_t function = 0;
    std::uint32_t size = 0;  // from the header's first byte to the message's last
};

// The prefix of group "a" and the header, which always travel together.
[[nodiscard]] std::array<std::byte, kServicesHeadBytes> encode_services_head(
    const ServiceHeader& header);
// `message` starts behind the group prefix. Only the length of the header itself is checked.
[[nodiscard]] std::optional<ServiceHeader> decode_service_header(
    std::span<const std::byte> message);

// How long a message will be, judged by its first part; 0 when that does not tell. Only a hint for
// the size of a buffer: it comes from the wire unchecked.
[[nodiscard]] std::size_t announced_bytes(std::span<const std::byte> first_part);

// ---- synchronisation (wire.md 7) ----------------------------------------------------------------

inline constexpr std::size_t kBarrierBytes = kSyncPrefix.size() + 32;
inline constexpr std::size_t kServiceBuildBytes = kSyncPrefix.size() + 552;
inline constexpr std::size_t kServiceBuildIdsMax = 128;

enum class SyncMessageKind : std::uint8_t { kBarrier = 0, kServiceBuild = 1 };

struct SyncMessage {
    SyncMessageKind kind = SyncMessageKind::kBarrier;
    RingId ring;
    std::vector<std::int32_t> services;  // service_build only, as the sender lists them
};

// Both with the prefix of group "sync".
[[nodiscard]] std::array<std::byte, kBarrierBytes> encode_barrier(const RingId& ring);
// `services` has at most kServiceBuildIdsMax entries (checked).
[[nodiscard]] std::array<std::byte, kServiceBuildBytes> encode_service_build(
    const RingId& ring, std::span<const std::int32_t> services);
// `message` starts behind the group prefix.
[[nodiscard]] std::optional<SyncMessage> decode_sync_message(std::span<const std::byte> message);

}  // namespace totem::group
