#include "cfs/core/transfer_rest.h"

#include <memory>
#include <tuple>
#include <utility>

namespace cfs {

namespace {

TransferError error(TransferProblem problem) { return {problem}; }

bool follows(const Record& record, const Record& last) {
    return record.position.index == last.position.index + 1 &&
           record.position.epoch >= last.position.epoch;
}

bool follows(const PartPiece& piece, const Part& last) {
    return std::tie(last.id, last.sequence) < std::tie(piece.id, piece.sequence);
}

}  // namespace

RestCollector::Problem RestCollector::begin(const SnapshotIs& is, const Position& position) {
    const bool history = is.records < kHistoryMin + kHistoryStep && is.records <= position.index &&
                         (is.records == 0) == (position.index == 0);
    const bool floors = is.floors <= kLivesPerNode * kNodesRemembered;
    if (!history || !floors || is.parts > kPartsBytesMax) {
        return error(TransferProblem::kBadSnapshot);
    }
    goal_ = is;
    position_ = position;
    return std::nullopt;
}

std::optional<AskRest> RestCollector::next() {
    if (asked_ || done()) {
        return std::nullopt;
    }
    asked_ = true;
    if (records_.size() < goal_.records) {
        return AskRest{RestKind::kRecords, static_cast<std::uint32_t>(records_.size()), 0};
    }
    if (floors_.size() < goal_.floors) {
        return AskRest{RestKind::kFloors, static_cast<std::uint32_t>(floors_.size()), 0};
    }
    return AskRest{RestKind::kParts, static_cast<std::uint32_t>(parts_.size()),
                   static_cast<std::uint32_t>(open_bytes_.size())};
}

bool RestCollector::done() const noexcept {
    return records_.size() == goal_.records && floors_.size() == goal_.floors &&
           parts_.size() == goal_.parts;
}

RestCollector::Problem RestCollector::take(const AskRest& asked, const TransferAnswer& answer) {
    asked_ = false;
    const auto* records = std::get_if<RecordsAre>(&answer);
    const auto* floors = std::get_if<FloorsAre>(&answer);
    const auto* parts = std::get_if<PartsAre>(&answer);
    if (asked.kind == RestKind::kRecords && records != nullptr) {
        return take(*records);
    }
    if (asked.kind == RestKind::kFloors && floors != nullptr) {
        return take(*floors);
    }
    if (asked.kind == RestKind::kParts && parts != nullptr) {
        return take(*parts);
    }
    return error(TransferProblem::kOtherKind);
}

RestCollector::Problem RestCollector::take(const RecordsAre& answer) {
    for (const Record& record : answer.records) {
        if (records_.size() == goal_.records ||
            (!records_.empty() && !follows(record, records_.back()))) {
            return error(TransferProblem::kBadHistory);
        }
        records_.push_back(record);
    }
    if (records_.size() == goal_.records &&
        (records_.back().position != position_ || records_.back().state != goal_.state)) {
        return error(TransferProblem::kBadHistory);
    }
    return std::nullopt;
}

RestCollector::Problem RestCollector::take(const FloorsAre& answer) {
    for (const Floor& floor : answer.floors) {
        if (floors_.size() == goal_.floors ||
            (!floors_.empty() && std::tie(floors_.back().node, floors_.back().life) >=
                                     std::tie(floor.node, floor.life))) {
            return error(TransferProblem::kBadHistory);
        }
        floors_.push_back(floor);
    }
    return std::nullopt;
}

RestCollector::Problem RestCollector::take(const PartsAre& answer) {
    for (const PartPiece& piece : answer.pieces) {
        if (!take(piece)) {
            return error(TransferProblem::kBadParts);
        }
    }
    return std::nullopt;
}

bool RestCollector::take(const PartPiece& piece) {
    if (!open_) {
        if (parts_.size() == goal_.parts || (!parts_.empty() && !follows(piece, parts_.back())) ||
            piece.size > kPartsBytesMax - parts_bytes_) {
            return false;
        }
        open_ = Part{piece.id, piece.sequence, nullptr};
        open_size_ = piece.size;
        parts_bytes_ += piece.size;
    }
    if (piece.id != open_->id || piece.sequence != open_->sequence || piece.size != open_size_ ||
        piece.offset != open_bytes_.size()) {
        return false;
    }
    open_bytes_.insert(open_bytes_.end(), piece.bytes.begin(), piece.bytes.end());
    if (open_bytes_.size() == open_size_) {
        open_->ranges =
            std::make_shared<const std::vector<std::byte>>(std::exchange(open_bytes_, {}));
        parts_.push_back(*std::exchange(open_, std::nullopt));
    }
    return true;
}

void RestCollector::put_into(Image& image) const {
    image.records = records_;
    image.floors = floors_;
    image.parts = parts_;
}

}  // namespace cfs
