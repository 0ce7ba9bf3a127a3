// A command: what it takes and what it does. Bodies get everything from a Context, so that a test
// runs them with an invented cluster, an invented machine and a directory of its own.
//
// Source: pvecm.md 1 and 4.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "pvecm/cluster.h"
#include "pvecm/config_place.h"
#include "pvecm/host.h"
#include "pvecm/parameters.h"

namespace pvecm {

// Exit statuses: status and nodes have those of corosync-quorumtool; all else that goes wrong is
// 255.
inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;  // the cluster engine does not answer, or says no
inline constexpr int kNotQuorate = 2;
inline constexpr int kFailed = 255;

struct Context {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    Cluster& cluster;
    Host& host;
    ConfigPlace& config;
    std::string key_path = "/etc/corosync/authkey";
    std::string lock_path = "/var/lock/pvecm.lock";
};

struct Command {
    std::string_view name;
    std::string_view description;
    Parameters parameters;
    int (*run)(Context&, const Values&) = nullptr;
};

// In alphabetical order.
[[nodiscard]] std::span<const Command> commands();

}  // namespace pvecm
