// The identifiers and numbers of the protocol, each its own type so that two of them cannot be
// swapped.
//
// Source: totem.md sections 1 and 1.1; wire.md section 2.3.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace totem {

// A processor of the ring. 0 is never a node; see kNoNode.
enum class NodeId : std::uint32_t {};
inline constexpr NodeId kNoNode{0};
[[nodiscard]] constexpr std::uint32_t raw(NodeId id) noexcept {
    return static_cast<std::uint32_t>(id);
}

// One of the networks that carry the ring (0 is the only one until redundancy is configured).
enum class LinkId : std::uint8_t {};

// The most processors in any list of the protocol.
inline constexpr std::size_t kProcessorsMax = 384;

// Time is an argument, never a reading: nanoseconds since an arbitrary start that never goes back.
// This clock has no now() on purpose; a host converts its own clock to it.
struct MonotonicClock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<MonotonicClock, duration>;
    static constexpr bool is_steady = true;
};
using Duration = std::chrono::nanoseconds;
using Instant = MonotonicClock::time_point;

// The number of a message on a ring: 32 bits that wrap.
//
// Order is the rule of totem.md 1.1, written here once: when either side lies above 2^31, both are
// moved down by 2^16 (wrapping) before they are compared, so that numbers just past the wrap come
// after those just before it. It is an order only within a window far smaller than 2^31, which flow
// control guarantees; hence no defaulted <=>.
struct Seq {
    std::uint32_t value = 0;

    friend constexpr bool operator==(Seq a, Seq b) noexcept = default;
    friend constexpr bool operator<(Seq a, Seq b) noexcept {
        constexpr std::uint32_t kHalf = 0x80000000U;
        constexpr std::uint32_t kShift = 0x10000U;
        if (a.value > kHalf || b.value > kHalf) {
            return a.value - kShift < b.value - kShift;
        }
        return a.value < b.value;
    }
    friend constexpr bool operator>(Seq a, Seq b) noexcept { return b < a; }
    friend constexpr bool operator<=(Seq a, Seq b) noexcept { return !(b < a); }
    friend constexpr bool operator>=(Seq a, Seq b) noexcept { return !(a < b); }
    friend constexpr Seq operator+(Seq a, std::uint32_t n) noexcept { return {a.value + n}; }
    friend constexpr Seq operator-(Seq a, std::uint32_t n) noexcept { return {a.value - n}; }
    // How many numbers lie after `b` up to and including `a`; wraps.
    friend constexpr std::uint32_t operator-(Seq a, Seq b) noexcept { return a.value - b.value; }
    constexpr Seq& operator++() noexcept {
        ++value;
        return *this;
    }
};

// Names one installed membership: its representative (lowest member) and a number that only grows.
struct RingId {
    NodeId representative = kNoNode;
    std::uint64_t seq = 0;

    friend constexpr bool operator==(const RingId&, const RingId&) noexcept = default;
    // For ordered containers only; the protocol itself compares ring ids for equality.
    friend constexpr std::strong_ordering operator<=>(const RingId&,
                                                      const RingId&) noexcept = default;
};

// What the sender of a message asks for; the value is what travels in a frame (wire.md 3.2).
enum class Guarantee : std::uint8_t { kAgreed = 0, kSafe = 1 };

}  // namespace totem
