#include "cfs/core/transfer_answers.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace cfs {

namespace {

constexpr std::size_t kEntryHeadBytes = 8 + 8 + 8 + 4 + 8 + 1 + 8 + 2 + 2;  // with both counts
constexpr std::size_t kRecordHeadBytes = 8 + 8 + 4 + 8 + 8 + 1 + 8 + 1 + 8 + 8 + kDigestBytes + 2;
constexpr std::size_t kBlockHeadBytes = 2 + 2;
constexpr std::size_t kBlockDigestBytes = 2 + kDigestBytes;
constexpr std::size_t kSummaryBytes = 8 + 8 + kDigestBytes;
constexpr std::size_t kListedBytes = 8 + 8 + kDigestBytes;
static_assert(kRangesPerQuestion * (2 + kListedMax * kListedBytes) + 4 <= kTransferDataMax);
static_assert(kListedMax * kListedBytes >= kShares * kSummaryBytes);
static_assert(kBlocksPerQuestion * (2 + kBlockBytes) + 4 <= kTransferDataMax);

std::uint64_t blocks_of(std::uint64_t size) { return (size + kBlockBytes - 1) / kBlockBytes; }

template <typename Item, typename Less>
bool ascending(const std::vector<Item>& items, Less&& less) {
    return std::adjacent_find(items.begin(), items.end(), [&less](const Item& a, const Item& b) {
               return !less(a, b);
           }) == items.end();
}

template <typename Numbered>
bool ascending_numbers(const std::vector<Numbered>& items) {
    return ascending(items,
                     [](const Numbered& a, const Numbered& b) { return a.number < b.number; });
}

Summary read_summary(FieldReader& in) {
    Summary summary;
    summary.inodes = in.u64();
    summary.bytes = in.u64();
    summary.digest = in.digest();
    return summary;
}
void write_summary(FieldWriter& out, const Summary& summary) {
    out.u64(summary.inodes);
    out.u64(summary.bytes);
    out.digest(summary.digest);
}

bool known(Errno error) {
    switch (error) {
        case Errno::kOk:
        case Errno::kNotFound:
        case Errno::kAccess:
        case Errno::kExists:
        case Errno::kNotDirectory:
        case Errno::kIsDirectory:
        case Errno::kInvalid:
        case Errno::kFileTooBig:
        case Errno::kNoSpace:
        case Errno::kNameTooLong:
        case Errno::kNotEmpty:
        case Errno::kStale:
            return true;
    }
    return false;
}

// Its count: 0 or more listed; or 0xFF, then as many shares as the range has.
constexpr std::uint8_t kSplit = 0xFF;

void write_range(FieldWriter& out, const RangeIs& value) {
    TOTEM_CHECK(value.listed.empty() || value.shares.empty());
    TOTEM_CHECK(value.listed.size() <= kListedMax && value.shares.size() <= kShares);
    out.u8(value.shares.empty() ? static_cast<std::uint8_t>(value.listed.size()) : kSplit);
    for (const Listed& listed : value.listed) {
        out.inode(listed.inode);
        out.u64(listed.size);
        out.digest(listed.digest);
    }
    if (!value.shares.empty()) {
        out.u8(static_cast<std::uint8_t>(value.shares.size()));
    }
    for (const Summary& share : value.shares) {
        write_summary(out, share);
    }
}

RangeIs read_range(FieldReader& in) {
    RangeIs range;
    const std::size_t listed = in.u8();
    in.require(listed <= kListedMax || listed == kSplit, DecodeError::kBadCount);
    const bool split = listed == kSplit;
    const std::size_t count = split ? in.u8() : listed;
    in.require(!split || (count >= 1 && count <= kShares), DecodeError::kBadCount);
    for (std::size_t i = 0; i < count && !in.error(); ++i) {
        if (split) {
            range.shares.push_back(read_summary(in));
            continue;
        }
        Listed one;
        one.inode = in.inode();
        one.size = in.u64();
        one.digest = in.digest();
        range.listed.push_back(one);
    }
    in.require(
        ascending(range.listed, [](const Listed& a, const Listed& b) { return a.inode < b.inode; }),
        DecodeError::kBadOrder);
    return range;
}

void write_entry(FieldWriter& out, const SentEntry& value) {
    const Entry& entry = value.entry;
    out.inode(entry.inode);
    out.inode(entry.parent);
    out.u64(entry.version);
    out.u32(totem::raw(entry.writer));
    out.u64(entry.mtime);
    out.u8(static_cast<std::uint8_t>(entry.type));
    out.name(entry.name);
    out.u64(value.size);
    const bool inlined = value.size <= kInlineBytesMax;
    TOTEM_CHECK(inlined ? value.digests.empty() : value.blocks.empty());
    out.number(static_cast<std::uint16_t>(inlined ? value.blocks.size() : value.digests.size()));
    for (const SentBlock& block : value.blocks) {
        out.number(block.number);
        out.number(static_cast<std::uint16_t>(block.bytes.size()));
        out.bytes(block.bytes);
    }
    for (const SentBlockDigest& block : value.digests) {
        out.number(block.number);
        out.digest(block.digest);
    }
}

Bytes read_block(FieldReader& in) {
    const std::size_t size = in.number<std::uint16_t>();
    in.require(size >= 1 && size <= kBlockBytes, DecodeError::kBadRange);
    return in.view(size);
}

void read_content(FieldReader& in, SentEntry& value) {
    value.size = in.u64();
    in.require(value.size <= kFileBytesCeiling && (!value.entry.is_directory() || value.size == 0),
               DecodeError::kBadRange);
    const std::size_t count = in.number<std::uint16_t>();
    in.require(count <= blocks_of(value.size), DecodeError::kBadCount);
    for (std::size_t i = 0; i < count && !in.error(); ++i) {
        const auto number = in.number<std::uint16_t>();
        in.require(number < blocks_of(value.size), DecodeError::kBadRange);
        if (value.size <= kInlineBytesMax) {
            value.blocks.push_back({number, read_block(in)});
        } else {
            value.digests.push_back({number, in.digest()});
        }
    }
    in.require(ascending_numbers(value.blocks) && ascending_numbers(value.digests),
               DecodeError::kBadOrder);
}

SentEntry read_entry(FieldReader& in) {
    SentEntry value;
    Entry& entry = value.entry;
    entry.inode = in.inode();
    entry.parent = in.inode();
    entry.version = in.u64();
    entry.writer = NodeId{in.u32()};
    entry.mtime = in.u64();
    entry.type = static_cast<FileType>(in.u8());
    in.require(entry.type == FileType::kDirectory || entry.type == FileType::kRegular,
               DecodeError::kUnknownKind);
    entry.name = in.name();
    read_content(in, value);
    return value;
}

void write_record(FieldWriter& out, const Record& value) {
    out.position(value.position);
    out.operation_id(value.id);
    out.u8(value.kind);
    out.u64(value.time);
    out.u8(static_cast<std::uint8_t>(value.outcome.error));
    out.inode(value.outcome.inode);
    out.u64(value.outcome.version);
    out.digest(value.state);
    out.text(value.subject, kSubjectBytesMax);
}

Record read_record(FieldReader& in) {
    Record value;
    value.position = in.position();
    value.id = in.operation_id();
    value.kind = in.u8();
    in.require(value.kind >= 1 && value.kind <= std::variant_size_v<Change>,
               DecodeError::kUnknownKind);
    value.time = in.u64();
    value.outcome.error = static_cast<Errno>(in.u8());
    in.require(known(value.outcome.error), DecodeError::kUnknownKind);
    value.outcome.inode = in.inode();
    value.outcome.version = in.u64();
    value.state = in.digest();
    value.subject = in.text(kSubjectBytesMax);
    return value;
}

}  // namespace

void write(FieldWriter& out, const SnapshotIs& value) {
    out.u64(value.turn);
    out.digest(value.state);
    out.u64(value.version);
    write_summary(out, value.tree);
    out.limits(value.limits);
    out.u32(value.records);
    out.u32(value.floors);
    out.u32(value.parts);
}
void read(FieldReader& in, SnapshotIs& value) {
    value.turn = in.u64();
    value.state = in.digest();
    value.version = in.u64();
    value.tree = read_summary(in);
    value.limits = in.limits();
    value.records = in.u32();
    value.floors = in.u32();
    value.parts = in.u32();
}

void write(FieldWriter& out, const RangesAre& value) { out.list(value.ranges, write_range); }
void read(FieldReader& in, RangesAre& value) { value.ranges = in.list<RangeIs>(1, read_range); }

void write(FieldWriter& out, const EntriesAre& value) { out.list(value.entries, write_entry); }
void read(FieldReader& in, EntriesAre& value) {
    value.entries = in.list<SentEntry>(kEntryHeadBytes, read_entry);
}

void write(FieldWriter& out, const BlocksAre& value) {
    out.list(value.blocks, [](FieldWriter& to, Bytes block) {
        to.number(static_cast<std::uint16_t>(block.size()));
        to.bytes(block);
    });
}
void read(FieldReader& in, BlocksAre& value) { value.blocks = in.list<Bytes>(3, read_block); }

void write(FieldWriter& out, const RecordsAre& value) { out.list(value.records, write_record); }
void read(FieldReader& in, RecordsAre& value) {
    value.records = in.list<Record>(kRecordHeadBytes, read_record);
}

void write(FieldWriter& out, const FloorsAre& value) {
    out.list(value.floors, [](FieldWriter& to, const Floor& floor) {
        to.u32(totem::raw(floor.node));
        to.u64(raw(floor.life));
        to.u64(floor.number);
        to.u64(floor.index);
    });
}
void read(FieldReader& in, FloorsAre& value) {
    value.floors = in.list<Floor>(kSentFloorBytes, [](FieldReader& from) {
        Floor floor;
        floor.node = NodeId{from.u32()};
        floor.life = Life{from.u64()};
        floor.number = from.u64();
        floor.index = from.u64();
        return floor;
    });
}

void write(FieldWriter& out, const PartsAre& value) {
    out.list(value.pieces, [](FieldWriter& to, const PartPiece& piece) {
        to.u32(totem::raw(piece.id.node));
        to.u64(raw(piece.id.life));
        to.u64(piece.id.write);
        to.u32(piece.sequence);
        to.u32(piece.size);
        to.u32(piece.offset);
        to.u32(static_cast<std::uint32_t>(piece.bytes.size()));
        to.bytes(piece.bytes);
    });
}
void read(FieldReader& in, PartsAre& value) {
    value.pieces = in.list<PartPiece>(kSentPieceHeadBytes, [](FieldReader& from) {
        PartPiece piece;
        piece.id.node = NodeId{from.u32()};
        piece.id.life = Life{from.u64()};
        piece.id.write = from.u64();
        piece.sequence = from.u32();
        piece.size = from.u32();
        piece.offset = from.u32();
        const std::uint32_t bytes = from.u32();
        from.require(bytes >= 1 && piece.offset <= piece.size && bytes <= piece.size - piece.offset,
                     DecodeError::kBadRange);
        piece.bytes = from.view(bytes);
        return piece;
    });
}

std::size_t sent_bytes_max(std::uint64_t size) noexcept {
    const auto blocks = static_cast<std::size_t>(blocks_of(size));
    const std::size_t content = size <= kInlineBytesMax
                                    ? static_cast<std::size_t>(size) + blocks * kBlockHeadBytes
                                    : blocks * kBlockDigestBytes;
    return kEntryHeadBytes + kNameBytesCeiling + content;
}

std::size_t sent_bytes(const Record& record) noexcept {
    return kRecordHeadBytes + record.subject.size();
}

}  // namespace cfs
