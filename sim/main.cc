// totem-sim: the cluster in a simulated world. See docs/simulation.md.
#include <string>

#include <CLI/CLI.hpp>

#include "sim/campaign.h"
#include "sim/shrink.h"
#include "totem/core/mutant.h"

namespace {

void add_run_options(CLI::App& command, sim::Request& request, std::string& layer) {
    command.add_option("--nodes", request.nodes, "nodes of the cluster, 1 to 32")
        ->check(CLI::Range(1U, sim::kNodesMax));
    command.add_option("--seed", request.first_seed, "the (first) seed");
    command.add_option("--seconds", request.seconds, "simulated seconds of a run")
        ->check(CLI::Range(10, 36000));
    command.add_option("--faults", request.profile, "profile: " + sim::profile_names())
        ->check([](const std::string& name) {
            return sim::profile_exists(name) ? std::string() : "one of: " + sim::profile_names();
        });
    command
        .add_option("--layer", layer, "ring: the ring alone; stack: everything that totemd runs")
        ->check(CLI::IsMember({"ring", "stack"}));
#ifdef QUORATE_MUTANTS
    command.add_option_function<std::string>(
        "--mutant",
        [](const std::string& name) {
            static std::string kept;
            kept = name;
            totem::planted_bug = kept;
        },
        "switch this planted bug on");
#endif
    command.add_option("--scenario", request.scenario, "run this file")->check(CLI::ExistingFile);
}

int run_shrink(const sim::Request& request, const std::string& out) {
    if (request.scenario.empty()) {
        return sim::shrink(sim::draw_scenario(request, request.first_seed), out);
    }
    const auto scenario = sim::load_scenario(request.scenario);
    if (!scenario) {
        std::printf("%s\n", scenario.error().c_str());
        return 2;
    }
    return sim::shrink(*scenario, out);
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): it ends the run
int main(int argc, char** argv) {
    CLI::App app{"Quorate's cores in a simulated world: virtual time, one seed, any fault."};
    app.set_version_flag("--version", QUORATE_VERSION);
    app.require_subcommand(1);
    sim::Request request;
    std::string layer = "stack";
    std::string out;
    CLI::App& run = *app.add_subcommand("run", "Run seeds and check every property");
    add_run_options(run, request, layer);
    run.add_option("--seeds", request.seeds, "how many seeds")->check(CLI::PositiveNumber);
    run.add_flag("--enforce", request.enforce, "fail when a seed did too little to count");
    run.add_flag("--keep-going", request.keep_going, "go on after a violation");
    run.add_flag("--log", request.log, "print the trace");
    run.add_flag("--hashes", request.hashes, "print the trace hash of every seed");
    CLI::App& shrink = *app.add_subcommand("shrink", "Find the fewest faults that fail alike");
    add_run_options(shrink, request, layer);
    shrink.add_option("--out", out, "write the scenario here");
    CLI11_PARSE(app, argc, argv);
    request.layer = layer == "ring" ? sim::Layer::kRing : sim::Layer::kStack;
    return run.parsed() ? sim::run_campaign(request) : run_shrink(request, out);
}
