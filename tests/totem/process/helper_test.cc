// A helper thread: signals of the process go elsewhere, and what must end the process still does.
#include <csignal>
#include <pthread.h>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "totem/process/process.h"

namespace {

TEST(Helper, has_its_name_and_leaves_signals_to_others) {
    sigset_t blocked{};
    std::string name(16, '\0');
    std::thread([&] {
        totem::process::become_helper("helper-test");
        ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    }).join();
    EXPECT_STREQ(name.c_str(), "helper-test");
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) {
        EXPECT_EQ(::sigismember(&blocked, signal), 1) << signal;
    }
    // The last is how a process ends that hangs; others may hang in a call that nothing interrupts.
    for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGALRM}) {
        EXPECT_EQ(::sigismember(&blocked, signal), 0) << signal;
    }
}

}  // namespace
