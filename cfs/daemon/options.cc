#include "cfs/daemon/options.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "cfs/daemon/exit_codes.h"

namespace cfs {

namespace {

constexpr const char* kUsage =
    "usage: cfsd [-f] [-l] [-d] [--mount DIR] [--database FILE] [--root DIR]\n"
    "  -f, --foreground  stay in the foreground, log to stderr\n"
    "  -l, --local       alone, without a cluster: writable at once, whoever else there is\n"
    "  -d, --debug       more log lines (also: echo 1 >MOUNT/.debug)\n"
    "  --mount DIR       where the files appear (/etc/pve)\n"
    "  --database FILE   where they are kept (/var/lib/pve-cluster/cfs.db)\n"
    "  --root DIR        every default path lies below DIR, and the ring daemon is totemd --root "
    "DIR\n"
    "  -v, --version\n";

}  // namespace

std::string CommandLine::mount_path() const {
    return mount.empty() ? root + "/etc/pve" : std::filesystem::absolute(mount).string();
}

std::string CommandLine::database_path() const {
    return database.empty() ? root + "/var/lib/pve-cluster/cfs.db"
                            : std::filesystem::absolute(database).string();
}

std::string CommandLine::backup_directory() const {
    return std::filesystem::path(database_path()).parent_path() / "backup";
}

std::string CommandLine::pid_path() const {
    if (mount.empty()) {
        return root + "/run/cfsd.pid";
    }
    std::string name = std::filesystem::path(mount_path()).lexically_normal().string();
    std::ranges::replace(name, '/', '-');
    return root + "/run/cfsd" + name + ".pid";
}

std::string CommandLine::corosync_conf() const { return root + "/etc/corosync/corosync.conf"; }

std::variant<CommandLine, CommandLineExit> parse_command_line(int argc, char** argv) {
    CommandLine line;
    bool help = false;
    CLI::App app;
    app.set_help_flag();
    app.add_flag("-f,--foreground", line.foreground);
    app.add_flag("-l,--local", line.local);
    app.add_flag("-d,--debug", line.debug);
    app.add_flag("-v,--version", line.version);
    app.add_flag("-h,--help", help);
    app.add_option("--mount", line.mount);
    app.add_option("--database", line.database);
    app.add_option("--root", line.root);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::fprintf(stderr, "cfsd: %s\n%s", error.what(), kUsage);
        return CommandLineExit{kExitUsage};
    }
    if (help) {
        std::fputs(kUsage, stdout);
        return CommandLineExit{0};
    }
    return line;
}

}  // namespace cfs
