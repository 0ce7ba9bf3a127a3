// The last operations and what became of each: how a retry is known, and how replicas find where
// they last agreed.
//
// The history is part of the replicated state, so that every replica knows a retry or none does. It
// keeps at least kHistoryMin operations; of older ones it keeps, per life of a node's daemon, the
// highest number. What comes with a number up to that is refused, since nobody can say whether it
// was applied: an operation is never applied twice. A sender must not let more than kHistoryMin
// operations pass between its tries; a retry takes seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cfs/core/digest.h"
#include "cfs/core/tree.h"
#include "cfs/core/types.h"

namespace cfs {

// Old operations are forgotten kHistoryStep at a time, so that a store rarely has to delete.
inline constexpr std::size_t kHistoryMin = 4096;
inline constexpr std::size_t kHistoryStep = 512;
// Of a record's subject no more is kept: paths have no limit, records travel and are stored.
inline constexpr std::size_t kSubjectBytesMax = 4096;
// Lives of one node, and nodes, that forgotten operations are remembered of.
inline constexpr std::size_t kLivesPerNode = 4;
inline constexpr std::size_t kNodesRemembered = 384;

// One operation that had its turn, whether it changed anything or was refused.
struct Record {
    Position position;
    OperationId id;
    std::uint8_t kind = 0;   // index in Change, from 1
    std::uint64_t time = 0;  // s, the sender's
    Outcome outcome;
    Digest state;         // of everything replicated, after it
    std::string subject;  // for people: the path that it was about, "a -> b" of a rename
    friend bool operator==(const Record&, const Record&) = default;
};

// Forgotten operations of one life: no number up to `number` is applied any more.
struct Floor {
    NodeId node = totem::kNoNode;
    Life life{};
    std::uint64_t number = 0;
    std::uint64_t index = 0;  // position of the last forgotten one
    friend bool operator==(const Floor&, const Floor&) = default;
};

class History {
  public:
    enum class Known { kNew, kRepeated, kForgotten };
    [[nodiscard]] Known known(const OperationId& id) const;
    // The record of a repeated operation.
    [[nodiscard]] const Record& record(const OperationId& id) const;

    // A new operation, at the position after the last one.
    void add(Record record);
    // Sets what a record could not say of itself: the state after it.
    void set_last_state(const Digest& state) { records_.back().state = state; }

    // Whether `position` is in here with this state: who stands there is behind, not beside.
    // kUnknown when it is older than the history.
    enum class Place { kHere, kOther, kUnknown };
    [[nodiscard]] Place place(const Position& position, const Digest& state) const;

    // Ascending by position, without gaps.
    [[nodiscard]] const std::deque<Record>& records() const noexcept { return records_; }
    // Ascending by node and life.
    [[nodiscard]] std::vector<Floor> floors() const;
    [[nodiscard]] Position last() const noexcept {
        return records_.empty() ? Position{} : records_.back().position;
    }
    // Of all that decides what known() says.
    [[nodiscard]] const Digest& digest() const noexcept { return digest_; }
    // True once after the floors changed.
    [[nodiscard]] bool take_floors_changed() noexcept {
        return std::exchange(floors_changed_, false);
    }

    // False, and nothing is changed, if these are no history: records out of order or with gaps,
    // an id twice, a life twice.
    [[nodiscard]] bool assign(const std::vector<Record>& records, const std::vector<Floor>& floors);

  private:
    using LifeKey = std::pair<NodeId, Life>;

    void forget_oldest();
    void raise_floor(const Record& record);
    void drop_lives();
    void set_floor(const Floor& floor);
    void drop_floor(const LifeKey& key);

    std::deque<Record> records_;
    std::map<OperationId, std::uint64_t> index_of_;
    std::map<LifeKey, Floor> floors_;
    Digest digest_;
    bool floors_changed_ = false;
};

}  // namespace cfs
