// From flat keys to a ClusterConfig, with the checks of what values mean together.
//
// Source: config.md 3 to 9.
#pragma once

#include "totem/config/cluster_config.h"
#include "totem/config/flatten.h"
#include "totem/config/problem.h"

namespace totem::config {

[[nodiscard]] ClusterConfig build_config(const FlatConfig& flat, Report& report);

// The parts, each in a file of its own.
[[nodiscard]] TotemConfig build_totem(const FlatConfig& flat, Report& report);
[[nodiscard]] std::vector<InterfaceConfig> build_interfaces(const FlatConfig& flat);
[[nodiscard]] std::vector<NodeConfig> build_nodes(const FlatConfig& flat);
[[nodiscard]] QuorumConfig build_quorum(const FlatConfig& flat);
[[nodiscard]] LoggingConfig build_logging(const FlatConfig& flat, Report& report);
[[nodiscard]] SystemConfig build_system(const FlatConfig& flat, Report& report);

// Links, nodes and interfaces against each other.
void check_links(const ClusterConfig& config, Report& report);

}  // namespace totem::config
