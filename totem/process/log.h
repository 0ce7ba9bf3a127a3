// A daemon's log: lines as administrators and scripts of corosync know them, to stderr, syslog
// and a file, each with its own threshold per subsystem.
//
// Once in the background, a call only queues the line; a thread of its own opens, writes and closes
// the files, so that neither a full disk nor a stuck syslog holds up the protocol. When lines come
// faster than they can be written the oldest are given up, and their number is told.
//
// Source: config.md 7; samples/log-*.txt (format and texts).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "totem/config/cluster_config.h"

namespace totem::process {

// The values are syslog's; trace is ours.
enum class Severity : std::uint8_t {
    kEmerg = 0,
    kAlert = 1,
    kCrit = 2,
    kError = 3,
    kWarning = 4,
    kNotice = 5,
    kInfo = 6,
    kDebug = 7,
    kTrace = 8,
};

class Log {
  public:
    // To stderr, from info on, written at once. `ident` is what syslog shows; it must live as long.
    explicit Log(const char* ident);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    Log(Log&&) = delete;
    Log& operator=(Log&&) = delete;

    // Called when it is done, by the log's thread once there is one: with nothing, or with why a
    // file cannot be opened, and then everything is as before. It must not log.
    using Done = std::function<void(const std::string& problem)>;
    void configure(const config::LoggingConfig& config, Done done);
    // Opens the files anew, after they were rotated away.
    void reopen(Done done);
    // From now on a thread of the log writes; it calls `on_thread_start` first. After the process
    // has become a daemon.
    void go_to_background(std::function<void()> on_thread_start = [] {});
    // Waits until what was written is out, as long as that takes; for the last words of a process
    // that dies. Others may go on writing.
    void flush();
    // Nothing to stderr any more: it has been closed.
    void detach_stderr();

    // `subsystem` is one of config.md 7: MAIN, TOTEM, SERV, QB, CFG, CPG, QUORUM, VOTEQ, ...
    void write(Severity severity, std::string_view subsystem, std::string_view text);
    // Whether a line of this severity would go anywhere.
    [[nodiscard]] bool wants(Severity severity, std::string_view subsystem) const;

  private:
    class Sink;
    struct Writer;

    std::shared_ptr<Sink> sink_;
    std::unique_ptr<Writer> writer_;
};

// "Nov 22 08:11:47.003 notice  [TOTEM ] text": without the time when `time` is empty.
[[nodiscard]] std::string format_line(std::string_view time, Severity severity,
                                      std::string_view subsystem, std::string_view text);

}  // namespace totem::process
