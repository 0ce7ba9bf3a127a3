// The command line of cfsd: pmxcfs's flags, and where things are.
//
// Source: cfs.md section 10.
#pragma once

#include <string>
#include <variant>

#include "totem/ipc/door_suffix.h"

namespace cfs {

struct CommandLine {
    bool foreground = false;
    bool local = false;
    bool debug = false;
    bool version = false;
    std::string mount;     // empty: the default below `root`
    std::string database;  // likewise
    std::string root;      // every default path lies below it; empty: the real ones

    [[nodiscard]] std::string mount_path() const;
    [[nodiscard]] std::string database_path() const;
    [[nodiscard]] std::string backup_directory() const;
    // One for each mount point, so that two of them on one are told apart.
    [[nodiscard]] std::string pid_path() const;
    [[nodiscard]] std::string corosync_conf() const;
    // Behind the names of the ring daemon's doors, as totemd --root has it.
    [[nodiscard]] std::string door_suffix() const { return totem::ipc::door_suffix(root); }
};

// A usage error or a question for help has been answered on stderr or stdout; end with this status.
struct CommandLineExit {
    int status = 1;
};

[[nodiscard]] std::variant<CommandLine, CommandLineExit> parse_command_line(int argc, char** argv);

}  // namespace cfs
