// Wakes a sleeping thread, and costs nothing while it is awake.
//
// The sleeper arms it, looks once more whether there is work, and only then sleeps on fd(). The
// other side rings after each batch; the kernel is asked only when the sleeper is armed.
#pragma once

#include <atomic>
#include <cstdint>

namespace totem::ipc {

class Doorbell {
  public:
    Doorbell();  // aborts when the process has no file descriptor left
    ~Doorbell();
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;
    Doorbell(Doorbell&&) = delete;
    Doorbell& operator=(Doorbell&&) = delete;

    // Readable after ring() found the sleeper armed.
    [[nodiscard]] int fd() const noexcept { return fd_; }

    // Sleeper: from now on ring() makes fd() readable. Look for work after this, then sleep. May be
    // called again before disarm().
    void arm() noexcept;
    // Sleeper: awake again, or finds fd() readable although awake: a ring may leave its mark late.
    // Once is enough, more does no harm.
    void disarm() noexcept;
    // Other side: after work was published.
    void ring() noexcept;

  private:
    int fd_;
    std::atomic<bool> armed_{false};
    bool sleeping_ = false;        // the sleeper's: between arm() and disarm()
    std::uint64_t marks_due_ = 0;  // the sleeper's: rings seen whose mark was not read yet
};

}  // namespace totem::ipc
