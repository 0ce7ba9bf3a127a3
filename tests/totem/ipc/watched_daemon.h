// A daemon whose clients' thread is watched: how often it goes to sleep.
#pragma once

#include <atomic>
#include <fstream>
#include <string>
#include <sys/types.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/totem/ipc/toy_daemon.h"

namespace toy {

class WatchedDaemon : public ::testing::Test {
  protected:
    explicit WatchedDaemon(bool lend)
        : suffix_("-watched" + std::to_string(::getpid())), daemon_(options(lend)) {}
    void SetUp() override {
        ASSERT_TRUE(daemon_.start()) << daemon_.problem;
        daemon_.server().set_ready(true);
    }
    [[nodiscard]] std::string cpg() const { return "cpg" + suffix_; }
    [[nodiscard]] bool asleep() const { return status("State").starts_with('S'); }
    // How often it has gone to sleep.
    [[nodiscard]] std::string sleeps() const { return status("voluntary_ctxt_switches"); }

    std::string suffix_;
    std::atomic<pid_t> thread_{0};
    Daemon daemon_;

  private:
    // A line of what the kernel tells of the thread.
    [[nodiscard]] std::string status(const std::string& what) const {
        std::ifstream status("/proc/self/task/" + std::to_string(thread_) + "/status");
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with(what + ":\t")) {
                return line.substr(what.size() + 2);
            }
        }
        return {};
    }
    ipc::ServerOptions options(bool lend) {
        ipc::ServerOptions options;
        options.services = {group::ServiceId::kCpg};
        options.name_suffix = suffix_;
        options.lend = lend;
        options.on_thread_start = [this] { thread_ = ::gettid(); };
        return options;
    }
};

}  // namespace toy
