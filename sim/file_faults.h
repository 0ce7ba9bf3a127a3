// What worlds with files draw besides: their load, and the faults of cfsd and its disk.
#pragma once

#include "sim/options.h"
#include "sim/schedule.h"

namespace sim {

// How long nodes that have formed a ring may need to be writable with one state: saying who has
// what, a proposal of the last one that could make it, catching up.
[[nodiscard]] Duration file_settling(std::uint32_t nodes);
void draw_files(Options& options);
void draw_file_faults(const Options& options, Schedule& schedule);

}  // namespace sim
