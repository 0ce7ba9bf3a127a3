#include "totem/ipc/lost_memory.h"

#include <csignal>

namespace totem::ipc {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the handler has no more
thread_local sigjmp_buf* lost_memory_exit = nullptr;

namespace {

void on_sigbus(int signal, siginfo_t* info, void* /*context*/) {
    if (info->si_code == BUS_ADRERR && lost_memory_exit != nullptr) {
        siglongjmp(*lost_memory_exit, 1);
    }
    // Not ours to survive. Sent by somebody it would not come again by itself.
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

}  // namespace

void watch_for_lost_memory() {
    struct sigaction action {};
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;  // it is left by a jump, never by a return
    ::sigaction(SIGBUS, &action, nullptr);
}

void watch_again_for_lost_memory() {
    sigset_t only{};
    ::sigemptyset(&only);
    ::sigaddset(&only, SIGBUS);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace totem::ipc
