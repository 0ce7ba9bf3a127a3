// The faults of one run, as data: drawn from a seed and a profile, or read from a scenario file.
//
// Because a schedule is a plain list, a failing one shrinks by leaving entries out. A fault holds
// from `at` for `lasts`; the sets of nodes are bit masks, bit i = the i-th node (id i + 1).
// Source: properties.md section 11.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "totem/core/types.h"

namespace sim {

using totem::Duration;
using NodeMask = std::uint32_t;
inline constexpr std::uint32_t kNodesMax = 32;

[[nodiscard]] constexpr NodeMask all_nodes(std::uint32_t count) noexcept {
    return count >= kNodesMax ? ~NodeMask{0} : (NodeMask{1} << count) - 1;
}
[[nodiscard]] constexpr NodeMask mask_of(std::uint32_t node) noexcept {
    return NodeMask{1} << node;
}

enum class FaultKind : std::uint8_t {
    kLoss,       // from -> to; value = per mille
    kDuplicate,  // from -> to; value = per mille; extra = longest delay of the copy, ms
    kReorder,    // from -> to; value = per mille; extra = longest extra delay, ms
    kLatency,    // from -> to; value = added microseconds
    kBandwidth,  // from (the sender's interface); value = bytes per millisecond; extra = queue
                 // bytes
    kCut,        // from -> to: nothing arrives; value = 1: nor the other way
    kDropKind,   // from -> to; value = FrameType; extra = how many of them are lost
    kCrash,      // from; lasts = time down; value = DiskFate; extra = effects done of the last step
    kLeave,      // from; orderly stop, down for `lasts`
    kPause,      // from; no step for `lasts`
    kSlow,       // from; value = microseconds per step
    kClockJump,  // from; value = milliseconds that its clock jumps ahead
    kSlowDisk,   // from; value = milliseconds per write
    kReplay,     // from; value = per mille of its frames that come again up to extra seconds later
    kCorrupt,    // from -> to; value = per mille
    kForceGather,  // from; an administrator's force_gather
    kBurst,        // from; value = messages submitted at once
    kClientCrash,  // from; extra = client; down for `lasts`; of a cfsd value = DiskFate of its
                   // store
    kClientPause,  // from; extra = client
    kAmbush,  // from; value = totem::State: crashes in its step number `extra` within that state,
              // the first time it has come so far; starts again when `lasts` is over
    // ---- of nodes with a cfsd, which is client 2
    kDiskFull,   // from; nothing more can be stored
    kDiskFails,  // from; the next sync fails
    kExpect,     // from; value = votes that an administrator says are to be expected
    kForeign,    // from; a member of another configuration filesystem's group is there
};
inline constexpr std::uint32_t kFaultKinds = 24;

// What a crash leaves of a node's ring id file, and of what its daemon notes in memory that
// outlives it.
enum class DiskFate : std::uint8_t {
    kKept,        // the process died, the machine did not: both are there
    kPowerCut,    // the machine was off: the file alone
    kLost,        // likewise, and no file
    kRestored,    // the machine was not off, but the file is an earlier state of it
    kRolledBack,  // the machine was off, and the file is an earlier state of it
    kCloned,      // another node's
};
inline constexpr std::uint32_t kDiskFates = 6;

struct Fault {
    FaultKind kind{};
    Duration at{};
    Duration lasts{};
    NodeMask from = 0;
    NodeMask to = 0;
    std::uint32_t value = 0;
    std::uint32_t extra = 0;

    friend bool operator==(const Fault&, const Fault&) = default;
};

using Schedule = std::vector<Fault>;

[[nodiscard]] std::string_view to_string(FaultKind kind) noexcept;
// False when there is no such kind.
[[nodiscard]] bool parse(std::string_view name, FaultKind& kind) noexcept;
// One line for a person.
[[nodiscard]] std::string describe(const Fault& fault);

}  // namespace sim
