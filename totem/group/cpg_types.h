// The nouns of closed process groups: group names, processes, reasons of a change.
//
// Source: ipc.md 6 and 7, wire.md 6.2.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "totem/core/frame.h"
#include "totem/core/types.h"
#include "totem/group/struct_io.h"

namespace totem::group {

// A group's name: up to 128 bytes of anything, NUL included; equal only with equal length and
// bytes.
class GroupName {
  public:
    static constexpr std::size_t kBytesMax = 128;
    // As a structure, on the wire and at clients: u32 length, padding, 128 bytes.
    static constexpr std::size_t kStructBytes = 136;

    GroupName() = default;
    explicit GroupName(std::string_view text) noexcept { assign(as_byte_span(text)); }

    // Nothing when the structure is not there completely or its length says more than 128.
    [[nodiscard]] static std::optional<GroupName> read(const StructReader& from,
                                                       std::size_t offset) noexcept {
        const std::uint32_t length = from.u32(offset);
        if (!from.has(offset, kStructBytes) || length > kBytesMax) {
            return std::nullopt;
        }
        GroupName name;
        name.assign(from.bytes(offset + 8, length));
        return name;
    }
    // `to` is zeroed, so what follows the name is, too.
    void write(std::span<std::byte> to, std::size_t offset) const {
        StructWriter writer(to);
        writer.u32(offset, length_);
        writer.bytes(offset + 8, bytes());
    }

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return std::span(bytes_).first(length_);
    }
    [[nodiscard]] std::uint32_t length() const noexcept { return length_; }

    friend bool operator==(const GroupName& a, const GroupName& b) noexcept {
        return (a <=> b) == 0;
    }
    friend std::strong_ordering operator<=>(const GroupName& a, const GroupName& b) noexcept {
        if (a.length_ != b.length_) {
            return a.length_ <=> b.length_;
        }
        return std::memcmp(a.bytes_.data(), b.bytes_.data(), a.length_) <=> 0;
    }

  private:
    void assign(std::span<const std::byte> bytes) noexcept {
        length_ = static_cast<std::uint32_t>(std::min(bytes.size(), kBytesMax));
        std::copy_n(bytes.begin(), length_, bytes_.begin());
    }

    std::uint32_t length_ = 0;
    std::array<std::byte, kBytesMax> bytes_{};
};

// A process in a group; its order is that of member lists.
struct CpgProcess {
    NodeId node = kNoNode;
    std::uint32_t pid = 0;

    friend constexpr auto operator<=>(const CpgProcess&, const CpgProcess&) noexcept = default;
};

// Why a process came or went; the values are those that clients see.
enum class CpgReason : std::uint32_t {
    kJoin = 1,
    kLeave = 2,
    kNodeDown = 3,
    kNodeUp = 4,
    kProcDown = 5
};

struct CpgAddress {
    CpgProcess process;
    CpgReason reason{};
};

// One change of one group: `members` are those after it, ascending.
struct CpgChange {
    const GroupName& group;
    std::span<const CpgProcess> members;
    std::span<const CpgAddress> left;
    std::span<const CpgAddress> joined;
};

// Which piece of a message that was too large for one.
enum class CpgPart : std::uint32_t { kWhole = 0, kFirst = 1, kContinued = 2, kLast = 3 };

// A message in its place in the total order. `payload` shares the frame it came in.
struct CpgMessage {
    const GroupName& group;
    CpgProcess sender;
    CpgPart part = CpgPart::kWhole;
    std::uint32_t total_bytes = 0;  // of the whole message that a part belongs to
    FrameRef payload;
};

// The largest payload of one message or part.
inline constexpr std::size_t kCpgPayloadMax = std::size_t{1024} * 1024 - 1024;
// The most members that a client's library has room for.
inline constexpr std::size_t kCpgMembersMax = 128;

}  // namespace totem::group
