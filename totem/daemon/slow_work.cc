#include "totem/daemon/slow_work.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace totem::daemon {

SlowWork::SlowWork(boost::asio::io_context& io, Say say) : timer_(io), say_(std::move(say)) {}

void SlowWork::begin(const std::string& what) {
    under_way_.try_emplace(what, Work{Clock::now()});
    wait();
}

void SlowWork::end(const std::string& what) {
    const auto found = under_way_.find(what);
    if (found == under_way_.end()) {
        return;
    }
    if (found->second.told) {
        const std::chrono::duration<double> took = Clock::now() - found->second.since;
        say_(fmt::format("Done after {:.1f} s: {}", took.count(), what));
    }
    under_way_.erase(found);
    wait();
}

void SlowWork::wait() {
    std::optional<Clock::time_point> first;
    for (const auto& [what, work] : under_way_) {
        if (!work.told) {
            first = std::min(first.value_or(work.since), work.since);
        }
    }
    if (!first) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(*first + kPatience);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            look();
        }
    });
}

void SlowWork::look() {
    const auto now = Clock::now();
    for (auto& [what, work] : under_way_) {
        if (!work.told && now - work.since >= kPatience) {
            work.told = true;
            say_(fmt::format("Not done within {} s, is the disk stuck? Still {}", kPatience.count(),
                             what));
        }
    }
    wait();
}

}  // namespace totem::daemon
