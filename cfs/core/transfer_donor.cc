#include "cfs/core/transfer_donor.h"

#include <algorithm>
#include <utility>

#include "totem/core/check.h"

namespace cfs {

namespace {

using totem::Result;
using totem::Unexpected;

// What a list has room for besides its count.
constexpr std::size_t kListBytesMax = kTransferDataMax - sizeof(std::uint32_t);

SentEntry sent(const Entry& entry) {
    SentEntry sent;
    sent.entry = entry;
    sent.entry.content = {};
    sent.size = entry.content.size();
    const auto& blocks = entry.content.blocks();
    for (std::size_t number = 0; number < blocks.size(); ++number) {
        if (!blocks[number]) {
            continue;
        }
        const auto place = static_cast<std::uint16_t>(number);
        if (sent.size <= kInlineBytesMax) {
            sent.blocks.push_back({place, blocks[number]->bytes});
        } else {
            sent.digests.push_back({place, blocks[number]->digest});
        }
    }
    return sent;
}

}  // namespace

std::shared_ptr<const TransferSnapshot> transfer_snapshot(State& state, std::uint64_t turn) {
    auto snapshot = std::make_shared<TransferSnapshot>();
    snapshot->tree = state.snapshot();
    const auto& records = state.history().records();
    snapshot->records.assign(records.begin(), records.end());
    snapshot->floors = state.history().floors();
    snapshot->parts = state.parts().all();
    snapshot->state = state.digest();
    snapshot->position = state.position();
    snapshot->turn = turn;
    return snapshot;
}

TransferDonor::TransferDonor(NodeId self, std::shared_ptr<const TransferSnapshot> snapshot)
    : self_(self), snapshot_(std::move(snapshot)) {
    TOTEM_CHECK(snapshot_);
}

Result<std::vector<std::byte>, TransferError> TransferDonor::answer(Bytes question) const {
    const auto asked = decode_transfer_question(question);
    if (!asked) {
        return Unexpected{TransferError{TransferProblem::kMalformed, asked.error()}};
    }
    TOTEM_CHECK(asked->head.donor == self_);
    auto answer = std::visit([this](const auto& what) { return answer_to(what); }, asked->question);
    if (!answer) {
        return Unexpected{answer.error()};
    }
    return encode(TransferAnswered{asked->head, snapshot_->position, std::move(*answer)});
}

TransferDonor::Answer TransferDonor::answer_to(const AskSnapshot& /*question*/) const {
    SnapshotIs is;
    is.turn = snapshot_->turn;
    is.state = snapshot_->state;
    is.version = snapshot_->tree.version();
    is.tree = snapshot_->tree.summary();
    is.limits = snapshot_->tree.limits();
    is.records = static_cast<std::uint32_t>(snapshot_->records.size());
    is.floors = static_cast<std::uint32_t>(snapshot_->floors.size());
    is.parts = static_cast<std::uint32_t>(snapshot_->parts.size());
    return TransferAnswer{is};
}

TransferDonor::Answer TransferDonor::answer_to(const AskRanges& question) const {
    RangesAre are;
    for (const InodeRange& range : question.ranges) {
        are.ranges.push_back(look(range));
    }
    return TransferAnswer{std::move(are)};
}

RangeIs TransferDonor::look(const InodeRange& range) const {
    RangeIs is;
    const TreeView& tree = snapshot_->tree;
    if (tree.summary(range.from, range.to).inodes > kListedMax) {
        for (const InodeRange& share : shares_of(range)) {
            is.shares.push_back(tree.summary(share.from, share.to));
        }
        return is;
    }
    tree.visit_entries(range.from, [&](const EntryRef& entry) {
        if (!(entry->inode < range.to)) {
            return false;
        }
        is.listed.push_back({entry->inode, entry->content.size(), entry->digest});
        return true;
    });
    return is;
}

TransferDonor::Answer TransferDonor::answer_to(const AskEntries& question) const {
    EntriesAre are;
    std::size_t bytes = 0;
    for (const Inode inode : question.inodes) {
        const EntryRef entry = snapshot_->tree.find(inode);
        if (!entry) {
            return Unexpected{TransferError{TransferProblem::kNotThere, {}, inode}};
        }
        bytes += sent_bytes_max(entry->content.size());
        if (bytes > kListBytesMax) {
            return Unexpected{TransferError{TransferProblem::kTooMuch}};
        }
        are.entries.push_back(sent(*entry));
    }
    return TransferAnswer{std::move(are)};
}

TransferDonor::Answer TransferDonor::answer_to(const AskBlocks& question) const {
    BlocksAre are;
    for (const BlockName& block : question.blocks) {
        const EntryRef entry = snapshot_->tree.find(block.inode);
        if (!entry || block.number >= entry->content.blocks().size() ||
            !entry->content.blocks()[block.number]) {
            return Unexpected{TransferError{TransferProblem::kNotThere, {}, block.inode}};
        }
        are.blocks.emplace_back(entry->content.blocks()[block.number]->bytes);
    }
    return TransferAnswer{std::move(are)};
}

TransferDonor::Answer TransferDonor::answer_to(const AskRest& question) const {
    const Unexpected nothing{TransferError{TransferProblem::kNotThere}};
    switch (question.kind) {
        case RestKind::kRecords:
            if (question.number < snapshot_->records.size()) {
                return TransferAnswer{records_from(question.number)};
            }
            return nothing;
        case RestKind::kFloors:
            if (question.number < snapshot_->floors.size()) {
                return TransferAnswer{floors_from(question.number)};
            }
            return nothing;
        case RestKind::kParts:
            if (question.number < snapshot_->parts.size() &&
                question.offset < snapshot_->parts[question.number].ranges->size()) {
                return TransferAnswer{parts_from(question.number, question.offset)};
            }
            return nothing;
    }
    return nothing;
}

RecordsAre TransferDonor::records_from(std::size_t number) const {
    RecordsAre are;
    std::size_t bytes = 0;
    for (; number < snapshot_->records.size(); ++number) {
        bytes += sent_bytes(snapshot_->records[number]);
        if (bytes > kListBytesMax) {
            break;
        }
        are.records.push_back(snapshot_->records[number]);
    }
    return are;
}

FloorsAre TransferDonor::floors_from(std::size_t number) const {
    const auto& all = snapshot_->floors;
    const std::size_t count = std::min(all.size() - number, kListBytesMax / kSentFloorBytes);
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(number);
    return {{from, from + static_cast<std::ptrdiff_t>(count)}};
}

PartsAre TransferDonor::parts_from(std::size_t number, std::size_t offset) const {
    PartsAre are;
    std::size_t room = kListBytesMax;
    for (; number < snapshot_->parts.size() && room > kSentPieceHeadBytes; ++number) {
        room -= kSentPieceHeadBytes;
        const Part& part = snapshot_->parts[number];
        PartPiece piece;
        piece.id = part.id;
        piece.sequence = part.sequence;
        piece.size = static_cast<std::uint32_t>(part.ranges->size());
        piece.offset = static_cast<std::uint32_t>(offset);
        const std::size_t bytes = std::min(room, part.ranges->size() - offset);
        piece.bytes = Bytes(*part.ranges).subspan(offset, bytes);
        are.pieces.push_back(piece);
        room -= bytes;
        offset = 0;
    }
    return are;
}

}  // namespace cfs
