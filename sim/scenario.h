// A run as a file: seed, size, profile and the list of faults, in TOML, so that a failing run can
// be kept, shrunk, read and turned into a test. docs/simulation.md shows one.
#pragma once

#include <string>

#include "sim/options.h"
#include "sim/schedule.h"
#include "totem/core/result.h"

namespace sim {

struct Scenario {
    Options options;
    Schedule schedule;
};

// Reads a file; the error is a sentence for a person.
[[nodiscard]] totem::Result<Scenario, std::string> load_scenario(const std::string& path);
// The file that load_scenario() reads back to the same run.
[[nodiscard]] std::string format_scenario(const Scenario& scenario);

}  // namespace sim
