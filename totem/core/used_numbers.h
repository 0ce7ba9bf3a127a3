// What one life of a node leaves to the next one of the same boot: the ring number that it really
// used, which lies far below the bound in the ring id file.
//
// The daemon keeps it in memory that outlives the process (totem/daemon/ring_number_memo.h), the
// simulator in its node. When it is believed is decided here, for both.
//
// Source: properties.md M1, M2, E2.7; docs/protocol.md, "Start, and ring numbers".
#pragma once

#include <cstdint>
#include <optional>

#include "totem/core/mutant.h"

namespace totem {

// Above this a ring number can only be damage, or come from it.
inline constexpr std::uint64_t kRingNumberDamaged = std::uint64_t{1} << 52U;

struct UsedNumbers {
    std::uint64_t used = 0;     // the highest in a frame; 0: none
    std::uint64_t asked = 0;    // the bound last given to the ring id file
    std::uint64_t durable = 0;  // the one last known to be in it

    // What the last life used, when the ring id file, which holds `stored`, still holds what that
    // life put there, or less than was used: then it was rolled back. With more in it another
    // daemon may have used it since, and the file counts.
    [[nodiscard]] std::optional<std::uint64_t> of_last_life(std::uint64_t stored) const {
        if (used == 0 || used > kRingNumberDamaged) {
            return std::nullopt;
        }
        const bool ours = stored == asked || stored == durable;
        const bool rolled_back = stored < used && !TOTEM_MUTANT(rolled_back_file_believed);
        return ours || rolled_back ? std::optional(used) : std::nullopt;
    }
};

}  // namespace totem
