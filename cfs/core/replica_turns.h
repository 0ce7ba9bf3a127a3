// The turns of one epoch: operations in the order of their delivery, what each synced member has
// said of them, and what follows from that: which turns are ordered, which are durable.
//
// It knows nothing of messages, states or stores; time only for one thing: who has kept others
// waiting for too long is lagging, and is not waited for until it has caught up.
//
// Source: docs/replication.md, "The life of an epoch" 5 and 6.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "cfs/core/messages.h"
#include "cfs/core/types.h"
#include "cfs/core/voting.h"
#include "totem/core/types.h"

namespace cfs {

// Invariants: applied-and-forgotten <= ordered() <= received(); durable() <= received(); everything
// here only grows.
class Turns {
  public:
    struct Turn {
        std::uint64_t number = 0;  // from 1
        OperationId id;
        std::vector<std::byte> operation;
    };

    Turns() = default;
    explicit Turns(Voting voting) : voting_(std::move(voting)) {}

    // Has promised the epoch: from here on its word counts.
    void add_synced(NodeId node);
    [[nodiscard]] bool synced(NodeId node) const { return members_.contains(node); }
    [[nodiscard]] std::vector<NodeId> synced() const;  // ascending
    [[nodiscard]] bool sufficient() const { return voting_.sufficient(synced()); }

    // The next turn.
    void receive(const OperationId& id, Bytes operation);
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
    [[nodiscard]] std::uint64_t chain() const noexcept { return chain_; }

    // Null when it was forgotten or has not come.
    [[nodiscard]] const Turn* find(std::uint64_t number) const;
    // Turns up to `number` are not needed any more.
    void forget(std::uint64_t number);
    [[nodiscard]] std::uint64_t forgotten() const noexcept { return received_ - held_.size(); }
    [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

    // What a synced member said. Words about an order other than this member's count nothing.
    void on_progress(NodeId node, const Progress& progress);
    // Up to here a sufficient set has received what this member has received.
    [[nodiscard]] std::uint64_t ordered() const noexcept { return ordered_; }
    // Up to here a sufficient set has it on stable storage.
    [[nodiscard]] std::uint64_t durable() const noexcept { return durable_; }

    // Brings who is lagging up to date. `changes` gets who began or ended to lag.
    struct LagChange {
        NodeId node = totem::kNoNode;
        bool lagging = false;
    };
    void look(totem::Instant now, totem::Duration wait, std::vector<LagChange>& changes);
    // When look() has something to do next, if nothing is said until then.
    [[nodiscard]] std::optional<totem::Instant> next_look(totem::Duration wait) const;
    [[nodiscard]] bool lagging(NodeId node) const;
    [[nodiscard]] std::vector<NodeId> lagging() const;  // ascending
    // Durable at a sufficient set, and at every synced member that is waited for.
    [[nodiscard]] bool settled(std::uint64_t number) const;

  private:
    struct Standing {
        std::uint64_t received = 0;  // with this member's chain
        std::uint64_t durable = 0;
        bool lagging = false;
    };
    // When turns became durable.
    struct Mark {
        std::uint64_t number = 0;
        totem::Instant since;
    };

    [[nodiscard]] std::optional<std::uint64_t> chain_at(std::uint64_t number) const;
    [[nodiscard]] std::uint64_t sufficient_at(std::uint64_t Standing::*what) const;
    void drop_settled_marks();

    Voting voting_;
    std::map<NodeId, Standing> members_;
    std::deque<Turn> held_;
    std::size_t held_bytes_ = 0;
    std::deque<std::uint64_t> chains_;  // after each of the last turns
    std::uint64_t received_ = 0;
    std::uint64_t chain_ = 0;
    std::uint64_t ordered_ = 0;
    std::uint64_t durable_ = 0;
    std::uint64_t marked_ = 0;
    std::deque<Mark> marks_;  // ascending
};

}  // namespace cfs
