// A vector with its room inside it: never allocates, never grows past `Capacity`.
//
// For the bounded lists of the protocol (members, retransmission requests). Adding to a full one is
// a bug of the caller, who checks counts from outside before.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "totem/core/check.h"

namespace totem {

template <typename T, std::size_t Capacity>
class FixedVector {
  public:
    FixedVector() = default;

    [[nodiscard]] static constexpr std::size_t capacity() noexcept { return Capacity; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return size_ == Capacity; }

    [[nodiscard]] T* begin() noexcept { return items_.data(); }
    [[nodiscard]] T* end() noexcept {
        return items_.data() + size_;
    }  // NOLINT(cppcoreguidelines-pro-bounds-pointer-arithmetic)
    [[nodiscard]] const T* begin() const noexcept { return items_.data(); }
    [[nodiscard]] const T* end() const noexcept {
        return items_.data() + size_;
    }  // NOLINT(cppcoreguidelines-pro-bounds-pointer-arithmetic)
    [[nodiscard]] std::span<const T> view() const noexcept {
        return std::span<const T>(items_).first(size_);
    }
    [[nodiscard]] std::span<T> view() noexcept { return std::span<T>(items_).first(size_); }

    [[nodiscard]] const T& operator[](std::size_t index) const {
        TOTEM_CHECK(index < size_);
        return items_[index];  // NOLINT(cppcoreguidelines-pro-bounds-constant-array-index)
    }
    [[nodiscard]] T& operator[](std::size_t index) {
        TOTEM_CHECK(index < size_);
        return items_[index];  // NOLINT(cppcoreguidelines-pro-bounds-constant-array-index)
    }

    void clear() noexcept { size_ = 0; }
    void push_back(const T& item) {
        TOTEM_CHECK(size_ < Capacity);
        items_[size_++] = item;  // NOLINT(cppcoreguidelines-pro-bounds-constant-array-index)
    }
    // Removes the item at `index`; the order of the others stays.
    void erase(std::size_t index) {
        TOTEM_CHECK(index < size_);
        for (std::size_t i = index + 1; i < size_; ++i) {
            items_[i - 1] = items_[i];  // NOLINT(cppcoreguidelines-pro-bounds-constant-array-index)
        }
        --size_;
    }

    friend bool operator==(const FixedVector& a, const FixedVector& b) {
        if (a.size_ != b.size_) {
            return false;
        }
        for (std::size_t i = 0; i < a.size_; ++i) {
            if (!(a.items_[i] ==
                  b.items_[i])) {  // NOLINT(cppcoreguidelines-pro-bounds-constant-array-index)
                return false;
            }
        }
        return true;
    }

  private:
    std::array<T, Capacity> items_{};
    std::size_t size_ = 0;
};

}  // namespace totem
