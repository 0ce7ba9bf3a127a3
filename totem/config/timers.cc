#include "totem/config/timers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>

namespace totem::config {

namespace {

constexpr std::uint64_t kTimeoutMin = 30;
constexpr std::uint64_t kHoldMin = 14;
constexpr std::uint32_t kToken3 = 3000;
constexpr std::uint32_t kToken24 = 1000;
// Joins go out this often before COMMIT gives up waiting for its token.
constexpr std::uint32_t kCommitJoins = 6;
// Far below the receive window of 16384 messages, which flow control must never let fill.
constexpr std::uint32_t kWindowMax = 4096;
// Times stay far from the end of the clock whatever a file says: 24 days.
constexpr std::uint64_t kTimeoutMax = std::numeric_limits<std::int32_t>::max();

std::uint32_t narrow(std::uint64_t value) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

std::uint32_t given_or(std::uint32_t given, std::uint64_t otherwise) {
    return given != 0 ? given : narrow(otherwise);
}

std::string milliseconds(std::uint64_t value) { return '(' + std::to_string(value) + " ms)"; }

struct Minimum {
    std::string_view key;   // whose line to name
    std::string_view name;  // as the text says it
    std::uint64_t value;
    std::uint64_t least;
};

class Checker {
  public:
    Checker(const ClusterConfig& config, Report& report)
        : config_(config), timers_(effective_timers(config)), report_(report) {}

    void minimums();
    void others();

  private:
    void wrong(std::string_view key, std::string text) {
        const auto line = config_.line_of("totem." + std::string{key});
        report_.problem(Stage::kTotem, line, std::move(text));
    }

    const ClusterConfig& config_;
    const EffectiveTimers timers_;
    Report& report_;
};

void Checker::minimums() {
    const std::array<Minimum, 7> minimums{{
        {"token", "token timeout parameter", timers_.token, kTimeoutMin},
        {"token_retransmit", "token retransmit timeout parameter", timers_.token_retransmit,
         kTimeoutMin},
        {"hold", "token hold timeout parameter", timers_.hold, kHoldMin},
        {"join", "join timeout parameter", timers_.join, kTimeoutMin},
        {"consensus", "consensus timeout parameter", timers_.consensus, kTimeoutMin},
        {"merge", "merge timeout parameter", timers_.merge, kTimeoutMin},
        {"downcheck", "downcheck timeout parameter", timers_.downcheck, kTimeoutMin},
    }};
    // What follows from token and has no line of its own is the fault of token.
    const auto& given = config_.totem.timers;
    const bool derived = given.token_retransmit == 0 && timers_.token_retransmit < kTimeoutMin;
    if (derived && timers_.token >= kTimeoutMin) {
        wrong("token_retransmits_before_loss_const",
              "Not appropriate token or token_retransmits_before_loss_const value set");
    }
    for (const auto& minimum : minimums) {
        const bool follows =
            minimum.key == "token_retransmit" || (minimum.key == "hold" && given.hold == 0);
        if (derived && follows) {
            continue;
        }
        const auto name = "The " + std::string{minimum.name} + ' ' + milliseconds(minimum.value);
        if (minimum.value < minimum.least) {
            wrong(minimum.key, name + " may not be less than " + milliseconds(minimum.least) + '.');
        } else if (minimum.value > kTimeoutMax) {
            wrong(minimum.key,
                  name + " may not be greater than " + milliseconds(kTimeoutMax) + '.');
        }
    }
}

void Checker::others() {
    if (timers_.max_network_delay < kTimeoutMin) {
        wrong("max_network_delay", "The max_network_delay parameter " +
                                       milliseconds(timers_.max_network_delay) +
                                       " may not be less than " + milliseconds(kTimeoutMin) + '.');
    }
    if (timers_.consensus >= kTimeoutMin && timers_.consensus < timers_.join) {
        wrong("consensus", "The consensus timeout parameter " + milliseconds(timers_.consensus) +
                               " may not be less than join timeout " + milliseconds(timers_.join) +
                               '.');
    }
    if (timers_.token_warning > 100) {
        wrong("token_warning", "The token warning parameter (" +
                                   std::to_string(timers_.token_warning) +
                                   "%) must be between 0 (disabled) and 100.");
    }
    if (timers_.window_size > kWindowMax) {
        wrong("window_size", "The window size parameter (" + std::to_string(timers_.window_size) +
                                 " messages) may not be greater than (" +
                                 std::to_string(kWindowMax) + " messages).");
    }
}

}  // namespace

EffectiveTimers effective_timers(const ClusterConfig& config) {
    const auto& totem = config.totem;
    const TotemTimers defaults;
    const TotemTimers& given = totem.timers;
    EffectiveTimers timers;
    const std::uint64_t base =
        given_or(given.token, totem.dialect == Dialect::kCorosync24 ? kToken24 : kToken3);
    const std::size_t nodes = config.nodes_are_members ? 0 : config.nodes.size();
    const std::uint64_t more = nodes > 2 ? nodes - 2 : 0;
    timers.token = narrow(base + more * given.token_coefficient);
    timers.token_warning = given.token_warning;
    timers.token_retransmits_before_loss =
        given_or(given.token_retransmits_before_loss, defaults.token_retransmits_before_loss);
    // token / (retransmits + 0.2), cut; then 0.8 of that less 10, and 1.2 tokens.
    const std::uint64_t token = timers.token;
    timers.token_retransmit =
        given_or(given.token_retransmit,
                 token * 10 / (std::uint64_t{timers.token_retransmits_before_loss} * 10 + 2));
    const std::uint64_t eight_tenths = std::uint64_t{timers.token_retransmit} * 8;
    timers.hold = given_or(given.hold, eight_tenths > 100 ? (eight_tenths - 100) / 10 : 0);
    timers.consensus = given_or(given.consensus, token * 6 / 5);
    timers.join = given_or(given.join, defaults.join);
    timers.send_join = given.send_join;
    timers.merge = given_or(given.merge, defaults.merge);
    timers.downcheck = given_or(given.downcheck, defaults.downcheck);
    timers.fail_recv_const = given_or(given.fail_recv_const, defaults.fail_recv_const);
    timers.seqno_unchanged_const =
        given_or(given.seqno_unchanged_const, defaults.seqno_unchanged_const);
    timers.window_size = given_or(given.window_size, defaults.window_size);
    timers.max_messages = given_or(given.max_messages, defaults.max_messages);
    timers.miss_count_const = given_or(given.miss_count_const, defaults.miss_count_const);
    timers.max_network_delay = given_or(given.max_network_delay, defaults.max_network_delay);
    return timers;
}

void check_timers(const ClusterConfig& config, Report& report) {
    Checker checker{config, report};
    checker.minimums();
    checker.others();
}

void apply_timers(const EffectiveTimers& timers, RingConfig& ring) {
    using std::chrono::milliseconds;
    ring.token = milliseconds{timers.token};
    ring.token_retransmit = milliseconds{timers.token_retransmit};
    ring.hold = milliseconds{timers.hold};
    ring.join = milliseconds{timers.join};
    ring.send_join = milliseconds{timers.send_join};
    ring.consensus = milliseconds{timers.consensus};
    ring.merge = milliseconds{timers.merge};
    ring.commit = milliseconds{
        std::min(std::uint64_t{timers.join} * kCommitJoins, std::uint64_t{timers.token})};
    ring.fail_recv_const = timers.fail_recv_const;
    ring.seqno_unchanged_const = timers.seqno_unchanged_const;
    ring.window_size = timers.window_size;
    ring.max_messages = timers.max_messages;
    ring.miss_count_const = timers.miss_count_const;
}

}  // namespace totem::config
