#include "totem/ipc/byte_ring.h"

#include <bit>
#include <cstring>

namespace totem::ipc {

namespace {

constexpr std::size_t kAlign = 8;

constexpr std::size_t padded(std::size_t size) { return (size + kAlign - 1) & ~(kAlign - 1); }

}  // namespace

ByteRing::ByteRing(std::size_t capacity)
    : bytes_(std::bit_ceil(capacity)), mask_(bytes_.size() - 1) {}

std::uint64_t ByteRing::prefix_at(std::size_t index) const {
    std::uint64_t value = 0;
    std::memcpy(&value, &bytes_[index & mask_], sizeof value);
    return value;
}

void ByteRing::set_prefix(std::size_t index, std::uint64_t value) {
    std::memcpy(&bytes_[index & mask_], &value, sizeof value);
}

std::optional<std::size_t> ByteRing::place(std::size_t bytes) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    const std::size_t to_end = bytes_.size() - (tail & mask_);
    const std::size_t start = bytes <= to_end ? tail : tail + to_end;
    if (start + bytes - head_seen_ > bytes_.size()) {
        head_seen_ = head_.load(std::memory_order_acquire);
        if (start + bytes - head_seen_ > bytes_.size()) {
            return std::nullopt;
        }
    }
    return start;
}

bool ByteRing::has_room(std::size_t size) {
    return size < bytes_.size() && place(kPrefixBytes + padded(size)).has_value();
}

bool ByteRing::push(std::span<const std::byte> head, std::span<const std::byte> body) {
    const std::size_t size = head.size() + body.size();
    if (size >= bytes_.size()) {
        return false;
    }
    const auto start = place(kPrefixBytes + padded(size));
    if (!start) {
        return false;
    }
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (*start != tail) {
        set_prefix(tail, kWrap);
    }
    set_prefix(*start, size);
    std::byte* to = &bytes_[(*start & mask_) + kPrefixBytes];
    if (!head.empty()) {
        std::memcpy(to, head.data(), head.size());
    }
    if (!body.empty()) {
        std::memcpy(to + head.size(), body.data(), body.size());
    }
    pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    tail_.store(*start + kPrefixBytes + padded(size), std::memory_order_release);
    return true;
}

std::optional<std::span<const std::byte>> ByteRing::front() {
    std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
        tail_seen_ = tail_.load(std::memory_order_acquire);
        if (head == tail_seen_) {
            return std::nullopt;
        }
    }
    if (prefix_at(head) == kWrap) {
        head += bytes_.size() - (head & mask_);
        head_.store(head, std::memory_order_release);
    }
    const auto size = static_cast<std::size_t>(prefix_at(head));
    return std::span<const std::byte>(bytes_).subspan((head & mask_) + kPrefixBytes, size);
}

void ByteRing::pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const auto size = static_cast<std::size_t>(prefix_at(head));
    popped_.store(popped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    head_.store(head + kPrefixBytes + padded(size), std::memory_order_release);
}

}  // namespace totem::ipc
