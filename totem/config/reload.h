// What a new configuration may change in a node that runs.
//
// A reload is refused as a whole or done. Entries that cannot change at run time are put back to
// what they were, each with a notice; everything else takes effect.
//
// Source: config.md 13; samples of a reload (texts, order).
#pragma once

#include <string>
#include <vector>

#include "totem/config/cluster_config.h"
#include "totem/config/resolve.h"

namespace totem::config {

struct RunningConfig {
    ClusterConfig cluster;
    ResolvedConfig resolved;
};

struct ReloadPlan {
    // Not empty: refused, with these lines for the log; nothing else below is meant.
    std::vector<std::string> errors;
    // "Modified entry 'K' in corosync.conf cannot be changed at run-time"
    std::vector<std::string> notices;
    RunningConfig next;
};

// `wanted` has passed examine() on this host with the same facts and options.
[[nodiscard]] ReloadPlan plan_reload(const RunningConfig& running, const ClusterConfig& wanted,
                                     const HostFacts& facts, const ResolveOptions& options);

}  // namespace totem::config
