#include "totem/ipc/doorbell.h"

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "totem/core/check.h"

namespace totem::ipc {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { TOTEM_CHECK(fd_ >= 0); }

Doorbell::~Doorbell() { ::close(fd_); }

void Doorbell::arm() noexcept {
    // Sequentially consistent with the exchange in ring(): either the ringer sees us armed, or we
    // see what it published.
    const bool was_armed = armed_.exchange(true, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (std::exchange(sleeping_, true) && !was_armed) {
        ++marks_due_;  // rung since it was armed before
    }
}

void Doorbell::disarm() noexcept {
    if (std::exchange(sleeping_, false)) {
        marks_due_ += armed_.exchange(false, std::memory_order_seq_cst) ? 0 : 1;
    }
    if (marks_due_ == 0) {
        return;  // there is nothing to read
    }
    // A ringer that found us armed may not have written yet. Its mark then lies there after this,
    // and must be read the next time, armed or not, or fd() would stay readable and the sleeper
    // never sleep again.
    std::uint64_t count = 0;
    if (::read(fd_, &count, sizeof count) == sizeof count) {
        marks_due_ -= count;
    }
}

void Doorbell::ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (armed_.load(std::memory_order_relaxed) &&
        armed_.exchange(false, std::memory_order_seq_cst)) {
        const std::uint64_t one = 1;
        static_cast<void>(::write(fd_, &one, sizeof one));
    }
}

}  // namespace totem::ipc
