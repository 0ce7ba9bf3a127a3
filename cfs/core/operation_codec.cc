#include "cfs/core/operation_codec.h"

#include <limits>
#include <type_traits>
#include <utility>

#include "cfs/core/fields.h"
#include "totem/core/check.h"

namespace cfs {

namespace {

using totem::Result;
using totem::Unexpected;

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kRangeHeadBytes = 12;

Ranges read_ranges(FieldReader& in) {
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

void write_ranges(FieldWriter& out, const Ranges& ranges) {
    TOTEM_CHECK(!ranges.empty());
    out.u32(static_cast<std::uint32_t>(ranges.size()));
    std::uint64_t end = 0;
    for (const Range& range : ranges) {
        TOTEM_CHECK(!range.data.empty() && range.offset >= end);
        TOTEM_CHECK(range.offset <= std::numeric_limits<std::uint64_t>::max() - range.data.size());
        out.u64(range.offset);
        out.u32(static_cast<std::uint32_t>(range.data.size()));
        out.bytes(range.data);
        end = range.offset + range.data.size();
    }
}

// One overload per kind and direction, field by field in the order of the table.

void write(FieldWriter& out, const Create& value) {
    out.inode(value.parent);
    out.name(value.name);
    out.u8(value.exclusive ? 1 : 0);
}
void read(FieldReader& in, Create& value) {
    value.parent = in.inode();
    value.name = in.name();
    value.exclusive = in.flag();
}

template <typename ByName>
void write_by_name(FieldWriter& out, const ByName& value) {
    out.inode(value.parent);
    out.name(value.name);
}
template <typename ByName>
void read_by_name(FieldReader& in, ByName& value) {
    value.parent = in.inode();
    value.name = in.name();
}
void write(FieldWriter& out, const MakeDirectory& value) { write_by_name(out, value); }
void read(FieldReader& in, MakeDirectory& value) { read_by_name(in, value); }
void write(FieldWriter& out, const Unlink& value) { write_by_name(out, value); }
void read(FieldReader& in, Unlink& value) { read_by_name(in, value); }
void write(FieldWriter& out, const RemoveDirectory& value) { write_by_name(out, value); }
void read(FieldReader& in, RemoveDirectory& value) { read_by_name(in, value); }

void write(FieldWriter& out, const Write& value) {
    out.inode(value.inode);
    write_ranges(out, value.ranges);
}
void read(FieldReader& in, Write& value) {
    value.inode = in.inode();
    value.ranges = read_ranges(in);
}

void write(FieldWriter& out, const Truncate& value) {
    out.inode(value.inode);
    out.u64(value.size);
}
void read(FieldReader& in, Truncate& value) {
    value.inode = in.inode();
    value.size = in.u64();
}

void write(FieldWriter& out, const Rename& value) {
    out.inode(value.parent);
    out.name(value.name);
    out.inode(value.new_parent);
    out.name(value.new_name);
}
void read(FieldReader& in, Rename& value) {
    value.parent = in.inode();
    value.name = in.name();
    value.new_parent = in.inode();
    value.new_name = in.name();
}

void write(FieldWriter& out, const SetTime& value) {
    out.inode(value.inode);
    out.u64(value.mtime);
}
void read(FieldReader& in, SetTime& value) {
    value.inode = in.inode();
    value.mtime = in.u64();
}

void write(FieldWriter& out, const RequestUnlock& value) {
    out.inode(value.inode);
    out.u64(value.version);
}
void read(FieldReader& in, RequestUnlock& value) {
    value.inode = in.inode();
    value.version = in.u64();
}

void write(FieldWriter& out, const Unlock& value) {
    out.inode(value.inode);
    out.u64(value.version);
}
void read(FieldReader& in, Unlock& value) {
    value.inode = in.inode();
    value.version = in.u64();
}

void write(FieldWriter& out, const Chunk& value) {
    out.u64(value.write);
    out.u32(value.sequence);
    write_ranges(out, value.ranges);
}
void read(FieldReader& in, Chunk& value) {
    value.write = in.u64();
    value.sequence = in.u32();
    value.ranges = read_ranges(in);
}

void write(FieldWriter& out, const CommitChunks& value) {
    out.inode(value.inode);
    out.u64(value.write);
    out.u32(value.count);
}
void read(FieldReader& in, CommitChunks& value) {
    value.inode = in.inode();
    value.write = in.u64();
    value.count = in.u32();
}

void write(FieldWriter& out, const DiscardChunks& value) {
    out.u32(totem::raw(value.node));
    out.u64(raw(value.kept));
}
void read(FieldReader& in, DiscardChunks& value) {
    value.node = NodeId{in.u32()};
    value.kept = Life{in.u64()};
    in.require(value.node != totem::kNoNode, DecodeError::kBadIdentifier);
}

void write(FieldWriter& out, const SetLimits& value) { out.limits(value.limits); }
void read(FieldReader& in, SetLimits& value) { value.limits = in.limits(); }

// Kinds on the wire are the places in Change, counted from 1: new kinds are added at its end only.
template <std::size_t kind = 0>
void read_change(FieldReader& in, std::size_t wanted, Change& change) {
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
        case DecodeError::kBadCount:
            return "bad count";
        case DecodeError::kBadOrder:
            return "bad order";
    }
    return "unknown";
}

void encode(const Operation& operation, std::vector<std::byte>& out) {
    const std::size_t start = out.size();
    FieldWriter writer(out);
    writer.u8(kOperationFormat);
    writer.u8(static_cast<std::uint8_t>(operation.change.index() + 1));
    writer.number(std::uint16_t{0});
    writer.operation_id(operation.id);
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
    FieldReader in(bytes);
    const std::uint8_t format = in.u8();
    in.require(format != 0, DecodeError::kUnknownFormat);
    in.require(format <= kOperationFormat, DecodeError::kNewerFormat);
    const std::size_t kind = in.u8();
    in.require(in.number<std::uint16_t>() == 0, DecodeError::kBadFlag);
    Operation operation;
    operation.id = in.operation_id();
    operation.time = in.u64();
    in.require(kind != 0, DecodeError::kUnknownKind);
    read_change(in, kind - 1, operation.change);
    in.require(in.left() == 0, DecodeError::kTrailingBytes);
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return operation;
}

void encode(const Ranges& ranges, std::vector<std::byte>& out) {
    FieldWriter writer(out);
    write_ranges(writer, ranges);
}

Result<Ranges, DecodeError> decode_ranges(Bytes bytes) {
    FieldReader in(bytes);
    Ranges ranges = read_ranges(in);
    in.require(in.left() == 0, DecodeError::kTrailingBytes);
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return ranges;
}

}  // namespace cfs
