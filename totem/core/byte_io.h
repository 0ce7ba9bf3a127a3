// Little-endian fields of a frame, read and written one after the other.
//
// The caller has checked that the bytes are there (ByteReader::left); reading past the end is a bug
// of ours, so it is checked, not returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "totem/core/check.h"
#include "totem/core/types.h"

namespace totem {

class ByteReader {
  public:
    explicit ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
    void skip(std::size_t count) {
        TOTEM_CHECK(count <= left());
        at_ += count;
    }

    template <typename Unsigned>
    [[nodiscard]] Unsigned number() {
        static_assert(std::is_unsigned_v<Unsigned>);
        TOTEM_CHECK(sizeof(Unsigned) <= left());
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
            value |= std::to_integer<std::uint64_t>(bytes_[at_ + i]) << (8 * i);
        }
        at_ += sizeof(Unsigned);
        return static_cast<Unsigned>(value);
    }
    [[nodiscard]] std::uint8_t u8() { return number<std::uint8_t>(); }
    [[nodiscard]] std::uint16_t u16() { return number<std::uint16_t>(); }
    [[nodiscard]] std::uint32_t u32() { return number<std::uint32_t>(); }
    [[nodiscard]] std::uint64_t u64() { return number<std::uint64_t>(); }
    [[nodiscard]] Seq seq() { return {u32()}; }
    [[nodiscard]] NodeId node() { return NodeId{u32()}; }
    [[nodiscard]] RingId ring() {
        RingId id;
        id.representative = node();
        id.seq = u64();
        return id;
    }

  private:
    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
};

class ByteWriter {
  public:
    explicit ByteWriter(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

    template <typename Unsigned>
    void number(Unsigned value) {
        static_assert(std::is_unsigned_v<Unsigned>);
        TOTEM_CHECK(sizeof(Unsigned) <= left());
        for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
            bytes_[at_ + i] = static_cast<std::byte>((std::uint64_t{value} >> (8 * i)) & 0xFFU);
        }
        at_ += sizeof(Unsigned);
    }
    void u8(std::uint8_t value) { number(value); }
    void u16(std::uint16_t value) { number(value); }
    void u32(std::uint32_t value) { number(value); }
    void u64(std::uint64_t value) { number(value); }
    void seq(Seq value) { u32(value.value); }
    void node(NodeId value) { u32(raw(value)); }
    void ring(const RingId& id) {
        node(id.representative);
        u64(id.seq);
    }

  private:
    std::span<std::byte> bytes_;
    std::size_t at_ = 0;
};

}  // namespace totem
