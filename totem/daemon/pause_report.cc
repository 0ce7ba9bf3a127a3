#include "totem/daemon/pause_report.h"

#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace totem::daemon {

namespace {

using Milliseconds = std::chrono::milliseconds;

std::string time_of_day(std::chrono::system_clock::time_point when) {
    const auto ms = std::chrono::floor<Milliseconds>(when.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
    return fmt::format("{:%H:%M:%S}.{:03}", fmt::localtime(seconds.count()),
                       (ms - seconds).count());
}

}  // namespace

std::string PauseReport::on_pause(const Pause& pause) {
    const bool quiet = told_ && pause.at - *told_ < kQuiet;
    if (quiet && pause.late <= longest_) {
        ++untold_;
        return {};
    }
    told_ = pause.at;
    longest_ = pause.late;
    const unsigned untold = std::exchange(untold_, 0);
    return fmt::format(
        "totemd main process was not scheduled for {} ms (threshold is {} ms, the deadline "
        "was {}); the token may be lost. Consider token timeout increase.{}",
        std::chrono::floor<Milliseconds>(pause.late).count(),
        std::chrono::floor<Milliseconds>(pause.allowed).count(), time_of_day(pause.deadline),
        untold == 0 ? "" : fmt::format(" So it was {} times before, for less.", untold));
}

}  // namespace totem::daemon
