#include "totem/daemon/pause_report.h"

#include <utility>

#include <fmt/format.h>

#include "totem/process/time_of_day.h"

namespace totem::daemon {

std::string PauseReport::on_pause(const Pause& pause) {
    using Milliseconds = std::chrono::milliseconds;
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
        std::chrono::floor<Milliseconds>(pause.allowed).count(),
        process::time_of_day(pause.deadline),
        untold == 0 ? "" : fmt::format(" So it was {} times before, for less.", untold));
}

}  // namespace totem::daemon
