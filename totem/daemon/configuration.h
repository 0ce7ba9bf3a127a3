// The configuration of this host: the file, uidgid.d beside it, and what only the host can look up.
//
// Reads files and asks the resolver, so it may take seconds: at start, and at a reload on a thread
// of its own. What it all means is decided in totem/config.
//
// Source: config.md 1, 8, 10, 15.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "totem/config/cluster_config.h"
#include "totem/config/resolve.h"
#include "totem/core/result.h"
#include "totem/core/types.h"
#include "totem/net/seal_key.h"

namespace totem::daemon {

struct Configuration {
    config::ClusterConfig cluster;
    config::ResolvedConfig resolved;
    // What it was resolved with; a reload resolves once more (reload_configuration()).
    config::HostFacts facts;
    config::ResolveOptions options;
    std::vector<std::string> warnings;
};

// All that is wrong, one line each, and the status to end with.
struct ConfigurationErrors {
    std::vector<std::string> lines;
    int exit_code = 8;
};

[[nodiscard]] Result<Configuration, ConfigurationErrors> load_configuration(const std::string& path,
                                                                            NodeId local_node);

struct Reloaded {
    Configuration configuration;
    std::optional<net::ClusterKey> key;  // of a sealed ring
    // What the file changes and the node cannot: put back, a line each.
    std::vector<std::string> notices;
};

// Where the files are, and which node this is when the command line says so.
struct ConfigurationSource {
    std::string path;
    std::string key_path;  // of the key, when the configuration names none
    NodeId local_node = kNoNode;
};

// The same for a node that runs with `running`, and the key once more.
[[nodiscard]] Result<Reloaded, ConfigurationErrors> reload_configuration(
    const Configuration& running, const ConfigurationSource& source);

// `keyfile`, else `key`, else the default file (config.md 12). The error is a line for the log.
[[nodiscard]] Result<net::ClusterKey, std::string> cluster_key(const config::TotemConfig& totem,
                                                               const std::string& default_file);

}  // namespace totem::daemon
