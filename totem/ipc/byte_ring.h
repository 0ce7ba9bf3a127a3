// A bounded ring of byte records between two threads: what clients ask, on its way to the protocol.
//
// A request is copied once, out of the memory shared with the client into this ring, and the
// protocol reads it in place. A record is never split: what does not fit before the end starts
// anew.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace totem::ipc {

class ByteRing {
  public:
    // `capacity` is rounded up to a power of two. A record of up to a quarter of it always fits
    // into an empty ring.
    explicit ByteRing(std::size_t capacity);

    // Producer. Copies head and body into one record; false: no room, nothing was written.
    [[nodiscard]] bool push(std::span<const std::byte> head, std::span<const std::byte> body);
    // Either side: what has been pushed and not popped, a moment ago.
    struct Load {
        std::size_t bytes = 0;
        std::size_t records = 0;
    };
    [[nodiscard]] Load load() const noexcept {
        return {tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire),
                pushed_.load(std::memory_order_relaxed) - popped_.load(std::memory_order_relaxed)};
    }
    // Producer. True when a record of `size` bytes would be accepted now.
    [[nodiscard]] bool has_room(std::size_t size);

    // Consumer. The oldest record, valid until pop(); nothing when there is none.
    [[nodiscard]] std::optional<std::span<const std::byte>> front();
    void pop();

  private:
    static constexpr std::size_t kCacheLine = 64;
    static constexpr std::size_t kPrefixBytes = 8;
    static constexpr std::uint64_t kWrap =
        ~std::uint64_t{0};  // prefix: the rest of the lap is unused

    // Where a record with `bytes` (prefix and padding included) would start; nothing: no room.
    [[nodiscard]] std::optional<std::size_t> place(std::size_t bytes);
    [[nodiscard]] std::uint64_t prefix_at(std::size_t index) const;
    void set_prefix(std::size_t index, std::uint64_t value);

    std::vector<std::byte> bytes_;
    std::size_t mask_;
    alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
    std::atomic<std::size_t> pushed_{0};
    std::size_t head_seen_ = 0;  // producer's copy of head_
    alignas(kCacheLine) std::atomic<std::size_t> head_{0};
    std::atomic<std::size_t> popped_{0};
    std::size_t tail_seen_ = 0;  // consumer's copy of tail_
};

}  // namespace totem::ipc
