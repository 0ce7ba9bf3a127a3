#include "totem/daemon/options.h"

#include <cstdio>

#include <CLI/CLI.hpp>

namespace totem::daemon {

namespace {

constexpr const char* kUsage =
    "usage:\n"
    "        -c FILE    : Cluster configuration file (/etc/corosync/corosync.conf).\n"
    "        -f         : Start application in foreground.\n"
    "        -t         : Test configuration and exit.\n"
    "        -v         : Display version and exit.\n"
    "        --root DIR : Look for configuration, state and pid file below DIR. Clients do not "
    "find\n"
    "                     such a daemon: the names of its doors end in @DIR, / as :.\n"
    "        --node ID  : This host is node ID of the node list, whatever its addresses.\n";

}  // namespace

std::variant<CommandLine, CommandLineExit> parse_command_line(int argc, char** argv) {
    CommandLine line;
    bool help = false;
    CLI::App app;
    app.set_help_flag();
    app.add_option("-c", line.config_file);
    app.add_flag("-f", line.foreground);
    app.add_flag("-t", line.test);
    app.add_flag("-v,--version", line.version);
    app.add_flag("-h,--help", help);
    app.add_option("--root", line.root);
    app.add_option("--node", line.node);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::fprintf(stderr, "totemd: %s\n%s", error.what(), kUsage);
        return CommandLineExit{1};
    }
    if (help) {
        std::fputs(kUsage, stdout);
        return CommandLineExit{0};
    }
    return line;
}

std::string version_text() {
    return "Corosync Cluster Engine, version '3.1.7'\n"
           "Quorate totemd 0.1.0: speaks the protocol, the client interfaces and the "
           "configuration\n"
           "of that version; transports udp and udpu.\n";
}

}  // namespace totem::daemon
