// The side of a transfer that has the state: answers questions from one immutable snapshot.
//
// It remembers nothing of who asks, so one snapshot serves any number of transfers, and a question
// that comes twice is answered twice with the same bytes. Work per question is bounded by the size
// of a message.
//
// Source: docs/replication.md, "Catching up"; properties.md S19.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cfs/core/state.h"
#include "cfs/core/transfer_codec.h"
#include "cfs/core/transfer_error.h"
#include "totem/core/result.h"

namespace cfs {

struct TransferSnapshot {
    TreeView tree;
    std::vector<Record> records;
    std::vector<Floor> floors;
    std::vector<Part> parts;
    Digest state;
    Position position;
    std::uint64_t turn = 0;  // of the epoch, the last one in it
};
[[nodiscard]] std::shared_ptr<const TransferSnapshot> transfer_snapshot(State& state,
                                                                        std::uint64_t turn);

class TransferDonor {
  public:
    TransferDonor(NodeId self, std::shared_ptr<const TransferSnapshot> snapshot);

    // The one message that answers `question`, which names this node as the donor (checked by the
    // caller with peek_transfer()). An error is the asker's fault.
    [[nodiscard]] totem::Result<std::vector<std::byte>, TransferError> answer(Bytes question) const;

    [[nodiscard]] const TransferSnapshot& snapshot() const noexcept { return *snapshot_; }

  private:
    using Answer = totem::Result<TransferAnswer, TransferError>;

    [[nodiscard]] Answer answer_to(const AskSnapshot& question) const;
    [[nodiscard]] Answer answer_to(const AskRanges& question) const;
    [[nodiscard]] Answer answer_to(const AskEntries& question) const;
    [[nodiscard]] Answer answer_to(const AskBlocks& question) const;
    [[nodiscard]] Answer answer_to(const AskRest& question) const;
    [[nodiscard]] RangeIs look(const InodeRange& range) const;
    [[nodiscard]] RecordsAre records_from(std::size_t number) const;
    [[nodiscard]] FloorsAre floors_from(std::size_t number) const;
    [[nodiscard]] PartsAre parts_from(std::size_t number, std::size_t offset) const;

    NodeId self_;
    std::shared_ptr<const TransferSnapshot> snapshot_;
};

}  // namespace cfs
