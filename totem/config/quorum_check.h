// What votequorum refuses to start with.
//
// Source: config.md 6.
#pragma once

#include "totem/config/cluster_config.h"
#include "totem/config/problem.h"

namespace totem::config {

// All of it at once; `local_listed`: this host is a node of the nodelist.
// The options that are not built yet are refused here with the line they stand in.
void check_quorum(const ClusterConfig& config, bool local_listed, Report& report);

// wait_for_all as it is in force: given, or following two_node.
[[nodiscard]] bool effective_wait_for_all(const QuorumConfig& quorum) noexcept;

}  // namespace totem::config
