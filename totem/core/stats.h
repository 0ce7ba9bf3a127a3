// What one ring processor has counted since its start, and a few present values.
//
// The names are those of the statistics that clients read (ipc.md 13, stats.srp.*). Nothing here
// decides anything: the state hash leaves it out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "totem/core/trace.h"
#include "totem/core/types.h"

namespace totem {

struct NodeStats {
    std::uint64_t orf_token_tx = 0;
    std::uint64_t orf_token_rx = 0;
    std::uint64_t memb_merge_detect_tx = 0;
    std::uint64_t memb_merge_detect_rx = 0;
    std::uint64_t memb_join_tx = 0;
    std::uint64_t memb_join_rx = 0;
    std::uint64_t mcast_tx = 0;
    std::uint64_t mcast_retx = 0;
    std::uint64_t mcast_rx = 0;
    std::uint64_t memb_commit_token_tx = 0;
    std::uint64_t memb_commit_token_rx = 0;
    std::uint64_t token_hold_cancel_tx = 0;
    std::uint64_t token_hold_cancel_rx = 0;

    std::uint64_t operational_entered = 0;
    std::uint64_t operational_token_lost = 0;
    std::uint64_t gather_entered = 0;
    std::uint64_t gather_token_lost = 0;
    std::uint64_t commit_entered = 0;
    std::uint64_t commit_token_lost = 0;
    std::uint64_t recovery_entered = 0;
    std::uint64_t recovery_token_lost = 0;
    std::uint64_t consensus_timeouts = 0;
    std::uint64_t rx_msg_dropped = 0;  // frames refused
    // Of these by reason; what could not be decoded is the rest.
    std::array<std::uint64_t, kFrameRefusals> refused{};
    std::array<std::uint64_t, kTokenDrops> tokens_dropped{};

    // Gathers in a row that led to no ring; more than 3 make a daemon suspect a firewall.
    std::uint32_t continuous_gather = 0;
    // Smoothed over some 16 token visits: milliseconds between two, time spent in one, backlog.
    std::uint32_t mtt_rx_token = 0;
    std::uint32_t avg_token_workload = 0;
    std::uint32_t avg_backlog_calc = 0;
    std::optional<Instant> last_token;
};

}  // namespace totem
