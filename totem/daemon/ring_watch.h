// Tells of a ring that does not run smoothly, before it breaks: a token that is late, messages that
// had to be asked for again.
//
// Source: config.md 3 (token_warning); samples of logs (texts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "totem/config/timers.h"
#include "totem/core/node.h"

namespace totem::daemon {

class RingWatch {
  public:
    using Tell = std::function<void(const std::string& text)>;

    // All from the loop. Both must outlive it.
    RingWatch(boost::asio::io_context& io, const Node& node, Tell tell);

    // From now on a token that is late by these is told of, once.
    void configure(const config::EffectiveTimers& timers);
    // The message `seq` was asked for on the token; told of together with others of the moment.
    void on_requested(std::uint64_t seq);

  private:
    static constexpr std::chrono::seconds kGather{1};
    static constexpr std::size_t kListedMax = 30;

    void look();

    const Node& node_;
    const Tell tell_;
    boost::asio::steady_timer token_timer_;
    Duration patience_{0};          // 0: tokens are not watched
    std::uint64_t told_token_ = 0;  // NodeStats::orf_token_rx of the token that was late last
    boost::asio::steady_timer request_timer_;
    std::vector<std::uint64_t> requested_;
    std::size_t unlisted_ = 0;
};

}  // namespace totem::daemon
