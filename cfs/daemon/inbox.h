// What other threads hand to the thread that owns the replica, in the order in which it came.
#pragma once

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "totem/core/check.h"

namespace cfs {

template <typename Item>
class Inbox {
  public:
    Inbox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { TOTEM_CHECK(fd_ >= 0); }
    ~Inbox() { ::close(fd_); }
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    Inbox(Inbox&&) = delete;
    Inbox& operator=(Inbox&&) = delete;

    // False: it is closed, and `item` untouched.
    [[nodiscard]] bool push(Item&& item) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return false;
        }
        items_.push_back(std::move(item));
        if (items_.size() == 1) {
            const std::uint64_t one = 1;
            static_cast<void>(!::write(fd_, &one, sizeof one));
        }
        return true;
    }
    // Readable while there is anything.
    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] std::vector<Item> take() {
        const std::lock_guard lock(mutex_);
        if (!items_.empty()) {  // else it did not ring
            std::uint64_t count = 0;
            static_cast<void>(!::read(fd_, &count, sizeof count));
        }
        return std::exchange(items_, {});
    }
    // Nothing more is taken in.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }

  private:
    const int fd_;
    std::mutex mutex_;
    std::vector<Item> items_;  // by mutex_
    bool closed_ = false;      // likewise
};

}  // namespace cfs
