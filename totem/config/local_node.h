// Which node of the list this host is.
//
// Source: config.md 10 ("For us": the address first, then the name).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "totem/config/problem.h"
#include "totem/config/resolve.h"

namespace totem::config {

struct LocalNode {
    std::optional<std::size_t> index;  // in the nodes that were searched
    bool absent = false;               // no node is this host (rather than several)
};

// Problems and warnings go to `report`.
[[nodiscard]] LocalNode find_local_node(const ClusterConfig& config,
                                        const std::vector<ResolvedNode>& nodes,
                                        const HostFacts& facts, const ResolveOptions& options,
                                        Report& report);

// The address is one of this host's.
[[nodiscard]] bool is_local_address(const HostFacts& facts, const IpAddress& address);

}  // namespace totem::config
