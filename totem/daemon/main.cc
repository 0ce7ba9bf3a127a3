// totemd: the cluster engine. Reads the command line and the configuration, becomes a daemon, and
// hands over to Daemon.
//
// Source: config.md 1 and 15; samples/config-errors.txt, access.txt.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "totem/core/check.h"
#include "totem/daemon/configuration.h"
#include "totem/daemon/daemon.h"
#include "totem/daemon/exit_codes.h"
#include "totem/daemon/link_config.h"
#include "totem/daemon/options.h"
#include "totem/process/last_words.h"
#include "totem/process/log.h"
#include "totem/process/process.h"

namespace totem::daemon {
namespace {

using process::Background;
using process::PidFile;
using process::PidFileProblem;

// In the words and with the statuses of the daemon that is replaced.
Failure failure_of(const PidFileProblem& problem, const std::string& path) {
    using Kind = PidFileProblem::Kind;
    switch (problem.kind) {
        case Kind::kOpen:
            return {fmt::format("Corosync Executive couldn't open lock file {}: {}", path,
                                problem.reason),
                    kExitLock};
        case Kind::kInUse:
            return {"Another Corosync instance is already running.", kExitRunning};
        case Kind::kWrite:
            return {fmt::format("Corosync Executive couldn't write its pid to {}: {}", path,
                                problem.reason),
                    kExitLock};
        case Kind::kLock:
            break;
    }
    return {fmt::format("Corosync Executive couldn't lock {}: {}", path, problem.reason),
            kExitLock};
}

int say_goodbye(Log& log, int status, int line) {
    if (status == 0) {
        log.write(Severity::kNotice, "MAIN", "Corosync Cluster Engine exiting normally");
    } else {
        constexpr int kKilled = 255;  // -1 for whoever knows the line
        log.write(Severity::kError, "MAIN",
                  fmt::format("Corosync Cluster Engine exiting with status {} at main.cc:{}.",
                              status == kKilled ? -1 : status, line));
    }
    return status;
}

int fail(Log& log, const Failure& failure, int line) {
    log.write(Severity::kError, "MAIN", failure.text);
    return say_goodbye(log, failure.exit_code, line);
}

int run(const CommandLine& line, Configuration configuration, Log& log, Background& background) {
    auto pid_file = PidFile::acquire(line.pid_path());
    if (!pid_file) {
        return fail(log, failure_of(pid_file.error(), line.pid_path()), __LINE__);
    }
    Daemon daemon(line, std::move(configuration), log);
    if (const auto failure = daemon.open()) {
        return fail(log, *failure, __LINE__);
    }
    if (background.entered()) {
        log.detach_stderr();
        background.tell(0);
    }
    const int status = daemon.run();
    return say_goodbye(log, status, __LINE__);
}

// What is said before the configuration has told where to. A service's stderr may lead nowhere
// (totemd.service), and a start that fails must be found where everything else of it is.
void to_syslog_too(Log& log) {
    config::LoggingConfig logging;
    logging.target.to_stderr = true;
    logging.target.to_syslog = true;
    log.configure(logging, [](const std::string&) {});
}

int start(const CommandLine& line, Log& log) {
    log.write(Severity::kNotice, "MAIN", "Corosync Cluster Engine 3.1.7 starting up");
    log.write(Severity::kInfo, "MAIN", "Quorate totemd 0.1.0");
    auto configuration = load_configuration(line.config_path(), totem::NodeId{line.node});
    if (!configuration) {
        if (!line.test) {
            to_syslog_too(log);
        }
        for (const std::string& problem : configuration.error().lines) {
            log.write(Severity::kError, "MAIN", problem);
        }
        return say_goodbye(log, configuration.error().exit_code, __LINE__);
    }
    for (const std::string& warning : configuration->warnings) {
        log.write(Severity::kWarning, "MAIN", warning);
    }
    if (line.test) {
        return 0;
    }
    Background background;
    if (!line.foreground) {
        auto entered = Background::enter();
        if (!entered) {
            to_syslog_too(log);
            return fail(log, {entered.error(), kExitFork}, __LINE__);
        }
        background = std::move(*entered);
    }
    std::string problem;
    log.configure(configuration->cluster.logging,
                  [&problem](const std::string& what) { problem = what; });
    if (!problem.empty()) {
        to_syslog_too(log);
        return fail(log, {"parse error in config: " + problem, kExitLogging}, __LINE__);
    }
    // Above everything that is not real-time: the protocol shares a lock with the log's thread, for
    // moments, and must not wait for one that has lost its processor.
    process::Scheduling below_protocol = scheduling_of(configuration->cluster.system);
    below_protocol.below = 2;
    log.go_to_background([below_protocol] {
        process::become_helper("totemd-log");
        static_cast<void>(process::set_scheduling(below_protocol));
    });
    process::raise_descriptor_limit();
    if (const std::string unlocked = process::lock_memory(); !unlocked.empty()) {
        log.write(Severity::kWarning, "MAIN", unlocked);
    }
    const int status = run(line, std::move(*configuration), log, background);
    background.tell(status);
    return status;
}

int run(int argc, char** argv) {
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* exit = std::get_if<CommandLineExit>(&parsed)) {
        return exit->status;
    }
    const auto& line = std::get<CommandLine>(parsed);
    if (line.version) {
        std::fputs(version_text().c_str(), stdout);
        return 0;
    }
    std::signal(SIGPIPE, SIG_IGN);
    Log log("corosync");
    const process::LastWords last_words(log);
    return start(line, log);
}

}  // namespace
}  // namespace totem::daemon

// NOLINTNEXTLINE(bugprone-exception-escape): LastWords tells what ended the program
int main(int argc, char** argv) { return totem::daemon::run(argc, argv); }
