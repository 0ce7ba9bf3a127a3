#include "totem/ipc/lost_memory.h"

#include <csignal>

namespace totem::ipc {

thread_local sigjmp_buf* lost_memory_exit = nullptr;

namespace {

void on_sigbus(int signal) {
    if (lost_memory_exit != nullptr) {
        siglongjmp(*lost_memory_exit, 1);
    }
    // Not ours to survive: die of it at the same place.
    std::signal(signal, SIG_DFL);
}

}  // namespace

void watch_for_lost_memory() {
    struct sigaction action {};
    action.sa_handler = on_sigbus;
    action.sa_flags = SA_NODEFER;  // it is left by a jump, never by a return
    ::sigaction(SIGBUS, &action, nullptr);
}

void watch_again_for_lost_memory() {
    sigset_t only{};
    ::sigemptyset(&only);
    ::sigaddset(&only, SIGBUS);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace totem::ipc
