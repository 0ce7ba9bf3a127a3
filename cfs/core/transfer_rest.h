// Collects what of a state is not its tree: history, floors, parts of writes. Always whole, one
// question at a time.
#pragma once

#include <optional>
#include <vector>

#include "cfs/core/image.h"
#include "cfs/core/transfer_codec.h"
#include "cfs/core/transfer_error.h"

namespace cfs {

class RestCollector {
  public:
    using Problem = std::optional<TransferError>;

    // A problem if no state can have that much.
    [[nodiscard]] Problem begin(const SnapshotIs& is, const Position& position);

    [[nodiscard]] std::optional<AskRest> next();
    // Of the kind that was asked for, or it is a problem.
    [[nodiscard]] Problem take(const AskRest& asked, const TransferAnswer& answer);
    [[nodiscard]] bool done() const noexcept;

    void put_into(Image& image) const;

  private:
    [[nodiscard]] Problem take(const RecordsAre& answer);
    [[nodiscard]] Problem take(const FloorsAre& answer);
    [[nodiscard]] Problem take(const PartsAre& answer);
    [[nodiscard]] bool take(const PartPiece& piece);

    SnapshotIs goal_;
    Position position_;
    std::vector<Record> records_;
    std::vector<Floor> floors_;
    std::vector<Part> parts_;
    std::uint64_t parts_bytes_ = 0;
    // The part whose pieces are coming, and how many bytes it will have.
    std::optional<Part> open_;
    std::vector<std::byte> open_bytes_;
    std::size_t open_size_ = 0;
    bool asked_ = false;
};

}  // namespace cfs
