// The timers and limits that a ring really runs with: defaults and derivations applied.
//
// Source: totem.md 2; config.md 3.
#pragma once

#include <cstddef>
#include <cstdint>

#include "totem/config/cluster_config.h"
#include "totem/config/problem.h"
#include "totem/core/config.h"

namespace totem::config {

// Milliseconds where it is a time. None is 0 but those that may be off: send_join, token_warning.
struct EffectiveTimers {
    std::uint32_t token = 0;
    std::uint32_t token_warning = 0;  // percent of token
    std::uint32_t token_retransmit = 0;
    std::uint32_t token_retransmits_before_loss = 0;
    std::uint32_t hold = 0;
    std::uint32_t join = 0;
    std::uint32_t send_join = 0;
    std::uint32_t consensus = 0;
    std::uint32_t merge = 0;
    std::uint32_t downcheck = 0;
    std::uint32_t fail_recv_const = 0;
    std::uint32_t seqno_unchanged_const = 0;
    std::uint32_t window_size = 0;
    std::uint32_t max_messages = 0;
    std::uint32_t miss_count_const = 0;
    std::uint32_t max_network_delay = 0;

    friend bool operator==(const EffectiveTimers&, const EffectiveTimers&) = default;
};

[[nodiscard]] EffectiveTimers effective_timers(const ClusterConfig& config);

// The least and most that a ring works with, in corosync's words.
void check_timers(const ClusterConfig& config, Report& report);

// Fills the timers and limits of `ring`; leaves identity and frame size alone.
void apply_timers(const EffectiveTimers& timers, RingConfig& ring);

}  // namespace totem::config
