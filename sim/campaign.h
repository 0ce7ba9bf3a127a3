// Runs many seeds and adds up what they did.
#pragma once

#include <cstdint>
#include <string>

#include "sim/scenario.h"
#include "sim/world.h"

namespace sim {

// A seed that did less than this proves nothing and does not count.
inline constexpr std::uint64_t kRingsLeast = 3;
inline constexpr std::uint64_t kDeliveriesLeast = 1000;
// With files: so many writes must have been acknowledged.
inline constexpr std::uint64_t kAcknowledgedLeast = 50;
// A campaign of so many seeds with every fault goes through every row of the transition table.
inline constexpr std::uint64_t kCoverageSeeds = 1000;

struct Request {
    std::uint32_t nodes = 5;
    std::uint64_t first_seed = 1;
    std::uint64_t seeds = 1;
    std::int64_t seconds = 60;
    std::string profile = "full";
    Layer layer = Layer::kStack;
    bool enforce = false;     // seeds that do not count make the campaign fail
    bool keep_going = false;  // after a violation
    bool log = false;         // print the trace of every run
    bool hashes = false;      // print the trace hash of every seed
    std::string scenario;     // run this file and not seeds
};

// The scenario of one seed.
[[nodiscard]] Scenario draw_scenario(const Request& request, std::uint64_t seed);
// The command that runs exactly this again.
[[nodiscard]] std::string replay_command(const Request& request, std::uint64_t seed);
// Runs one scenario; with `log` its trace goes to standard output.
[[nodiscard]] Outcome run_scenario(const Scenario& scenario, bool log);
// Makes a failed TOTEM_CHECK end the process with this evidence and exit status 1.
void name_run_for_checks(std::string replay);

// Prints as it goes; 0 when nothing is wrong, 1 after a violation or when seeds do not count
// although they must.
[[nodiscard]] int run_campaign(const Request& request);

}  // namespace sim
