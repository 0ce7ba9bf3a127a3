// cfsd: the replicated configuration filesystem. Reads the command line, becomes a daemon, and
// hands over to Daemon.
#include <csignal>
#include <cstdio>
#include <pthread.h>
#include <sys/stat.h>
#include <utility>

#include "cfs/daemon/daemon.h"
#include "cfs/daemon/exit_codes.h"
#include "totem/process/last_words.h"
#include "totem/process/process.h"

namespace cfs {
namespace {

using totem::process::Background;
using totem::process::Severity;

int serve(const CommandLine& line, totem::process::Log& log, Background& background) {
    Daemon daemon(line, log);
    if (const auto failure = daemon.open()) {
        log.write(Severity::kError, "MAIN", failure->text);
        return failure->exit_code;
    }
    if (background.entered()) {
        log.detach_stderr();
        background.tell(0);
    }
    const int status = daemon.run();
    log.write(Severity::kNotice, "MAIN", status == 0 ? "ends" : "ends after a failure");
    return status;
}

int start(const CommandLine& line, totem::process::Log& log) {
    Background background;
    if (!line.foreground) {
        auto entered = Background::enter();
        if (!entered) {
            log.write(Severity::kError, "MAIN", entered.error());
            return kExitStart;
        }
        background = std::move(*entered);
    }
    constexpr mode_t kUmask = 027;
    ::umask(kUmask);
    log.go_to_background([] {
        ::pthread_setname_np(::pthread_self(), "cfsd-log");
        sigset_t all{};
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the main thread
    });
    log.write(Severity::kNotice, "MAIN", "Quorate cfsd 0.1.0 starts");
    const int status = serve(line, log, background);
    log.flush();
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
        std::puts("Quorate cfsd 0.1.0");
        return 0;
    }
    std::signal(SIGPIPE, SIG_IGN);
    totem::process::Log log("cfsd");
    const totem::process::LastWords last_words(log);
    return start(line, log);
}

}  // namespace
}  // namespace cfs

// NOLINTNEXTLINE(bugprone-exception-escape): LastWords tells what ended the program
int main(int argc, char** argv) { return cfs::run(argc, argv); }
