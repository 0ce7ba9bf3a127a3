// The keys of the configuration map that follow from a resolved configuration.
//
// Source: ipc.md 12; config.md 8, 10.
#pragma once

#include <vector>

#include "totem/config/resolve.h"

namespace totem::config {

// Everything of ResolvedConfig::keys but uidgid, by name.
[[nodiscard]] std::vector<Key> runtime_keys(const ClusterConfig& config,
                                            const ResolvedConfig& resolved);

}  // namespace totem::config
