#include "totem/daemon/statistics.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <string>

#include <fmt/format.h>

#include "totem/daemon/driver.h"
#include "totem/daemon/notice_text.h"

namespace totem::daemon {

namespace {

using group::CmapValue;

struct Counter {
    std::string_view name;
    std::uint64_t NodeStats::*value;
};
constexpr std::array<Counter, 23> kCounters{{
    {"commit_entered", &NodeStats::commit_entered},
    {"commit_token_lost", &NodeStats::commit_token_lost},
    {"consensus_timeouts", &NodeStats::consensus_timeouts},
    {"gather_entered", &NodeStats::gather_entered},
    {"gather_token_lost", &NodeStats::gather_token_lost},
    {"mcast_retx", &NodeStats::mcast_retx},
    {"mcast_rx", &NodeStats::mcast_rx},
    {"mcast_tx", &NodeStats::mcast_tx},
    {"memb_commit_token_rx", &NodeStats::memb_commit_token_rx},
    {"memb_commit_token_tx", &NodeStats::memb_commit_token_tx},
    {"memb_join_rx", &NodeStats::memb_join_rx},
    {"memb_join_tx", &NodeStats::memb_join_tx},
    {"memb_merge_detect_rx", &NodeStats::memb_merge_detect_rx},
    {"memb_merge_detect_tx", &NodeStats::memb_merge_detect_tx},
    {"operational_entered", &NodeStats::operational_entered},
    {"operational_token_lost", &NodeStats::operational_token_lost},
    {"orf_token_rx", &NodeStats::orf_token_rx},
    {"orf_token_tx", &NodeStats::orf_token_tx},
    {"recovery_entered", &NodeStats::recovery_entered},
    {"recovery_token_lost", &NodeStats::recovery_token_lost},
    {"rx_msg_dropped", &NodeStats::rx_msg_dropped},
    {"token_hold_cancel_rx", &NodeStats::token_hold_cancel_rx},
    {"token_hold_cancel_tx", &NodeStats::token_hold_cancel_tx},
}};

// More gathers in a row than this, and something keeps the nodes from hearing each other.
constexpr std::uint32_t kGathersMax = 3;

}  // namespace

void Statistics::fill(group::CmapStore& stats) {
    const NodeStats& node = stack_.node().stats();
    const std::string prefix = "stats.srp.";
    for (const Counter& counter : kCounters) {
        stats.set_internal(prefix + std::string(counter.name),
                           CmapValue::u64(node.*counter.value - zero_.*counter.value));
    }
    stats.set_internal(prefix + "avg_backlog_calc", CmapValue::u32(node.avg_backlog_calc));
    stats.set_internal(prefix + "avg_token_workload", CmapValue::u32(node.avg_token_workload));
    stats.set_internal(prefix + "mtt_rx_token", CmapValue::u32(node.mtt_rx_token));
    stats.set_internal(prefix + "continuous_gather", CmapValue::u32(node.continuous_gather));
    stats.set_internal(prefix + "continuous_sendmsg_failures", CmapValue::u32(0));
    stats.set_internal(prefix + "firewall_enabled_or_nic_failure",
                       CmapValue::u8(node.continuous_gather > kGathersMax ? 1 : 0));
    if (node.last_token) {
        const auto ago =
            std::chrono::duration_cast<std::chrono::milliseconds>(now() - *node.last_token);
        stats.set_internal(prefix + "time_since_token_last_received",
                           CmapValue::u64(static_cast<std::uint64_t>(ago.count())));
    }
}

std::vector<std::string> state_text(const group::Stack& stack, const net::UdpLink& link,
                                    const FramePool& pool) {
    const NodeStats& node = stack.node().stats();
    const net::LinkStats& sent = link.stats();
    return {
        fmt::format("state {} ring {} synchronising {} send level {} tokens {} messages sent {} "
                    "received {} retransmitted {} gathers {} frames dropped {}",
                    static_cast<int>(stack.node().state()), to_string(stack.node().ring()),
                    stack.synchronising(), static_cast<int>(stack.send_level()), node.orf_token_rx,
                    node.mcast_tx, node.mcast_rx, node.mcast_retx, node.gather_entered,
                    node.rx_msg_dropped),
        fmt::format("refused: undecodable {} impersonating {} of no member {} beyond window {} "
                    "implausible {} late {}; tokens dropped: wrong state {} other ring {} "
                    "repeated {}",
                    node.rx_msg_dropped -
                        std::accumulate(node.refused.begin(), node.refused.end(), std::uint64_t{0}),
                    node.refused[0], node.refused[1], node.refused[2], node.refused[3],
                    node.refused[4], node.tokens_dropped[0], node.tokens_dropped[1],
                    node.tokens_dropped[2]),
        fmt::format("link up {} frames received {} sent {} unlisted {} misnamed {} seal refused "
                    "{} send full {} send errors {} frames in use {}",
                    link.up(), sent.frames_received, sent.frames_sent, sent.unlisted_source,
                    sent.unlisted_node, sent.seal_refused, sent.send_full, sent.send_errors,
                    pool.live())};
}

void Statistics::clear(std::string_view what) {
    if (what == "totem" || what == "all") {
        zero_ = stack_.node().stats();
    }
}

}  // namespace totem::daemon
