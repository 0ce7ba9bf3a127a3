#include "totem/core/flow_control.h"

#include <algorithm>
#include <limits>

namespace totem {

namespace {

// `sum` - `out` + `in`, held between 0 and the largest 32-bit number.
std::uint32_t exchange_share(std::uint32_t sum, std::uint32_t out, std::uint32_t in) {
    const std::int64_t changed = std::int64_t{sum} - out + in;
    const std::int64_t largest = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(changed, 0, largest));
}

}  // namespace

std::uint32_t FlowControl::allowance(const RingConfig& config, const OrfToken& token,
                                     std::size_t backlog) {
    backlog_ = static_cast<std::uint32_t>(
        std::min<std::size_t>(backlog, std::numeric_limits<std::uint32_t>::max()));
    const std::uint32_t room = config.window_size - std::min(config.window_size, token.fcc);
    std::uint32_t allowed = std::min(config.max_messages, room);
    const std::uint32_t total = exchange_share(token.backlog, backlog_last_, backlog_);
    if (total != 0) {
        const std::uint64_t share = std::uint64_t{config.window_size} * backlog_last_ / total;
        if (share > 0 && allowed > share) {
            allowed = static_cast<std::uint32_t>(share);
        }
    }
    return allowed;
}

void FlowControl::settle(OrfToken& token, std::uint32_t sent) {
    token.fcc = exchange_share(token.fcc, sent_last_, sent);
    sent_last_ = sent;
    token.backlog = exchange_share(token.backlog, backlog_last_, backlog_);
    backlog_last_ = backlog_;
}

}  // namespace totem
