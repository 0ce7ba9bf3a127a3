#include "cfs/core/transfer_codec.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "cfs/core/fields.h"
#include "cfs/core/transfer_answers.h"
#include "totem/core/check.h"

namespace cfs {

namespace {

using totem::Result;
using totem::Unexpected;

// A message's kind on the wire is its place in TransferQuestion or TransferAnswer, from here on.
constexpr std::uint8_t kFirstQuestion = 1;
constexpr std::uint8_t kFirstAnswer = 17;

template <typename Item>
bool ascending(const std::vector<Item>& items) {
    return std::adjacent_find(items.begin(), items.end(), std::greater_equal<>{}) == items.end();
}

// ---- questions ----------------------------------------------------------------------------------

// One overload per kind and direction, field by field in the order of the table.

void write(FieldWriter& /*out*/, const AskSnapshot& /*value*/) {}
void read(FieldReader& /*in*/, AskSnapshot& /*value*/) {}

void write(FieldWriter& out, const AskRanges& value) {
    out.list(value.ranges, [](FieldWriter& to, const InodeRange& range) {
        to.inode(range.from);
        to.inode(range.to);
    });
}
void read(FieldReader& in, AskRanges& value) {
    value.ranges = in.list<InodeRange>(16, [](FieldReader& from) {
        const Inode first = from.inode();
        return InodeRange{first, from.inode()};
    });
    in.require(value.ranges.size() <= kRangesPerQuestion, DecodeError::kBadCount);
    Inode end{};
    for (const InodeRange& range : value.ranges) {
        in.require(range.from < range.to && range.from >= end, DecodeError::kBadRange);
        end = range.to;
    }
}

void write(FieldWriter& out, const AskEntries& value) {
    out.list(value.inodes, [](FieldWriter& to, Inode inode) { to.inode(inode); });
}
void read(FieldReader& in, AskEntries& value) {
    value.inodes = in.list<Inode>(8, [](FieldReader& from) { return from.inode(); });
    in.require(ascending(value.inodes), DecodeError::kBadOrder);
}

void write(FieldWriter& out, const AskBlocks& value) {
    out.list(value.blocks, [](FieldWriter& to, const BlockName& block) {
        to.inode(block.inode);
        to.number(block.number);
    });
}
void read(FieldReader& in, AskBlocks& value) {
    value.blocks = in.list<BlockName>(10, [](FieldReader& from) {
        const Inode inode = from.inode();
        return BlockName{inode, from.number<std::uint16_t>()};
    });
    in.require(value.blocks.size() <= kBlocksPerQuestion, DecodeError::kBadCount);
    in.require(ascending(value.blocks), DecodeError::kBadOrder);
}

void write(FieldWriter& out, const AskRest& value) {
    out.u8(static_cast<std::uint8_t>(value.kind));
    out.u32(value.number);
    out.u32(value.offset);
}
void read(FieldReader& in, AskRest& value) {
    const std::uint8_t kind = in.u8();
    in.require(kind >= 1 && kind <= 3, DecodeError::kUnknownKind);
    value.kind = static_cast<RestKind>(kind);
    value.number = in.u32();
    value.offset = in.u32();
    in.require(value.kind == RestKind::kParts || value.offset == 0, DecodeError::kBadRange);
}

// ---- messages -----------------------------------------------------------------------------------

void write_head(FieldWriter& out, std::size_t kind, const TransferHead& head) {
    out.u8(kTransferFormat);
    out.u8(static_cast<std::uint8_t>(kind));
    out.number(std::uint16_t{0});
    out.u32(totem::raw(head.id.asker));
    out.u64(raw(head.id.life));
    out.u64(head.id.number);
    out.u32(totem::raw(head.donor));
    out.u32(head.question);
}
TransferHead read_head(FieldReader& in, std::uint8_t& kind) {
    const std::uint8_t format = in.u8();
    in.require(format != 0 || in.error(), DecodeError::kUnknownFormat);
    in.require(format <= kTransferFormat, DecodeError::kNewerFormat);
    kind = in.u8();
    in.require(in.number<std::uint16_t>() == 0, DecodeError::kBadFlag);
    TransferHead head;
    head.id.asker = NodeId{in.u32()};
    head.id.life = Life{in.u64()};
    head.id.number = in.u64();
    head.donor = NodeId{in.u32()};
    head.question = in.u32();
    in.require(head.id.asker != totem::kNoNode && head.id.number != 0 &&
                   head.donor != totem::kNoNode && head.question != 0,
               DecodeError::kBadIdentifier);
    return head;
}

template <typename Variant, std::size_t place = 0>
void read_kind(FieldReader& in, std::size_t wanted, Variant& value) {
    if constexpr (place == std::variant_size_v<Variant>) {
        in.require(false, DecodeError::kUnknownKind);
    } else if (place == wanted) {
        read(in, value.template emplace<place>());
    } else {
        read_kind<Variant, place + 1>(in, wanted, value);
    }
}

template <typename Message>
Result<Message, DecodeError> finished(FieldReader& in, Message message) {
    in.require(in.left() == 0, DecodeError::kTrailingBytes);
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return message;
}

}  // namespace

std::vector<InodeRange> shares_of(const InodeRange& range) {
    const std::uint64_t step = (range.width() + kShares - 1) / kShares;
    std::vector<InodeRange> shares;
    for (std::uint64_t done = 0; done < range.width(); done += step) {
        const std::uint64_t width = std::min(step, range.width() - done);
        const std::uint64_t from = raw(range.from) + done;
        shares.push_back({Inode{from}, Inode{from + width}});
    }
    return shares;
}

Result<TransferPeek, DecodeError> peek_transfer(Bytes bytes) {
    FieldReader in(bytes);
    std::uint8_t kind = 0;
    TransferPeek peek;
    peek.head = read_head(in, kind);
    peek.is_question = kind < kFirstAnswer;
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return peek;
}

std::vector<std::byte> encode(const TransferAsked& message) {
    std::vector<std::byte> bytes;
    FieldWriter out(bytes);
    write_head(out, kFirstQuestion + message.question.index(), message.head);
    std::visit([&out](const auto& question) { write(out, question); }, message.question);
    TOTEM_CHECK(bytes.size() <= kTransferBytesMax);
    return bytes;
}

std::vector<std::byte> encode(const TransferAnswered& message) {
    std::vector<std::byte> bytes;
    FieldWriter out(bytes);
    write_head(out, kFirstAnswer + message.answer.index(), message.head);
    out.position(message.snapshot);
    std::visit([&out](const auto& answer) { write(out, answer); }, message.answer);
    TOTEM_CHECK(bytes.size() <= kTransferBytesMax);
    return bytes;
}

Result<TransferAsked, DecodeError> decode_transfer_question(Bytes bytes) {
    FieldReader in(bytes);
    std::uint8_t kind = 0;
    TransferAsked message;
    message.head = read_head(in, kind);
    in.require(bytes.size() <= kTransferBytesMax, DecodeError::kTooLong);
    in.require(kind >= kFirstQuestion, DecodeError::kUnknownKind);
    read_kind(in, std::size_t{kind} - kFirstQuestion, message.question);
    return finished(in, std::move(message));
}

Result<TransferAnswered, DecodeError> decode_transfer_answer(Bytes bytes) {
    FieldReader in(bytes);
    std::uint8_t kind = 0;
    TransferAnswered message;
    message.head = read_head(in, kind);
    message.snapshot = in.position();
    in.require(bytes.size() <= kTransferBytesMax, DecodeError::kTooLong);
    in.require(kind >= kFirstAnswer, DecodeError::kUnknownKind);
    read_kind(in, std::size_t{kind} - kFirstAnswer, message.answer);
    return finished(in, std::move(message));
}

}  // namespace cfs
