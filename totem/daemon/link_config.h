// From the configuration to what the link, the seal and the process are told.
#pragma once

#include <vector>

#include "totem/daemon/configuration.h"
#include "totem/net/udp_link.h"
#include "totem/process/process.h"

namespace totem::daemon {

[[nodiscard]] net::LinkConfig link_config(const Configuration& configuration);
[[nodiscard]] std::vector<NodeId> node_ids(const config::ResolvedConfig& resolved);
[[nodiscard]] process::Scheduling scheduling_of(const config::SystemConfig& system);

}  // namespace totem::daemon
