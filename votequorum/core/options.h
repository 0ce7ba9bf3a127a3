// What votequorum is told by the configuration (config.md 6), with defaults applied by
// totem/config.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "totem/core/types.h"

namespace votequorum {

struct Options {
    totem::NodeId self = totem::kNoNode;
    std::uint32_t votes = 1;           // of this node
    std::uint32_t expected_votes = 1;  // of the whole cluster
    bool two_node = false;
    // Absent: on exactly when two_node is.
    std::optional<bool> wait_for_all{};
    // The configured node list. A member that is not in it adds no votes (properties.md Q7). Empty:
    // there is no list, everybody counts.
    std::vector<totem::NodeId> listed{};

    // Designed for, not built. A configuration that asks for one of these must be refused:
    // first_unsupported() names it, and VoteQuorum is never made with one.
    bool last_man_standing = false;
    bool auto_tie_breaker = false;
    bool allow_downscale = false;
    bool expected_votes_tracking = false;
    bool device = false;

    [[nodiscard]] bool waits_for_all() const { return wait_for_all.value_or(two_node); }
};

// The first option asked for that is not built, by its key in the section `quorum`; empty when all
// is well.
[[nodiscard]] constexpr std::string_view first_unsupported(const Options& options) noexcept {
    if (options.last_man_standing) {
        return "last_man_standing";
    }
    if (options.auto_tie_breaker) {
        return "auto_tie_breaker";
    }
    if (options.allow_downscale) {
        return "allow_downscale";
    }
    if (options.expected_votes_tracking) {
        return "expected_votes_tracking";
    }
    return options.device ? std::string_view{"device"} : std::string_view{};
}

}  // namespace votequorum
