// From the configuration to what the link, the seal and the process are told.
#pragma once

#include <string>
#include <vector>

#include "totem/core/result.h"
#include "totem/daemon/configuration.h"
#include "totem/daemon/process.h"
#include "totem/net/seal_key.h"
#include "totem/net/udp_link.h"

namespace totem::daemon {

[[nodiscard]] net::LinkConfig link_config(const Configuration& configuration);
[[nodiscard]] std::vector<NodeId> node_ids(const config::ResolvedConfig& resolved);
[[nodiscard]] Scheduling scheduling_of(const config::SystemConfig& system);

// `keyfile`, else `key`, else the default file (config.md 12). The error is a line for the log.
[[nodiscard]] Result<net::ClusterKey, std::string> cluster_key(const config::TotemConfig& totem,
                                                               const std::string& default_file);

}  // namespace totem::daemon
