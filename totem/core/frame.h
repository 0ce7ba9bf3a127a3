// Frames: reference-counted buffers from a pool that the host owns, and slices of them.
//
// One frame is filled once (by the network, by packing, by reassembly) and then shared, unchanged,
// by the receive window, retransmission, delivery and the clients' doors: nothing on the way copies
// it. Counts are not atomic: a FrameRef may be moved to another thread and read there, but copied
// and destroyed only on the thread that owns the pool.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace totem {

class FramePool;

// Part of a pooled frame that keeps the whole frame alive. An empty FrameRef refers to nothing.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): assignment takes by value
class FrameRef {
  public:
    FrameRef() = default;
    FrameRef(const FrameRef& other) noexcept;
    FrameRef(FrameRef&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)),
          offset_(std::exchange(other.offset_, 0)),
          size_(std::exchange(other.size_, 0)) {}
    FrameRef& operator=(FrameRef other) noexcept {
        swap(other);
        return *this;
    }
    ~FrameRef();

    void swap(FrameRef& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(offset_, other.offset_);
        std::swap(size_, other.size_);
    }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept;

    // The part [offset, offset + size) of this slice; checked against its size.
    [[nodiscard]] FrameRef slice(std::size_t offset, std::size_t size) const;
    [[nodiscard]] FrameRef slice(std::size_t offset) const { return slice(offset, size_ - offset); }

    // The bytes, writable. Only the one who fills a frame may use it, before sharing it.
    [[nodiscard]] std::span<std::byte> writable() noexcept;
    // Cuts the slice to its first `size` bytes (after a short receive).
    void truncate(std::size_t size);

  private:
    friend class FramePool;
    struct Block;
    FrameRef(Block* block, std::uint32_t offset, std::uint32_t size) noexcept
        : block_(block), offset_(offset), size_(size) {}

    Block* block_ = nullptr;
    std::uint32_t offset_ = 0;
    std::uint32_t size_ = 0;
};

// Hands out frames and takes them back. Sizes are rounded up to a power of two from 2 KiB on; each
// size keeps a free list, so a steady load allocates nothing once warm. What a burst or a slow
// client needed beyond kKeptBytesMax of a size is not kept. Must outlive its frames.
class FramePool {
  public:
    FramePool();
    ~FramePool();
    FramePool(const FramePool&) = delete;
    FramePool& operator=(const FramePool&) = delete;
    FramePool(FramePool&&) = delete;
    FramePool& operator=(FramePool&&) = delete;

    // A frame of exactly `size` bytes, contents unspecified, referred to once.
    // `size` is at most kFrameBytesMax (checked).
    [[nodiscard]] FrameRef allocate(std::size_t size);
    // A frame that holds a copy of `bytes`.
    [[nodiscard]] FrameRef copy(std::span<const std::byte> bytes);

    // Frames handed out and not yet returned; 0 once everything is released. For leak checks.
    [[nodiscard]] std::size_t live() const noexcept { return live_; }

    // Frames that wait in free lists to be handed out again.
    [[nodiscard]] std::size_t kept() const noexcept;

    static constexpr std::size_t kFrameBytesMax = std::size_t{4} * 1024 * 1024;
    static constexpr std::size_t kKeptBytesMax = std::size_t{32} * 1024 * 1024;

  private:
    friend class FrameRef;
    static constexpr std::size_t kSmallestShift = 11;
    static constexpr std::size_t kClasses = 12;  // 2 KiB ... 4 MiB

    void give_back(FrameRef::Block* block) noexcept;

    std::array<std::vector<FrameRef::Block*>, kClasses> free_;
    std::size_t live_ = 0;
};

}  // namespace totem
