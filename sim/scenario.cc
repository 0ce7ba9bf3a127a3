#include "sim/scenario.h"

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): what the library asks
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace sim {

namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using totem::Result;
using totem::Unexpected;

std::string nodes_array(NodeMask mask) {
    std::string out;
    for (std::uint32_t node = 0; node < kNodesMax; ++node) {
        if ((mask & mask_of(node)) != 0) {
            out += (out.empty() ? "" : ", ") + std::to_string(node + 1);
        }
    }
    return "[" + out + "]";
}

std::optional<NodeMask> read_nodes(const toml::table& table, std::string_view key) {
    NodeMask mask = 0;
    const auto* array = table[key].as_array();
    if (array == nullptr) {
        return mask;
    }
    for (const auto& element : *array) {
        const auto id = element.value<std::int64_t>();
        if (!id || *id < 1 || *id > kNodesMax) {
            return std::nullopt;
        }
        mask |= mask_of(static_cast<std::uint32_t>(*id - 1));
    }
    return mask;
}

template <typename T>
T number(const toml::table& table, std::string_view key, T otherwise) {
    return static_cast<T>(table[key].value_or(static_cast<std::int64_t>(otherwise)));
}

Result<Fault, std::string> read_fault(const toml::table& table) {
    Fault fault;
    const std::string kind = table["kind"].value_or(std::string());
    if (!parse(kind, fault.kind)) {
        return Unexpected{"no such kind of fault: " + kind};
    }
    fault.at = microseconds{number<std::int64_t>(table, "at_us", 0)};
    fault.lasts = microseconds{number<std::int64_t>(table, "lasts_us", 0)};
    fault.value = number<std::uint32_t>(table, "value", 0);
    fault.extra = number<std::uint32_t>(table, "extra", 0);
    const auto from = read_nodes(table, "from");
    const auto to = read_nodes(table, "to");
    if (!from || !to) {
        return Unexpected{std::string("from and to are lists of node ids, 1 to 32")};
    }
    fault.from = *from;
    fault.to = *to;
    return fault;
}

}  // namespace

Result<Scenario, std::string> load_scenario(const std::string& path) {
    const toml::parse_result parsed = toml::parse_file(path);
    if (!parsed) {
        return Unexpected{path + ": " + std::string(parsed.error().description())};
    }
    const toml::table& table = parsed.table();
    const auto nodes = number<std::uint32_t>(table, "nodes", 5);
    const std::string profile = table["profile"].value_or(std::string("full"));
    const std::string layer = table["layer"].value_or(std::string("stack"));
    const auto length = number<std::int64_t>(table, "seconds", 60);
    if (nodes < 1 || nodes > kNodesMax || length < 10 || !profile_exists(profile) ||
        (layer != "ring" && layer != "stack")) {
        return Unexpected{path + ": nodes (1 to 32), seconds (10 or more), profile (" +
                          profile_names() + ") or layer (ring, stack) is wrong"};
    }
    Scenario scenario;
    scenario.options = draw_options(number<std::uint64_t>(table, "seed", 1), nodes, seconds{length},
                                    profile, layer == "ring" ? Layer::kRing : Layer::kStack);
    const auto* faults = table["fault"].as_array();
    if (faults == nullptr) {
        return scenario;
    }
    for (const auto& element : *faults) {
        const auto* fault_table = element.as_table();
        auto fault = read_fault(fault_table != nullptr ? *fault_table : toml::table{});
        if (!fault) {
            return Unexpected{path + ": " + fault.error()};
        }
        scenario.schedule.push_back(*fault);
    }
    return scenario;
}

std::string format_scenario(const Scenario& scenario) {
    const Options& options = scenario.options;
    std::string out = "seed = " + std::to_string(static_cast<std::int64_t>(options.seed)) +
                      "\nnodes = " + std::to_string(options.nodes) +
                      "\nseconds = " + std::to_string(options.duration / seconds{1}) +
                      "\nprofile = \"" + options.profile + "\"\nlayer = \"" +
                      (options.layer == Layer::kRing ? "ring" : "stack") + "\"\n";
    for (const Fault& fault : scenario.schedule) {
        out += "\n[[fault]]  # " + describe(fault) + "\nkind = \"" +
               std::string(to_string(fault.kind)) +
               "\"\nat_us = " + std::to_string(fault.at / microseconds{1}) +
               "\nlasts_us = " + std::to_string(fault.lasts / microseconds{1}) +
               "\nfrom = " + nodes_array(fault.from) + "\nto = " + nodes_array(fault.to) +
               "\nvalue = " + std::to_string(fault.value) +
               "\nextra = " + std::to_string(fault.extra) + "\n";
    }
    return out;
}

}  // namespace sim
