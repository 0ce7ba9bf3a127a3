// Flags of a trackstart request, as the doors of quorum and votequorum know them (ipc.md 9 and 10).
#pragma once

#include <cstdint>

namespace votequorum {

inline constexpr std::uint32_t kTrackCurrent = 1;
inline constexpr std::uint32_t kTrackChanges = 2;
inline constexpr std::uint32_t kTrackChangesOnly = 4;

[[nodiscard]] constexpr bool wants_current(std::uint32_t flags) noexcept {
    return (flags & kTrackCurrent) != 0;
}
[[nodiscard]] constexpr bool wants_changes(std::uint32_t flags) noexcept {
    return (flags & (kTrackChanges | kTrackChangesOnly)) != 0;
}

}  // namespace votequorum
