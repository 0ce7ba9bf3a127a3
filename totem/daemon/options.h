// The command line: corosync's options, and two of our own for several daemons on one host.
//
// Source: config.md 1 and 15; samples/usage.txt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "totem/core/types.h"
#include "totem/ipc/door_suffix.h"

namespace totem::daemon {

struct CommandLine {
    std::string config_file;  // empty: the default below `root`
    bool foreground = false;
    bool test = false;
    bool version = false;
    std::string root;        // every default path lies below it; empty: the real ones
    std::uint32_t node = 0;  // this host is that node of the list; 0: found out

    [[nodiscard]] std::string config_path() const {
        return config_file.empty() ? root + "/etc/corosync/corosync.conf" : config_file;
    }
    [[nodiscard]] std::string state_directory() const { return root + "/var/lib/corosync"; }
    [[nodiscard]] std::string pid_path() const { return root + "/run/corosync.pid"; }
    // See ring_number_memo.h.
    [[nodiscard]] std::string ring_number_path(NodeId self) const {
        return root + "/run/totemd.ringid_" + std::to_string(raw(self));
    }
    [[nodiscard]] std::string key_path() const { return root + "/etc/corosync/authkey"; }
    // Behind the names of the doors: several daemons share the abstract socket names of a host.
    [[nodiscard]] std::string door_suffix() const { return ipc::door_suffix(root); }
};

// A usage error or a question for help has been answered on stderr or stdout; end with this status.
struct CommandLineExit {
    int status = 1;
};

[[nodiscard]] std::variant<CommandLine, CommandLineExit> parse_command_line(int argc, char** argv);

// What -v prints.
[[nodiscard]] std::string version_text();

}  // namespace totem::daemon
