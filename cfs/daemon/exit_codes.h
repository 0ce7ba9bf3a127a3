// How cfsd ends; what pmxcfs's units and scripts look at. Source: cfs.md section 10.
#pragma once

namespace cfs {

constexpr int kExitUsage = 1;
constexpr int kExitStuck = 3;    // told to stop; something had to be left behind, the log says what
constexpr int kExitStart = 255;  // could not start, or cannot go on

}  // namespace cfs
