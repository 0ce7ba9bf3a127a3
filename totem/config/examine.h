// All that can be said about a file on a host, in one go: what a start, a reload and `-t` ask for.
//
//     auto loaded = parse(text, file);
//     auto facts = ...;                                   // of lookups(*loaded.draft), when there
//     is one auto verdict = examine(std::move(loaded), facts, options);
//
// Source: config.md 2 to 11.
#pragma once

#include <optional>
#include <vector>

#include "totem/config/load.h"
#include "totem/config/resolve.h"

namespace totem::config {

struct Verdict {
    // Both are there exactly when there are no problems.
    std::optional<ClusterConfig> config;
    std::optional<ResolvedConfig> resolved;
    std::vector<Problem> problems;  // in the order of Stage, then by line
    std::vector<Warning> warnings;
};

[[nodiscard]] Verdict examine(LoadResult loaded, const HostFacts& facts,
                              const ResolveOptions& options);

}  // namespace totem::config
