// Fields of what replicas send each other, read and written one after the other. Little-endian, no
// padding; a sequence of fields has one encoding only.
//
// Other than totem/core/byte_io.h the reader expects anything: bytes that end too early are an
// error of their sender.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cfs/core/digest.h"
#include "cfs/core/operation.h"
#include "cfs/core/operation_codec.h"
#include "cfs/core/types.h"
#include "totem/core/byte_io.h"
#include "totem/core/check.h"

namespace cfs {

// Reads fields until one does not fit or breaks a rule; from then on everything reads as zero and
// error() says what was first wrong.
class FieldReader {
  public:
    explicit FieldReader(Bytes bytes) noexcept : bytes_(bytes) {}

    template <typename Unsigned>
    Unsigned number() {
        if (!take(sizeof(Unsigned))) {
            return 0;
        }
        return totem::ByteReader(bytes_.subspan(at_ - sizeof(Unsigned))).number<Unsigned>();
    }
    std::uint8_t u8() { return number<std::uint8_t>(); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }
    Inode inode() { return Inode{u64()}; }

    bool flag() {
        const std::uint8_t value = u8();
        require(value <= 1, DecodeError::kBadFlag);
        return value == 1;
    }

    std::string_view name() { return text(kNameBytesCeiling); }
    std::string_view text(std::size_t size_max) {
        const std::size_t size = number<std::uint16_t>();
        require(size <= size_max, DecodeError::kBadName);
        const Bytes bytes = view(size);
        // Text is bytes; char may look at any object.
        return {reinterpret_cast<const char*>(bytes.data()),  // NOLINT(*-reinterpret-cast)
                bytes.size()};
    }

    Digest digest() {
        Digest digest;
        for (std::uint64_t& word : digest.words) {
            word = u64();
        }
        return digest;
    }
    Position position() {
        Position position;
        position.epoch = u64();
        position.index = u64();
        return position;
    }
    OperationId operation_id() {
        OperationId id;
        id.node = NodeId{u32()};
        id.life = Life{u64()};
        id.number = u64();
        require(id.node != totem::kNoNode && id.number != 0, DecodeError::kBadIdentifier);
        return id;
    }
    Limits limits() {
        Limits limits;
        limits.file_bytes_max = u64();
        limits.total_bytes_max = u64();
        limits.inodes_max = u64();
        limits.name_bytes_max = u32();
        require(valid(limits), DecodeError::kBadLimits);
        return limits;
    }

    // A list: its count (at least 1), then each. `least` is the fewest bytes that one takes.
    template <typename Item, typename Read>
    std::vector<Item> list(std::size_t least, Read&& read) {
        const std::size_t count = u32();
        require(count >= 1, DecodeError::kBadCount);
        require(count <= left() / least, DecodeError::kTooShort);
        std::vector<Item> items;
        if (error_) {
            return items;
        }
        items.reserve(count);
        for (std::size_t i = 0; i < count && !error_; ++i) {
            items.push_back(read(*this));
        }
        return items;
    }

    Bytes view(std::size_t size) {
        if (!take(size)) {
            return {};
        }
        return bytes_.subspan(at_ - size, size);
    }

    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

    void require(bool holds, DecodeError error) {
        if (!holds && !error_) {
            error_ = error;
            at_ = bytes_.size();
        }
    }
    [[nodiscard]] std::optional<DecodeError> error() const noexcept { return error_; }

  private:
    bool take(std::size_t size) {
        require(size <= left(), DecodeError::kTooShort);
        if (error_) {
            return false;
        }
        at_ += size;
        return true;
    }

    Bytes bytes_;
    std::size_t at_ = 0;
    std::optional<DecodeError> error_;
};

class FieldWriter {
  public:
    explicit FieldWriter(std::vector<std::byte>& out) noexcept : out_(out) {}

    template <typename Unsigned>
    void number(Unsigned value) {
        static_assert(std::is_unsigned_v<Unsigned>);
        for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
            out_.push_back(static_cast<std::byte>((std::uint64_t{value} >> (8 * i)) & 0xFFU));
        }
    }
    void u8(std::uint8_t value) { number(value); }
    void u32(std::uint32_t value) { number(value); }
    void u64(std::uint64_t value) { number(value); }
    void inode(Inode value) { number(raw(value)); }

    void bytes(Bytes data) { out_.insert(out_.end(), data.begin(), data.end()); }

    void name(std::string_view name) { text(name, kNameBytesCeiling); }
    void text(std::string_view text, std::size_t size_max) {
        TOTEM_CHECK(text.size() <= size_max);
        number(static_cast<std::uint16_t>(text.size()));
        bytes(std::as_bytes(std::span(text.data(), text.size())));
    }

    void digest(const Digest& digest) {
        for (const std::uint64_t word : digest.words) {
            u64(word);
        }
    }
    void position(const Position& position) {
        u64(position.epoch);
        u64(position.index);
    }
    void operation_id(const OperationId& id) {
        u32(totem::raw(id.node));
        u64(raw(id.life));
        u64(id.number);
    }
    void limits(const Limits& limits) {
        TOTEM_CHECK(valid(limits));
        u64(limits.file_bytes_max);
        u64(limits.total_bytes_max);
        u64(limits.inodes_max);
        u32(limits.name_bytes_max);
    }

    template <typename Item, typename Write>
    void list(const std::vector<Item>& items, Write&& write) {
        TOTEM_CHECK(!items.empty());
        u32(static_cast<std::uint32_t>(items.size()));
        for (const Item& item : items) {
            write(*this, item);
        }
    }

  private:
    std::vector<std::byte>& out_;
};

}  // namespace cfs
