// Outlives a client that cuts short the memory that it shares with the daemon.
//
// The files under that memory belong to the client (ipc.md 1), so it can truncate them at any time,
// and the next access raises SIGBUS. Such an access is left, and whoever asked for it learns that
// the memory is gone; it then must not use it again. SIGBUS anywhere else, and for any other reason
// than a page that its file has not got, kills as it always does.
#pragma once

#include <csetjmp>
#include <utility>

namespace totem::ipc {

// From now on, for the process.
void watch_for_lost_memory();
// By the thread of the clients whenever libqb may have closed a connection: libqb leaves such an
// access itself then, and the signal stays blocked, so that the very next one would kill.
void watch_again_for_lost_memory();

// Where the calling thread returns to. Use survives().
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the handler has no more
extern thread_local sigjmp_buf* lost_memory_exit;

// While one lives, nothing is survived: our own code, called back by libqb. It must not be left in
// its middle; what it reads of shared memory it reads in a survives() of its own.
class OwnCode {
  public:
    OwnCode() : outer_(std::exchange(lost_memory_exit, nullptr)) {}
    ~OwnCode() { lost_memory_exit = outer_; }
    OwnCode(const OwnCode&) = delete;
    OwnCode& operator=(const OwnCode&) = delete;
    OwnCode(OwnCode&&) = delete;
    OwnCode& operator=(OwnCode&&) = delete;

  private:
    sigjmp_buf* outer_;
};

// Calls `access`, which only calls libqb, or copies from the memory that it shares. False: it has
// been left in its middle. What it had taken hold of since then stays taken.
template <typename Access>
[[nodiscard]] bool survives(Access&& access) {
    sigjmp_buf exit;
    sigjmp_buf* const outer = lost_memory_exit;
    // The standard lets the call stand nowhere but alone in such a condition.
    if (sigsetjmp(exit, 0) != 0) {
        lost_memory_exit = outer;
        return false;
    }
    lost_memory_exit = &exit;
    access();
    lost_memory_exit = outer;
    return true;
}

}  // namespace totem::ipc
