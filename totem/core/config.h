// What the ring protocol is told about itself: who it is, its timers and limits.
//
// Source: totem.md section 2. All values are effective ones (defaults and derivations applied by
// totem/config); none of them is 0 unless its comment says so.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "totem/core/types.h"

namespace totem {

struct RingConfig {
    NodeId self = kNoNode;

    std::chrono::milliseconds token{3000};            // token loss
    std::chrono::milliseconds token_retransmit{714};  // resend the stored token to the successor
    std::chrono::milliseconds hold{561};        // representative keeps an idle token this long
    std::chrono::milliseconds join{50};         // resend join while gathering
    std::chrono::milliseconds consensus{3600};  // give up on members that do not agree
    std::chrono::milliseconds merge{200};       // idle ring to merge_detect
    // How long COMMIT waits for the commit token; a deviation (docs/protocol.md): the peer waits
    // for the whole token timeout.
    std::chrono::milliseconds commit{300};
    std::chrono::milliseconds send_join{0};  // most random delay before a join; 0 = none

    std::uint32_t fail_recv_const = 2500;      // token visits with a stuck aru before exclusion
    std::uint32_t seqno_unchanged_const = 30;  // idle token visits before the token is held
    std::uint32_t window_size = 50;            // messages per rotation, whole ring
    std::uint32_t max_messages = 17;           // messages per token visit, one node
    std::uint32_t miss_count_const = 5;        // token visits before a gap is requested
    bool cancel_token_hold_on_retransmit = false;

    // Bytes that one multicast frame may carry behind its 45-byte header: netmtu - IP and UDP
    // headers (28 or 48) - seal - 90, so that not even a recovery frame is fragmented by IP.
    std::size_t frame_data_max = 1382;

    // First message number of each ring minus one; not 0 only in tests of the wrap.
    std::uint32_t first_seq = 0;
    // Seed of the only randomness in the core, the delay of send_join.
    std::uint64_t seed = 0;
};

}  // namespace totem
