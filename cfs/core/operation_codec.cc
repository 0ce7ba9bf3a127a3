#include "cfs/core/operation_codec.h"

#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "totem/core/byte_io.h"
#include "totem/core/check.h"

namespace cfs {

namespace {

using totem::Result;
using totem::Unexpected;

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kRangeHeadBytes = 12;

// Reads fields until one does not fit or breaks a rule; from then on everything reads as zero and
// error() says what was first wrong.
class Fields {
  public:
    explicit Fields(Bytes bytes) noexcept : bytes_(bytes) {}

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

    std::string_view name() {
        const std::size_t size = number<std::uint16_t>();
        require(size <= kNameBytesCeiling, DecodeError::kBadName);
        const Bytes bytes = view(size);
        // A name is bytes; char may look at any object.
        return {reinterpret_cast<const char*>(bytes.data()),  // NOLINT(*-reinterpret-cast)
                bytes.size()};
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

Ranges read_ranges(Fields& in) {
    const std::size_t count = in.u32();
    in.require(count >= 1, DecodeError::kBadRange);
    in.require(count <= in.left() / kRangeHeadBytes, DecodeError::kTooShort);
    Ranges ranges;
    if (in.error()) {
        return ranges;
    }
    ranges.reserve(count);
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < count && !in.error(); ++i) {
        const std::uint64_t offset = in.u64();
        const std::uint32_t size = in.u32();
        const bool fits = size >= 1 && offset <= std::numeric_limits<std::uint64_t>::max() - size;
        in.require(fits && offset >= end, DecodeError::kBadRange);
        ranges.push_back({offset, in.view(size)});
        end = offset + size;
    }
    return ranges;
}

class Writer {
  public:
    explicit Writer(std::vector<std::byte>& out) noexcept : out_(out) {}

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

    void name(std::string_view name) {
        TOTEM_CHECK(name.size() <= kNameBytesCeiling);
        number(static_cast<std::uint16_t>(name.size()));
        for (const char c : name) {
            out_.push_back(static_cast<std::byte>(c));
        }
    }

    void ranges(const Ranges& ranges) {
        TOTEM_CHECK(!ranges.empty());
        u32(static_cast<std::uint32_t>(ranges.size()));
        std::uint64_t end = 0;
        for (const Range& range : ranges) {
            TOTEM_CHECK(!range.data.empty() && range.offset >= end);
            TOTEM_CHECK(range.offset <=
                        std::numeric_limits<std::uint64_t>::max() - range.data.size());
            u64(range.offset);
            u32(static_cast<std::uint32_t>(range.data.size()));
            out_.insert(out_.end(), range.data.begin(), range.data.end());
            end = range.offset + range.data.size();
        }
    }

  private:
    std::vector<std::byte>& out_;
};

// One overload per kind and direction, field by field in the order of the table.

void write(Writer& out, const Create& value) {
    out.inode(value.parent);
    out.name(value.name);
    out.u8(value.exclusive ? 1 : 0);
}
void read(Fields& in, Create& value) {
    value.parent = in.inode();
    value.name = in.name();
    value.exclusive = in.flag();
}

template <typename ByName>
void write_by_name(Writer& out, const ByName& value) {
    out.inode(value.parent);
    out.name(value.name);
}
template <typename ByName>
void read_by_name(Fields& in, ByName& value) {
    value.parent = in.inode();
    value.name = in.name();
}
void write(Writer& out, const MakeDirectory& value) { write_by_name(out, value); }
void read(Fields& in, MakeDirectory& value) { read_by_name(in, value); }
void write(Writer& out, const Unlink& value) { write_by_name(out, value); }
void read(Fields& in, Unlink& value) { read_by_name(in, value); }
void write(Writer& out, const RemoveDirectory& value) { write_by_name(out, value); }
void read(Fields& in, RemoveDirectory& value) { read_by_name(in, value); }

void write(Writer& out, const Write& value) {
    out.inode(value.inode);
    out.ranges(value.ranges);
}
void read(Fields& in, Write& value) {
    value.inode = in.inode();
    value.ranges = read_ranges(in);
}

void write(Writer& out, const Truncate& value) {
    out.inode(value.inode);
    out.u64(value.size);
}
void read(Fields& in, Truncate& value) {
    value.inode = in.inode();
    value.size = in.u64();
}

void write(Writer& out, const Rename& value) {
    out.inode(value.parent);
    out.name(value.name);
    out.inode(value.new_parent);
    out.name(value.new_name);
}
void read(Fields& in, Rename& value) {
    value.parent = in.inode();
    value.name = in.name();
    value.new_parent = in.inode();
    value.new_name = in.name();
}

void write(Writer& out, const SetTime& value) {
    out.inode(value.inode);
    out.u64(value.mtime);
}
void read(Fields& in, SetTime& value) {
    value.inode = in.inode();
    value.mtime = in.u64();
}

void write(Writer& out, const RequestUnlock& value) {
    out.inode(value.inode);
    out.u64(value.version);
}
void read(Fields& in, RequestUnlock& value) {
    value.inode = in.inode();
    value.version = in.u64();
}

void write(Writer& out, const Unlock& value) {
    out.inode(value.inode);
    out.u64(value.version);
}
void read(Fields& in, Unlock& value) {
    value.inode = in.inode();
    value.version = in.u64();
}

void write(Writer& out, const Chunk& value) {
    out.u64(value.write);
    out.u32(value.sequence);
    out.ranges(value.ranges);
}
void read(Fields& in, Chunk& value) {
    value.write = in.u64();
    value.sequence = in.u32();
    value.ranges = read_ranges(in);
}

void write(Writer& out, const CommitChunks& value) {
    out.inode(value.inode);
    out.u64(value.write);
    out.u32(value.count);
}
void read(Fields& in, CommitChunks& value) {
    value.inode = in.inode();
    value.write = in.u64();
    value.count = in.u32();
}

void write(Writer& out, const DiscardChunks& value) {
    out.u32(totem::raw(value.node));
    out.u64(raw(value.kept));
}
void read(Fields& in, DiscardChunks& value) {
    value.node = NodeId{in.u32()};
    value.kept = Life{in.u64()};
    in.require(value.node != totem::kNoNode, DecodeError::kBadIdentifier);
}

void write(Writer& out, const SetLimits& value) {
    TOTEM_CHECK(valid(value.limits));
    out.u64(value.limits.file_bytes_max);
    out.u64(value.limits.total_bytes_max);
    out.u64(value.limits.inodes_max);
    out.u32(value.limits.name_bytes_max);
}
void read(Fields& in, SetLimits& value) {
    value.limits.file_bytes_max = in.u64();
    value.limits.total_bytes_max = in.u64();
    value.limits.inodes_max = in.u64();
    value.limits.name_bytes_max = in.u32();
    in.require(valid(value.limits), DecodeError::kBadLimits);
}

// Kinds on the wire are the places in Change, counted from 1: new kinds are added at its end only.
template <std::size_t kind = 0>
void read_change(Fields& in, std::size_t wanted, Change& change) {
    if constexpr (kind == std::variant_size_v<Change>) {
        in.require(false, DecodeError::kUnknownKind);
    } else if (kind == wanted) {
        read(in, change.emplace<kind>());
    } else {
        read_change<kind + 1>(in, wanted, change);
    }
}

}  // namespace

const char* to_string(DecodeError error) noexcept {
    switch (error) {
        case DecodeError::kTooShort:
            return "too short";
        case DecodeError::kTooLong:
            return "too long";
        case DecodeError::kTrailingBytes:
            return "trailing bytes";
        case DecodeError::kNewerFormat:
            return "newer format";
        case DecodeError::kUnknownFormat:
            return "unknown format";
        case DecodeError::kUnknownKind:
            return "unknown kind";
        case DecodeError::kBadFlag:
            return "bad flag";
        case DecodeError::kBadName:
            return "bad name";
        case DecodeError::kBadRange:
            return "bad range";
        case DecodeError::kBadIdentifier:
            return "bad identifier";
        case DecodeError::kBadLimits:
            return "bad limits";
    }
    return "unknown";
}

void encode(const Operation& operation, std::vector<std::byte>& out) {
    const std::size_t start = out.size();
    Writer writer(out);
    writer.u8(kOperationFormat);
    writer.u8(static_cast<std::uint8_t>(operation.change.index() + 1));
    writer.number(std::uint16_t{0});
    writer.u32(totem::raw(operation.id.node));
    writer.u64(raw(operation.id.life));
    writer.u64(operation.id.number);
    writer.u64(operation.time);
    std::visit([&writer](const auto& change) { write(writer, change); }, operation.change);
    TOTEM_CHECK(out.size() - start <= kOperationBytesMax);
}

Result<Operation, DecodeError> decode_operation(Bytes bytes) {
    if (bytes.size() < kHeaderBytes) {
        return Unexpected{DecodeError::kTooShort};
    }
    if (bytes.size() > kOperationBytesMax) {
        return Unexpected{DecodeError::kTooLong};
    }
    Fields in(bytes);
    const std::uint8_t format = in.u8();
    in.require(format != 0, DecodeError::kUnknownFormat);
    in.require(format <= kOperationFormat, DecodeError::kNewerFormat);
    const std::size_t kind = in.u8();
    in.require(in.number<std::uint16_t>() == 0, DecodeError::kBadFlag);
    Operation operation;
    operation.id.node = NodeId{in.u32()};
    operation.id.life = Life{in.u64()};
    operation.id.number = in.u64();
    operation.time = in.u64();
    in.require(operation.id.node != totem::kNoNode && operation.id.number != 0,
               DecodeError::kBadIdentifier);
    in.require(kind != 0, DecodeError::kUnknownKind);
    read_change(in, kind - 1, operation.change);
    in.require(in.left() == 0, DecodeError::kTrailingBytes);
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return operation;
}

void encode(const Ranges& ranges, std::vector<std::byte>& out) { Writer(out).ranges(ranges); }

Result<Ranges, DecodeError> decode_ranges(Bytes bytes) {
    Fields in(bytes);
    Ranges ranges = read_ranges(in);
    in.require(in.left() == 0, DecodeError::kTrailingBytes);
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return ranges;
}

}  // namespace cfs
