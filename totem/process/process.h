// What a daemon does to its own process: lock and pid file, background, memory, priority,
// systemd.
//
// Source: config.md 9 and 15.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "totem/core/result.h"

namespace totem::process {

// Why the daemon cannot go on: what to log, and the exit status (of totemd: config.md 15).
struct Failure {
    std::string text;
    int exit_code = 1;
};

struct PidFileProblem {
    enum class Kind : std::uint8_t { kOpen, kLock, kInUse, kWrite };
    Kind kind{};
    std::string reason;  // as the system words it
};

// The pid file, locked while it lives, so that only one daemon (ours or the one it replaces) runs.
class PidFile {
  public:
    [[nodiscard]] static Result<PidFile, PidFileProblem> acquire(const std::string& path);
    PidFile(PidFile&& other) noexcept;
    PidFile& operator=(PidFile&&) = delete;
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;
    ~PidFile();  // removes it

  private:
    PidFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

    std::string path_;
    int fd_ = -1;
};

// Goes to the background. The process that was started waits until the daemon says how its start
// went and ends with that status, so that a failed start is seen by whoever started it.
class Background {
  public:
    // Before any thread exists. Returns in the daemon only.
    [[nodiscard]] static Result<Background, std::string> enter();
    // Nothing to tell anybody: stays in the foreground.
    Background() = default;
    Background(Background&& other) noexcept;
    Background& operator=(Background&& other) noexcept;
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    ~Background();  // as tell(1): whoever waits must not wait for ever

    // Once: closes the standard streams when all is well.
    void tell(int exit_code);
    [[nodiscard]] bool entered() const noexcept { return fd_ >= 0; }

  private:
    explicit Background(int fd) : fd_(fd) {}

    int fd_ = -1;  // the waiting process reads the other end
};

// One line each saying what was obtained; empty: as asked.
[[nodiscard]] std::string lock_memory();
struct Scheduling {
    bool realtime = true;
    bool least = false;           // the lowest priority of the class
    std::optional<int> priority;  // the highest when absent
    int below = 0;                // this much below that, for a thread that must yield to another
};
// For the calling thread. Returns what it got, for the log.
[[nodiscard]] std::string set_scheduling(const Scheduling& wish);
void raise_descriptor_limit();
// For the calling thread, when it is not the one that takes the process's signals: names it, and
// keeps it from being interrupted in the middle of a write. What the thread itself causes, and the
// alarm of end_within(), come through as ever.
void become_helper(const char* name);

// Whatever hangs from now on: the process ends with this status, at once and without another word,
// when the time is over.
void end_within(std::chrono::seconds limit, int exit_status);

// Tells systemd, when it waits for that; silently nothing otherwise.
void notify_systemd(std::string_view state);

}  // namespace totem::process
