// The descriptors that the clients' thread leaves to the protocol thread for a while, which waits
// for all of them with one descriptor.
//
// Each readiness is told once (edge triggered): whoever takes it serves the descriptor or sees to
// it that somebody does, and what is not served keeps nobody awake. The kernel does the locking;
// source: epoll(7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <sys/epoll.h>

namespace totem::ipc {

class LentSet {
  public:
    static constexpr std::size_t kTakenMax = 8;
    using Events = std::array<epoll_event, kTakenMax>;  // data.fd tells which

    LentSet();  // aborts when the process has no file descriptor left
    ~LentSet();
    LentSet(const LentSet&) = delete;
    LentSet& operator=(const LentSet&) = delete;
    LentSet(LentSet&&) = delete;
    LentSet& operator=(LentSet&&) = delete;

    // Readable while something is there to take().
    [[nodiscard]] int fd() const noexcept { return epoll_; }
    // False: the kernel does not take it.
    [[nodiscard]] bool add(int fd) noexcept;
    void remove(int fd) noexcept;
    // Takes some of what has become ready; how many. Never waits.
    [[nodiscard]] std::size_t take(Events& events) noexcept;

  private:
    int epoll_;
};

}  // namespace totem::ipc
