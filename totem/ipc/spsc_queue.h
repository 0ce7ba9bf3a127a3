// A bounded queue between exactly two threads: one pushes, one pops, neither ever waits.
//
// The clients' thread and the protocol thread hand each other messages and emptied frames through
// it. Slots are assigned by moving, so a FrameRef changes thread without touching its count.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

namespace totem::ipc {

// Indices only grow; each side keeps a copy of the other's, so that the shared cache line is read
// only when the copy says full or empty.
template <typename T>
class SpscQueue {
  public:
    // `capacity` is rounded up to a power of two.
    explicit SpscQueue(std::size_t capacity)
        : slots_(std::bit_ceil(capacity)), mask_(slots_.size() - 1) {}

    // Producer. False: full, and `value` is untouched.
    [[nodiscard]] bool push(T&& value) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_seen_ == slots_.size()) {
            head_seen_ = head_.load(std::memory_order_acquire);
            if (tail - head_seen_ == slots_.size()) {
                return false;
            }
        }
        slots_[tail & mask_] = std::move(value);
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    // Consumer. The oldest value, to be moved from before pop(); nullptr when there is none.
    [[nodiscard]] T* front() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_) {
            tail_seen_ = tail_.load(std::memory_order_acquire);
            if (head == tail_seen_) {
                return nullptr;
            }
        }
        return &slots_[head & mask_];
    }
    void pop() {
        head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    // Consumer. How many can be popped, or a few less.
    [[nodiscard]] std::size_t size() const {
        return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed);
    }

  private:
    static constexpr std::size_t kCacheLine = 64;

    std::vector<T> slots_;
    std::size_t mask_;
    alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
    std::size_t head_seen_ = 0;  // producer's
    alignas(kCacheLine) std::atomic<std::size_t> head_{0};
    std::size_t tail_seen_ = 0;  // consumer's
};

}  // namespace totem::ipc
