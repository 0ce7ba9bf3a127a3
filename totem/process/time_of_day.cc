#include "totem/process/time_of_day.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace totem::process {

std::string time_of_day(std::chrono::system_clock::time_point when) {
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(when.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
    return fmt::format("{:%H:%M:%S}.{:03}", fmt::localtime(seconds.count()),
                       (ms - seconds).count());
}

}  // namespace totem::process
