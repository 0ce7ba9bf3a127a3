// Fields of a C structure at their offsets, read from bytes that nobody vouches for, or written.
//
// Service messages (wire.md 6) and clients' requests (ipc.md 6) are structures with padding, not
// streams: each field is named by its offset in the reference page's table. Reading past the end is
// the other side's fault and gives zeros; writing past the end is ours.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "totem/core/check.h"
#include "totem/core/types.h"

namespace totem::group {

// The wire is little-endian, clients speak the host's order; this code serves hosts where both
// agree.
static_assert(std::endian::native == std::endian::little);

class StructReader {
  public:
    explicit StructReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    // True when [offset, offset + count) lies within the bytes.
    [[nodiscard]] bool has(std::size_t offset, std::size_t count) const noexcept {
        return offset <= bytes_.size() && count <= bytes_.size() - offset;
    }
    template <std::unsigned_integral Number>
    [[nodiscard]] Number get(std::size_t offset) const noexcept {
        Number value = 0;
        if (has(offset, sizeof(Number))) {
            std::memcpy(&value, bytes_.data() + offset, sizeof(Number));
        }
        return value;
    }
    [[nodiscard]] std::uint8_t u8(std::size_t offset) const { return get<std::uint8_t>(offset); }
    [[nodiscard]] std::uint16_t u16(std::size_t offset) const { return get<std::uint16_t>(offset); }
    [[nodiscard]] std::uint32_t u32(std::size_t offset) const { return get<std::uint32_t>(offset); }
    [[nodiscard]] std::uint64_t u64(std::size_t offset) const { return get<std::uint64_t>(offset); }
    // The part asked for, or nothing when it does not lie within the bytes completely.
    [[nodiscard]] std::span<const std::byte> bytes(std::size_t offset, std::size_t count) const {
        return has(offset, count) ? bytes_.subspan(offset, count) : std::span<const std::byte>{};
    }

  private:
    std::span<const std::byte> bytes_;
};

// The caller has zeroed the bytes; fields not written stay padding.
class StructWriter {
  public:
    explicit StructWriter(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}

    template <std::unsigned_integral Number>
    void put(std::size_t offset, Number value) {
        TOTEM_CHECK(offset <= bytes_.size() && sizeof(Number) <= bytes_.size() - offset);
        std::memcpy(bytes_.data() + offset, &value, sizeof(Number));
    }
    void u8(std::size_t offset, std::uint8_t value) { put(offset, value); }
    void u16(std::size_t offset, std::uint16_t value) { put(offset, value); }
    void u32(std::size_t offset, std::uint32_t value) { put(offset, value); }
    void u64(std::size_t offset, std::uint64_t value) { put(offset, value); }
    void bytes(std::size_t offset, std::span<const std::byte> value) {
        TOTEM_CHECK(offset <= bytes_.size() && value.size() <= bytes_.size() - offset);
        if (!value.empty()) {
            std::memcpy(bytes_.data() + offset, value.data(), value.size());
        }
    }

  private:
    std::span<std::byte> bytes_;
};

[[nodiscard]] inline std::span<const std::byte> as_byte_span(std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()),  // NOLINT(*-reinterpret-cast)
            bytes.size()};
}

}  // namespace totem::group
