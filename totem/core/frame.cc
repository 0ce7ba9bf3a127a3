#include "totem/core/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "totem/core/check.h"

namespace totem {

// Header of a pooled buffer; the bytes follow it.
struct FrameRef::Block {
    FramePool* pool;
    std::uint32_t references;
    std::uint32_t size_class;

    [[nodiscard]] std::byte* data() noexcept {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the bytes behind it
        return reinterpret_cast<std::byte*>(this + 1);
    }  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast,cppcoreguidelines-pro-bounds-pointer-arithmetic)
};

FrameRef::FrameRef(const FrameRef& other) noexcept
    : block_(other.block_), offset_(other.offset_), size_(other.size_) {
    if (block_ != nullptr) {
        ++block_->references;
    }
}

FrameRef::~FrameRef() {
    if (block_ != nullptr && --block_->references == 0) {
        block_->pool->give_back(block_);
    }
}

std::span<const std::byte> FrameRef::bytes() const noexcept {
    if (block_ == nullptr) {
        return {};
    }
    return std::span<const std::byte>(block_->data(), std::size_t{offset_} + size_)
        .subspan(offset_);
}

std::span<std::byte> FrameRef::writable() noexcept {
    if (block_ == nullptr) {
        return {};
    }
    return std::span<std::byte>(block_->data(), std::size_t{offset_} + size_).subspan(offset_);
}

FrameRef FrameRef::slice(std::size_t offset, std::size_t size) const {
    TOTEM_CHECK(offset <= size_ && size <= size_ - offset);
    FrameRef part(*this);
    part.offset_ += static_cast<std::uint32_t>(offset);
    part.size_ = static_cast<std::uint32_t>(size);
    return part;
}

void FrameRef::truncate(std::size_t size) {
    TOTEM_CHECK(size <= size_);
    size_ = static_cast<std::uint32_t>(size);
}

FramePool::FramePool() = default;

FramePool::~FramePool() {
    TOTEM_CHECK(live_ == 0);
    for (auto& list : free_) {
        for (FrameRef::Block* block : list) {
            ::operator delete(block);
        }
    }
}

FrameRef FramePool::allocate(std::size_t size) {
    TOTEM_CHECK(size <= kFrameBytesMax);
    const std::size_t rounded = std::bit_ceil(std::max(size, std::size_t{1} << kSmallestShift));
    const auto size_class = static_cast<std::size_t>(std::countr_zero(rounded)) - kSmallestShift;
    auto& list = free_.at(size_class);
    FrameRef::Block* block = nullptr;
    if (list.empty()) {
        // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): counted by FrameRef
        block = new (::operator new(sizeof(FrameRef::Block) + rounded)) FrameRef::Block{};
        block->pool = this;
        block->size_class = static_cast<std::uint32_t>(size_class);
    } else {
        block = list.back();
        list.pop_back();
    }
    block->references = 1;
    ++live_;
    return {block, 0, static_cast<std::uint32_t>(size)};
}

FrameRef FramePool::copy(std::span<const std::byte> bytes) {
    FrameRef frame = allocate(bytes.size());
    if (!bytes.empty()) {
        std::memcpy(frame.writable().data(), bytes.data(), bytes.size());
    }
    return frame;
}

std::size_t FramePool::kept() const noexcept {
    std::size_t count = 0;
    for (const auto& list : free_) {
        count += list.size();
    }
    return count;
}

void FramePool::give_back(FrameRef::Block* block) noexcept {
    auto& list = free_.at(block->size_class);
    --live_;
    if ((list.size() + 1) << (kSmallestShift + block->size_class) > kKeptBytesMax) {
        ::operator delete(block);
        return;
    }
    list.push_back(block);
}

}  // namespace totem
