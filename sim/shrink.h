// Makes a failing run smaller: the fewest faults, the simplest values, that break the same
// property.
//
// Each candidate runs in a child process, so that one that crashes is only another failing one.
// Source: properties.md 13.1.
#pragma once

#include <string>

#include "sim/scenario.h"

namespace sim {

// Prints its progress and, at the end, the scenario; writes it to `out` unless empty. 0 when the
// run failed to begin with, 2 when it did not.
[[nodiscard]] int shrink(Scenario scenario, const std::string& out);

}  // namespace sim
