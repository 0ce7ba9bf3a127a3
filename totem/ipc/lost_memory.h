// Outlives a client that cuts short the memory that it shares with the daemon.
//
// The files under that memory belong to the client (ipc.md 1), so it can truncate them at any time,
// and the next access raises SIGBUS. Such an access is left, and whoever asked for it learns that
// the memory is gone; it then must not use it again.
#pragma once

#include <csetjmp>

namespace totem::ipc {

// From now on, for the process.
void watch_for_lost_memory();
// By the thread of the clients whenever libqb may have closed a connection: libqb leaves such an
// access itself then, and the signal stays blocked, so that the very next one would kill.
void watch_again_for_lost_memory();

// Where the calling thread returns to. Use survives().
extern thread_local sigjmp_buf* lost_memory_exit;

// Calls `access`, which only calls libqb and what libqb calls. False: it has been left in its
// middle. What it had taken hold of since then stays taken.
template <typename Access>
[[nodiscard]] bool survives(Access&& access) {
    sigjmp_buf exit;
    sigjmp_buf* const outer = lost_memory_exit;
    const bool whole = sigsetjmp(exit, 0) == 0;
    if (whole) {
        lost_memory_exit = &exit;
        access();
    }
    lost_memory_exit = outer;
    return whole;
}

}  // namespace totem::ipc
