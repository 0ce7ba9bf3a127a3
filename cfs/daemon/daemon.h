// One run of cfsd, from the command line to the end: opens everything, waits for signals, and ends
// in time whatever is stuck.
//
// Source: architecture.md decisions 9 and 10; cfs.md section 10.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cfs/daemon/group_thread.h"
#include "cfs/daemon/options.h"
#include "cfs/daemon/published.h"
#include "cfs/daemon/store_thread.h"
#include "cfs/fuse/mount.h"
#include "totem/process/log.h"
#include "totem/process/process.h"

namespace cfs {

class Daemon {
  public:
    // `log` outlives it.
    Daemon(CommandLine line, totem::process::Log& log);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    Daemon(Daemon&&) = delete;
    Daemon& operator=(Daemon&&) = delete;

    // Everything that can fail, up to the mounted filesystem. Who is told to stop meanwhile stops
    // in time: run() ends at once, or the process ends in here when something is stuck.
    [[nodiscard]] std::optional<totem::process::Failure> open();
    // Until told to stop; the exit status. May end the process itself, when something is stuck.
    [[nodiscard]] int run();

  private:
    using Deadline = std::chrono::steady_clock::time_point;

    [[nodiscard]] std::optional<totem::process::Failure> open_all();
    void listen(const std::stop_token& opened);
    [[nodiscard]] std::optional<totem::process::Failure> lock();
    [[nodiscard]] std::optional<totem::process::Failure> open_store();
    void decide_mode();
    void make_group();
    void on_signal(int signal);
    void begin_to_stop();
    void feed_watchdog();
    [[nodiscard]] int stop();
    [[noreturn]] void leave_behind(const std::vector<std::string>& stuck);
    void fail(const std::string& why);
    void say(totem::process::Severity severity, const std::string& text);
    void set_debug(bool on);

    CommandLine line_;
    totem::process::Log& log_;
    std::unique_ptr<totem::process::PidFile> pid_file_;
    std::unique_ptr<Store> opened_;  // until its thread has it
    std::optional<Loaded> loaded_;
    bool local_ = false;
    std::unique_ptr<Published> published_;
    std::unique_ptr<Mount> mount_;
    std::unique_ptr<StoreThread> store_;
    std::unique_ptr<GroupThread> group_;
    std::uint64_t rounds_seen_ = 0;
    std::chrono::steady_clock::time_point rounds_seen_at_{};
    std::atomic<bool> failed_{false};
    std::atomic<const char*> opening_{""};  // what is under way
    std::atomic<bool> stopping_{false};
    Deadline leave_at_{};  // set before stopping_
};

// Why this daemon is, or is not, in local mode; an empty line: nothing to say.
struct Mode {
    bool local = false;
    std::string line;
};
struct ModeFacts {
    bool asked = false;           // -l
    bool host_config = false;     // the host has a corosync.conf
    bool tree_config = false;     // the tree has one
    bool was_in_cluster = false;  // the history has an epoch, or one was promised
};
[[nodiscard]] Mode mode_of(const ModeFacts& facts);

}  // namespace cfs
