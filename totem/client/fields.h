// Fields of a C structure at their offsets in bytes that a daemon sent or that go to one.
//
// Source: ipc.md 6: structures with padding, each field named by the offset in the page's tables.
// Reading past the end gives zeros; callers check sizes before they believe anything.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "totem/core/check.h"
#include "totem/core/types.h"

namespace totem::client {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

[[nodiscard]] inline bool has_field(ByteView bytes, std::size_t offset, std::size_t size) noexcept {
    return offset <= bytes.size() && size <= bytes.size() - offset;
}

template <std::unsigned_integral Number>
[[nodiscard]] Number field(ByteView bytes, std::size_t offset) noexcept {
    Number value = 0;
    if (has_field(bytes, offset, sizeof(Number))) {
        std::memcpy(&value, bytes.data() + offset, sizeof(Number));
    }
    return value;
}
[[nodiscard]] inline std::uint32_t u32_field(ByteView bytes, std::size_t offset) noexcept {
    return field<std::uint32_t>(bytes, offset);
}
[[nodiscard]] inline RingId ring_field(ByteView bytes, std::size_t offset) noexcept {
    return {NodeId{u32_field(bytes, offset)}, field<std::uint64_t>(bytes, offset + 8)};
}

inline void set_bytes(Bytes& bytes, std::size_t offset, ByteView value) {
    TOTEM_CHECK(has_field(bytes, offset, value.size()));
    if (!value.empty()) {
        std::memcpy(bytes.data() + offset, value.data(), value.size());
    }
}
template <std::unsigned_integral Number>
void set_field(Bytes& bytes, std::size_t offset, Number value) {
    set_bytes(bytes, offset, std::as_bytes(std::span(&value, 1)));
}

}  // namespace totem::client
