#include "sim/campaign.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "totem/core/check.h"

namespace sim {

namespace {

using std::chrono::seconds;

// What a failed check prints; the check's handler has no other way to know the run.
std::string& checked_run() {
    static std::string replay;
    return replay;
}

void print(const std::string& line) { std::printf("%s\n", line.c_str()); }

void on_failed_check(const totem::CheckFailure& failure) {
    print("violation: check  (" + std::string(failure.expression) + ") at " + failure.file + ":" +
          std::to_string(failure.line));
    print("replay: " + checked_run());
    std::fflush(stdout);
    std::_Exit(1);
}

std::string hex(std::uint64_t value) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out(16, '0');
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[out.size() - 1 - i] = kDigits[(value >> (4 * i)) & 15U];
    }
    return out;
}

void print_violation(const Outcome& outcome, const std::string& replay) {
    constexpr std::size_t kShown = 40;
    const Violation& violation = *outcome.violation;
    const std::size_t count = outcome.evidence.size();
    for (std::size_t i = count > kShown ? count - kShown : 0; i < count; ++i) {
        print("  " + outcome.evidence[i]);
    }
    print("violation: " + violation.checker + " " + violation.property + " at " +
          text(violation.where) + ": " + violation.evidence);
    print("replay: " + replay);
}

struct Totals {
    std::uint64_t seeds = 0;
    std::uint64_t counted = 0;
    std::uint64_t violations = 0;
    std::uint64_t rings = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t events = 0;
    Duration torn{};
    std::uint64_t torn_rings = 0;
    // How many seeds had a node that installed so many rings after a heal, the last: or more.
    std::array<std::uint64_t, 9> heals{};
    Coverage coverage;
    FilesDone files;
};

// Whether the seed did enough to prove anything.
bool counts(const Outcome& outcome, const Request& request) {
    if (outcome.violation || outcome.rings_installed < kRingsLeast) {
        return false;
    }
    if (!request.profile.ends_with("files")) {
        return outcome.deliveries >= kDeliveriesLeast;
    }
    return outcome.files.acknowledged >= kAcknowledgedLeast && outcome.files.crashes > 0 &&
           outcome.files.power_cuts > 0;
}

void add(Totals& totals, const Outcome& outcome, const Request& request) {
    ++totals.seeds;
    totals.violations += outcome.violation ? 1 : 0;
    totals.rings += outcome.rings_installed;
    totals.deliveries += outcome.deliveries;
    totals.events += outcome.events;
    totals.torn += outcome.torn;
    totals.torn_rings += outcome.torn_rings;
    ++totals.heals.at(std::min<std::uint64_t>(outcome.rings_after_heal, totals.heals.size() - 1));
    totals.coverage.add(outcome.coverage);
    totals.files.add(outcome.files);
    totals.counted += counts(outcome, request) ? 1 : 0;
}

// Rates are per second of processor time: what one core of its own would do.
void print_totals(const Totals& totals, std::clock_t took) {
    const double elapsed = static_cast<double>(took + 1) / CLOCKS_PER_SEC;
    const auto rate = [elapsed](std::uint64_t count) {
        return std::to_string(static_cast<std::uint64_t>(static_cast<double>(count) / elapsed));
    };
    print("seeds " + std::to_string(totals.seeds) + ", counted " + std::to_string(totals.counted) +
          ", violations " + std::to_string(totals.violations) + ", rings installed " +
          std::to_string(totals.rings) + ", deliveries " + std::to_string(totals.deliveries));
    print("events " + std::to_string(totals.events) + ", " + rate(totals.events) + " events/s, " +
          rate(totals.seeds * 3600) + " seeds/hour");
    const auto torn = std::chrono::duration_cast<seconds>(totals.torn).count();
    print("graphs that are not transitive: " + std::to_string(torn) + " s, with " +
          std::to_string(totals.torn_rings) + " rings installed");
    std::string heals = "rings by one node after a heal:";
    for (std::size_t rings = 0; rings < totals.heals.size(); ++rings) {
        heals += " " + std::to_string(rings) + "=" + std::to_string(totals.heals.at(rings));
    }
    print(heals);
    if (totals.files.power_cuts > 0) {
        const FilesDone& files = totals.files;
        print("files: acknowledged " + std::to_string(files.acknowledged) + ", epochs " +
              std::to_string(files.epochs) + ", crashes of cfsds " + std::to_string(files.crashes) +
              ", states adopted " + std::to_string(files.adoptions) + ", tails put aside " +
              std::to_string(files.asides) + ", power cuts of all " +
              std::to_string(files.power_cuts));
    }
    print(totals.coverage.text());
}

void print_seed(const Request& request, std::uint64_t seed, const Outcome& outcome) {
    if (request.seeds == 1 || request.hashes) {
        print("seed " + std::to_string(seed) + " trace " + hex(outcome.trace_hash) + " rings " +
              std::to_string(outcome.rings_installed) + " deliveries " +
              std::to_string(outcome.deliveries) + " events " + std::to_string(outcome.events) +
              " datagrams " + std::to_string(outcome.datagrams));
    }
    if (outcome.violation) {
        print_violation(outcome, replay_command(request, seed));
    } else if (request.enforce && !counts(outcome, request)) {
        print("seed " + std::to_string(seed) + " does not count: rings " +
              std::to_string(outcome.rings_installed) + ", deliveries " +
              std::to_string(outcome.deliveries) + ", acknowledged " +
              std::to_string(outcome.files.acknowledged) + ", crashes of cfsds " +
              std::to_string(outcome.files.crashes));
    }
    std::fflush(stdout);
}

int run_file(const Request& request) {
    auto scenario = load_scenario(request.scenario);
    if (!scenario) {
        print(scenario.error());
        return 1;
    }
    name_run_for_checks("totem-sim run --scenario " + request.scenario);
    const Outcome outcome = run_scenario(*scenario, request.log);
    print_seed(request, scenario->options.seed, outcome);
    return outcome.violation ? 1 : 0;
}

}  // namespace

void name_run_for_checks(std::string replay) {
    checked_run() = std::move(replay);
    totem::set_check_handler(on_failed_check);
}

Scenario draw_scenario(const Request& request, std::uint64_t seed) {
    Scenario scenario;
    scenario.options =
        draw_options(seed, request.nodes, seconds{request.seconds}, request.profile, request.layer);
    scenario.schedule = draw_schedule(scenario.options);
    return scenario;
}

std::string replay_command(const Request& request, std::uint64_t seed) {
    if (!request.scenario.empty()) {
        return "totem-sim run --scenario " + request.scenario + " --log";
    }
    return "totem-sim run --nodes " + std::to_string(request.nodes) + " --seed " +
           std::to_string(seed) + " --seconds " + std::to_string(request.seconds) + " --faults " +
           request.profile + (request.layer == Layer::kRing ? " --layer ring" : "") + " --log";
}

Outcome run_scenario(const Scenario& scenario, bool log) {
    World world(scenario.options, scenario.schedule);
    if (log) {
        for (const Fault& fault : scenario.schedule) {
            print("fault: " + describe(fault));
        }
        world.recorder().set_log(print);
    }
    return world.run();
}

int run_campaign(const Request& request) {
    print("totem-sim " QUORATE_VERSION ", seeds " + std::to_string(request.first_seed) + " to " +
          std::to_string(request.first_seed + request.seeds - 1));
    if (!request.scenario.empty()) {
        return run_file(request);
    }
    Totals totals;
    const std::clock_t begin = std::clock();
    for (std::uint64_t i = 0; i < request.seeds; ++i) {
        const std::uint64_t seed = request.first_seed + i;
        name_run_for_checks(replay_command(request, seed));
        const Outcome outcome = run_scenario(draw_scenario(request, seed), request.log);
        add(totals, outcome, request);
        print_seed(request, seed, outcome);
        if (outcome.violation && !request.keep_going) {
            break;
        }
    }
    print_totals(totals, std::clock() - begin);
    const auto missing = request.seeds >= kCoverageSeeds && request.profile == "full"
                             ? totals.coverage.missing()
                             : std::vector<std::string>{};
    for (const std::string& row : missing) {
        print("never happened: " + row);
    }
    const bool too_little = request.enforce && totals.counted < totals.seeds;
    if (too_little) {
        print("not every seed did enough to count");
    }
    const bool holes = request.enforce && !missing.empty();
    return totals.violations != 0 || too_little || holes ? 1 : 0;
}

}  // namespace sim
