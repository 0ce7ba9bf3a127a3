#include "totem/daemon/ring_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "totem/core/stats.h"
#include "totem/daemon/driver.h"

namespace totem::daemon {

RingWatch::RingWatch(boost::asio::io_context& io, const Node& node, Tell tell)
    : node_(node), tell_(std::move(tell)), token_timer_(io), request_timer_(io) {}

void RingWatch::configure(const config::EffectiveTimers& timers) {
    constexpr unsigned kPercent = 100;
    patience_ = std::chrono::milliseconds(timers.token) * timers.token_warning / kPercent;
    token_timer_.cancel();
    if (patience_ > Duration(0)) {
        look();
    }
}

void RingWatch::look() {
    const NodeStats& stats = node_.stats();
    const Instant at = now();
    const Instant late = stats.last_token.value_or(at) + patience_;
    if (late <= at && node_.state() == State::kOperational && told_token_ != stats.orf_token_rx) {
        told_token_ = stats.orf_token_rx;
        tell_(fmt::format(
            "Token has not been received in {} ms",
            std::chrono::duration_cast<std::chrono::milliseconds>(at - *stats.last_token).count()));
    }
    const Instant next = late > at ? late : at + patience_;
    token_timer_.expires_at(std::chrono::steady_clock::time_point(next.time_since_epoch()));
    token_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            look();
        }
    });
}

void RingWatch::on_requested(std::uint64_t seq) {
    if (requested_.empty()) {
        request_timer_.expires_after(kGather);
        request_timer_.async_wait([this](const boost::system::error_code& error) {
            if (error) {
                return;
            }
            std::string text = "Retransmit List:";
            for (const std::uint64_t listed : std::exchange(requested_, {})) {
                text += fmt::format(" {:x}", listed);
            }
            const std::size_t more = std::exchange(unlisted_, 0);
            tell_(text + (more > 0 ? fmt::format(" and {} more", more) : ""));
        });
    }
    if (std::ranges::find(requested_, seq) != requested_.end()) {
        return;
    }
    if (requested_.size() < kListedMax) {
        requested_.push_back(seq);
    } else {
        ++unlisted_;
    }
}

}  // namespace totem::daemon
