// The messages of votequorum on the ring: bytes to values and back.
//
// Source: wire.md 6.3. Offsets there count from the 16-byte service header, which is received with
// the message but written by the stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "totem/core/result.h"
#include "totem/core/types.h"

namespace votequorum {

enum class Function : std::uint16_t {
    kNodeinfo = 0,
    kReconfigure = 1,
    kDeviceRegister = 2,
    kDeviceReconfigure = 3,
};

// Flags of a nodeinfo.
inline constexpr std::uint32_t kFlagQuorate = 1;
inline constexpr std::uint32_t kFlagLeaving = 2;
inline constexpr std::uint32_t kFlagWaitingForAll = 4;
inline constexpr std::uint32_t kFlagFirst = 8;

// What a node says of itself, or, with node kDeviceRecord, of the quorum device's votes.
inline constexpr totem::NodeId kDeviceRecord{0};
struct Nodeinfo {
    totem::NodeId node = totem::kNoNode;
    std::uint32_t votes = 0;
    std::uint32_t expected_votes = 0;
    std::uint32_t flags = 0;
};

struct Reconfigure {
    enum class Parameter : std::uint8_t {
        kExpectedVotes = 1,
        kNodeVotes = 2,
        kCancelWaitForAll = 3,
    };
    totem::NodeId node = totem::kNoNode;
    std::uint32_t value = 0;
    Parameter parameter{};
};

// The bytes behind the service header.
inline constexpr std::size_t kBodyBytes = 16;
using Body = std::array<std::byte, kBodyBytes>;
[[nodiscard]] Body encode(const Nodeinfo& message);
[[nodiscard]] Body encode(const Reconfigure& message);

// The whole message, header included; the error is what was wrong with it.
[[nodiscard]] totem::Result<Nodeinfo, std::string_view> decode_nodeinfo(
    std::span<const std::byte> message);
[[nodiscard]] totem::Result<Reconfigure, std::string_view> decode_reconfigure(
    std::span<const std::byte> message);

}  // namespace votequorum
