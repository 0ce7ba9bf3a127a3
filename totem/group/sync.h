// The synchronisation of services after a regular configuration, as a sequence of rounds: who is to
// work when, and for whom everybody waits. What the services do in their turns is not its business.
//
// First every member lists its services; the union of the lists, ascending, gives the rounds. In
// each round every member does its work and multicasts a barrier; when the barriers of all have
// arrived the round is over. Since a barrier names no service and all members count them in the
// same order, a round begins nowhere before it has ended everywhere.
//
// Source: wire.md 7.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "totem/core/types.h"
#include "totem/group/state_hash.h"

namespace totem::group {

class Sync {
  public:
    enum class Phase : std::uint8_t {
        kIdle,      // no synchronisation is running
        kBuilding,  // waiting for the members' lists
        kTurn,      // our own service has its turn; barriers of others may arrive already
        kBarrier,   // our barrier is sent, those of others are missing
    };

    explicit Sync(NodeId self) noexcept : self_(self) {}

    // `members` is ascending and names this node too.
    void begin(const RingId& ring, std::span<const NodeId> members, Instant now);
    // A newer configuration has overtaken it.
    void abort();

    // The list of one member. True: it was the last one, the first round (if any) begins.
    [[nodiscard]] bool on_service_build(NodeId sender, const RingId& ring,
                                        std::span<const std::int32_t> services);
    // The service whose round it is; absent after the last one, when only finish() is left.
    [[nodiscard]] std::optional<std::int32_t> current() const noexcept;
    // Our own work of this round is done; the caller multicasts the barrier.
    void turn_done();
    // The barrier of one member. True: it was the last one, next_round() follows.
    [[nodiscard]] bool on_barrier(NodeId sender, const RingId& ring);
    void next_round();
    void finish();

    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] const RingId& ring() const noexcept { return ring_; }

    // When to tell the administrator for whom this synchronisation is waiting; absent when idle.
    [[nodiscard]] std::optional<Instant> notice_at() const noexcept;
    // Moves notice_at() to the next time after `now`.
    void noticed(Instant now);
    [[nodiscard]] Duration waited(Instant now) const noexcept { return now - since_; }
    // Members whose list or barrier is missing now.
    [[nodiscard]] std::vector<NodeId> missing() const;

    void hash(StateHash& into) const;

  private:
    struct Member {
        NodeId node = kNoNode;
        bool heard = false;  // in the present phase
    };

    // False: not a member, heard before, or of another ring.
    [[nodiscard]] bool hear(NodeId sender, const RingId& ring);
    [[nodiscard]] bool all_heard() const noexcept;
    void forget_heard() noexcept;

    NodeId self_;
    Phase phase_ = Phase::kIdle;
    RingId ring_;
    std::vector<Member> members_;
    std::vector<std::int32_t> services_;  // the union, ascending
    std::size_t round_ = 0;               // index into services_
    Instant since_{};                     // when it began
    Instant notice_at_{};
};

}  // namespace totem::group
