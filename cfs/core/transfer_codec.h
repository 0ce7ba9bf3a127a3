// What a replica that catches up and the one that helps it say to each other, as values and as
// bytes. Little-endian, one format version, one encoding only (docs/replication.md has the table).
//
// Every question has exactly one answer, and one that fits into a message: the asker asks for no
// more than that. All of it is multicast to the whole group, so each message says whose it is.
//
// Decoding trusts nothing and checks form only; what an answer says is checked by who asked
// (transfer_receiver.h). Views in decoded values point into the message.
//
// Source: docs/replication.md, "Catching up".
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "cfs/core/entry.h"
#include "cfs/core/history.h"
#include "cfs/core/operation_codec.h"
#include "cfs/core/parts.h"
#include "cfs/core/tree_view.h"
#include "cfs/core/types.h"
#include "totem/core/result.h"

namespace cfs {

inline constexpr std::uint8_t kTransferFormat = 1;
// What a message carries at most, and how long it is at most with its head.
inline constexpr std::size_t kTransferDataMax = std::size_t{256} * 1024;
inline constexpr std::size_t kTransferBytesMax = kTransferDataMax + 256;
inline constexpr std::size_t kRangesPerQuestion = 80;
inline constexpr std::size_t kBlocksPerQuestion = 15;
// A range with up to so many entries is listed; one with more is split into so many shares.
inline constexpr std::size_t kListedMax = 64;
inline constexpr std::uint64_t kShares = 16;
// A file up to this size comes with its entry; of a larger one only the blocks that are missing.
inline constexpr std::uint64_t kInlineBytesMax = std::uint64_t{4} * kBlockBytes;

// Names one try of one replica to catch up.
struct TransferId {
    NodeId asker = totem::kNoNode;
    Life life{};
    std::uint64_t number = 0;  // grows within a life, from 1
    friend constexpr bool operator==(const TransferId&, const TransferId&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const TransferId&,
                                                      const TransferId&) noexcept = default;
};

struct TransferHead {
    TransferId id;
    NodeId donor = totem::kNoNode;
    std::uint32_t question = 0;  // counts the questions of a transfer, from 1
    friend constexpr bool operator==(const TransferHead&, const TransferHead&) noexcept = default;
};

// ---- questions ----------------------------------------------------------------------------------

// "Which state have you?"
struct AskSnapshot {};

// Inodes in [from, to).
struct InodeRange {
    Inode from{};
    Inode to{};
    [[nodiscard]] constexpr std::uint64_t width() const noexcept { return raw(to) - raw(from); }
    friend constexpr bool operator==(const InodeRange&, const InodeRange&) noexcept = default;
};
// The shares of a range, in order; as many as kShares unless it is narrow.
[[nodiscard]] std::vector<InodeRange> shares_of(const InodeRange& range);

// "What have you there?" Ascending, not overlapping.
struct AskRanges {
    std::vector<InodeRange> ranges;
};
// Ascending.
struct AskEntries {
    std::vector<Inode> inodes;
};
struct BlockName {
    Inode inode{};
    std::uint16_t number = 0;  // in the file
    friend constexpr auto operator<=>(const BlockName&, const BlockName&) noexcept = default;
};
// Of large files. Ascending.
struct AskBlocks {
    std::vector<BlockName> blocks;
};
enum class RestKind : std::uint8_t { kRecords = 1, kFloors, kParts };
// "What follows, as far as it fits?" From the number-th record, floor or part on, and there from
// `offset` on (of parts only).
struct AskRest {
    RestKind kind{};
    std::uint32_t number = 0;
    std::uint32_t offset = 0;
};

using TransferQuestion = std::variant<AskSnapshot, AskRanges, AskEntries, AskBlocks, AskRest>;

// ---- answers ------------------------------------------------------------------------------------

struct SnapshotIs {
    std::uint64_t turn = 0;     // of the epoch, the last one in the snapshot
    Digest state;               // of all of it
    std::uint64_t version = 0;  // of the tree; no inode is above it
    Summary tree;
    Limits limits;
    std::uint32_t records = 0;
    std::uint32_t floors = 0;
    std::uint32_t parts = 0;
    friend bool operator==(const SnapshotIs&, const SnapshotIs&) = default;
};

struct Listed {
    Inode inode{};
    std::uint64_t size = 0;
    Digest digest;
};
// One range: its entries, or the summaries of its shares. One of the two is empty, and both are
// where there is no entry.
struct RangeIs {
    std::vector<Listed> listed;
    std::vector<Summary> shares;
};
struct RangesAre {
    std::vector<RangeIs> ranges;
};

struct SentBlock {
    std::uint16_t number = 0;
    Bytes bytes{};
};
struct SentBlockDigest {
    std::uint16_t number = 0;
    Digest digest;
};
// An entry without its content, and that: its blocks, or their digests if it is larger than
// kInlineBytesMax. Blocks of zeros are not named.
struct SentEntry {
    Entry entry;
    std::uint64_t size = 0;
    std::vector<SentBlock> blocks;
    std::vector<SentBlockDigest> digests;
};
struct EntriesAre {
    std::vector<SentEntry> entries;
};
struct BlocksAre {
    std::vector<Bytes> blocks;
};
struct RecordsAre {
    std::vector<Record> records;
};
struct FloorsAre {
    std::vector<Floor> floors;
};
// [offset, offset + bytes) of a part that has `size` bytes.
struct PartPiece {
    WriteId id;
    std::uint32_t sequence = 0;
    std::uint32_t size = 0;
    std::uint32_t offset = 0;
    Bytes bytes{};
};
struct PartsAre {
    std::vector<PartPiece> pieces;
};

using TransferAnswer =
    std::variant<SnapshotIs, RangesAre, EntriesAre, BlocksAre, RecordsAre, FloorsAre, PartsAre>;

// ---- bytes --------------------------------------------------------------------------------------

// No more than this is sent of an entry whose content has `size` bytes.
[[nodiscard]] std::size_t sent_bytes_max(std::uint64_t size) noexcept;
[[nodiscard]] std::size_t sent_bytes(const Record& record) noexcept;
inline constexpr std::size_t kSentFloorBytes = 28;
inline constexpr std::size_t kSentPieceHeadBytes = 36;

struct TransferAsked {
    TransferHead head;
    TransferQuestion question;
};
struct TransferAnswered {
    TransferHead head;
    Position snapshot;  // which state the answer is about
    TransferAnswer answer;
};
// Whose a message is; the rest of it has not been looked at.
struct TransferPeek {
    TransferHead head;
    bool is_question = false;
};
[[nodiscard]] totem::Result<TransferPeek, DecodeError> peek_transfer(Bytes bytes);

// What breaks the rules above is a bug of its maker (checked).
[[nodiscard]] std::vector<std::byte> encode(const TransferAsked& message);
[[nodiscard]] std::vector<std::byte> encode(const TransferAnswered& message);
[[nodiscard]] totem::Result<TransferAsked, DecodeError> decode_transfer_question(Bytes bytes);
[[nodiscard]] totem::Result<TransferAnswered, DecodeError> decode_transfer_answer(Bytes bytes);

}  // namespace cfs
