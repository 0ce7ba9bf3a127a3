// What a configuration has to ask of the machine it is read on: interfaces, names, users.
//
// Every call may wait for a resolver, for seconds. What the answers mean is decided in
// totem/config.
//
// Source: config.md 8, 10.
#pragma once

#include <optional>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "totem/config/address.h"
#include "totem/config/cluster_config.h"
#include "totem/config/resolve.h"

namespace totem::host {

// Empty when it is no address of the Internet, or none at all.
[[nodiscard]] std::optional<config::IpAddress> to_address(const sockaddr* from);

// Empty when the machine does not tell.
[[nodiscard]] std::string host_name();

// All addresses of a name in the resolver's order, each once; none when it has none.
[[nodiscard]] std::vector<config::IpAddress> look_up(const std::string& name);

// All that resolve() asks of this machine for `cluster`.
[[nodiscard]] config::HostFacts facts_for(const config::ClusterConfig& cluster);

}  // namespace totem::host
