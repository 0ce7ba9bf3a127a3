// What a run is made of besides its faults: the size of the cluster, timers, network, load, phases.
//
// Everything is drawn from the seed within the profile's limits (swarm testing: each seed enables a
// random part of what the profile allows, so that rare combinations occur), and can be overridden
// by a scenario file. Source: properties.md sections 11 and 12.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/latency.h"
#include "sim/schedule.h"
#include "totem/core/config.h"

namespace sim {

// Which part of a node runs: the ring alone, or everything that totemd runs.
enum class Layer : std::uint8_t { kRing, kStack };

struct Load {
    Duration every{};               // mean time between two submits of one node
    std::uint32_t burst_max = 1;    // messages per submit, 1 up to this
    std::uint32_t bytes_max = 200;  // sizes are spread over the powers of two up to this
    std::uint32_t safe_per_mille = 0;
    std::uint32_t large_per_mille = 8;  // messages of several frames
    Duration quiet_from{};  // no load in [quiet_from, quiet_until), so that the ring idles
    Duration quiet_until{};
};

// What the callers of the replicated files do, and how the run ends for them.
struct FileLoad {
    bool on = false;            // every node runs a cfsd
    std::uint32_t callers = 1;  // of each node
    Duration think{};           // mean time between an answer and the next wish
    std::uint32_t bytes_max = 256;
    NodeMask readers = 0;  // nodes whose callers change nothing
    Duration disk_latency{};
    Duration settle{};  // what a cluster that has formed may need to be writable and the same
    Duration cut_at{};  // the power of all nodes is cut then, and comes back
    bool acknowledger_stays_down = false;  // but not that of who answered the last caller
};

struct Options {
    std::uint64_t seed = 1;
    std::uint32_t nodes = 5;
    Duration duration{};
    std::string profile = "full";
    Layer layer = Layer::kStack;

    totem::RingConfig ring;  // `self` and `seed` are set for each node
    Latency latency;
    std::uint32_t loss_per_mille = 0;  // always there, until the first heal
    Duration service{};                // of one step on a healthy node
    std::array<std::int32_t, kNodesMax> clock_ppm{};
    Load load;
    bool data_before_token = true;  // the host's promise; false: frames in the order of arrival
    bool input_before_wake = true;  // the host's promise; false: an expired deadline comes first
    bool sealed = false;
    NodeMask core = 0;  // who lives, connected, after the first heal
    bool two_node = false;
    bool wait_for_all = false;
    std::uint32_t clients = 1;  // of each node
    FileLoad files;

    // Chaos until `heal_at`; then only the core, whole and lossless, until `whole_at`; then
    // everybody.
    Duration heal_at{};
    Duration whole_at{};
};

// Longest time in which nodes that can all reach each other must have formed one ring
// (properties.md L1). `pause_max` is the longest pause that ends when the time starts.
[[nodiscard]] Duration formation_bound(const Options& options, std::uint32_t members,
                                       std::uint32_t rings);
// Longest time in which, in a whole ring without faults, a node that has messages waiting brings
// one of them to everybody.
[[nodiscard]] Duration sending_bound(const Options& options);

[[nodiscard]] bool profile_exists(std::string_view name) noexcept;
// Names of all profiles, for the usage text.
[[nodiscard]] std::string profile_names();
// `profile` must exist.
[[nodiscard]] Options draw_options(std::uint64_t seed, std::uint32_t nodes, Duration duration,
                                   std::string_view profile, Layer layer);
[[nodiscard]] Schedule draw_schedule(const Options& options);

}  // namespace sim
