// A time as people read it in a line of the log, where the date stands in front already.
#pragma once

#include <chrono>
#include <string>

namespace totem::process {

// Local time, "12:03:11.250".
[[nodiscard]] std::string time_of_day(std::chrono::system_clock::time_point when);

}  // namespace totem::process
