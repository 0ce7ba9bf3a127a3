// What must hold of one ring processor after every step (properties.md R1 to R13, M2, M7, as far as
// one node can know), as one function over a snapshot and one over two successive ones.
//
// Tests and the simulator call it after each step; a daemon does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "totem/core/trace.h"
#include "totem/core/types.h"

namespace totem {

// The inner values of a Node that invariants and diagnosis read.
struct Snapshot {
    State state = State::kGather;
    bool started = false;
    bool ended = false;
    RingId ring;
    RingId installed_ring;
    std::uint64_t durable_bound = 0;
    bool commit_sent = false;  // a commit token of `ring` has left

    // Messages of the installed ring.
    Seq released;
    Seq aru;
    Seq high_seq;
    Seq delivered;
    Seq stable;
    Seq token_seq;                // of the last accepted token of `ring`
    std::uint32_t sent_last = 0;  // frames sent at the last visit
    std::uint32_t max_messages = 0;
    std::size_t backlog = 0;  // what waits to be sent in this state

    bool proved_complete = false;  // it showed others that everybody holds the old ring (RECOVERY)
    std::size_t owed = 0;          // messages that it must deliver because of that
    std::size_t behind_gap = 0;    // those held behind a gap, of members that went along; not in
                                   // OPERATIONAL
    std::size_t proc_size = 0;
    std::size_t failed_size = 0;
    std::size_t members_size = 0;
    bool self_in_proc = false;
    bool self_failed = false;
    bool cannot_receive = false;
    bool consensus_within_proc = false;
    bool holds_token = false;
    bool representative = false;
    std::optional<Instant> wake_at;
};

// The first rule that `now` breaks, as "R5 ..." text; absent when all hold.
[[nodiscard]] std::optional<std::string_view> broken_invariant(const Snapshot& now);
// The same for the change from `before` to `now`, one step.
[[nodiscard]] std::optional<std::string_view> broken_change(const Snapshot& before,
                                                            const Snapshot& now);

}  // namespace totem
