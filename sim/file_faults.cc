#include "sim/file_faults.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "sim/random.h"
#include "totem/core/codec.h"

namespace sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint32_t kCfsd = 2;

Duration some_while(Draws& draws) {
    constexpr std::array<std::uint32_t, 6> kMost = {2, 20, 200, 1000, 4000, 12000};
    const microseconds part{draws.below(1000)};
    return milliseconds{1 + draws.below(draws.pick(kMost))} + part;
}

Fault power_cut_of_all(Draws& draws, const Options& options) {
    Fault fault{.kind = FaultKind::kCrash, .from = all_nodes(options.nodes)};
    fault.value = static_cast<std::uint32_t>(DiskFate::kPowerCut);
    fault.lasts = milliseconds{1 + draws.below(3000)};
    return fault;
}

// The store of a cfsd may be lost, rolled back or cloned, and administrators lower the votes.
bool hostile(const Options& options) { return options.profile == "hostile-files"; }

Fault one_fault(Draws& draws, const Options& options) {
    constexpr std::array<FaultKind, 10> kKinds = {FaultKind::kClientCrash, FaultKind::kClientCrash,
                                                  FaultKind::kClientCrash, FaultKind::kClientPause,
                                                  FaultKind::kClientPause, FaultKind::kCrash,
                                                  FaultKind::kCut,         FaultKind::kSlowDisk,
                                                  FaultKind::kDiskFull,    FaultKind::kDiskFails};
    Fault fault{.kind = draws.pick(kKinds), .from = mask_of(draws.below(options.nodes))};
    fault.lasts = some_while(draws);
    fault.extra = fault.kind == FaultKind::kCrash ? draws.below(5) : kCfsd;
    if (draws.chance(150)) {
        fault.from |= static_cast<NodeMask>(draws.next()) & all_nodes(options.nodes);
    }
    if (fault.kind == FaultKind::kSlowDisk) {
        fault.value = draws.pick(std::array<std::uint32_t, 4>{20, 200, 2000, 10000});
    } else if (fault.kind == FaultKind::kCut) {
        fault.to = all_nodes(options.nodes) & ~fault.from;
        fault.value = 1;
    } else if (fault.kind == FaultKind::kClientCrash) {
        fault.value = draws.chance(500) ? 0 : draws.below(hostile(options) ? kDiskFates : 2);
    } else if (fault.kind == FaultKind::kCrash) {
        fault.value = draws.below(2);
    }
    return fault;
}

// One node stores what was ordered, the others' disks are slow; then these lose their power and go
// on without it. What it has and nobody else is a tail, longer than what comes after it.
void add_tail(Draws& draws, const Options& options, Duration at, Schedule& schedule) {
    const NodeMask one = mask_of(draws.below(options.nodes));
    const NodeMask others = all_nodes(options.nodes) & ~one;
    const Duration slow = milliseconds{50 + draws.below(2000)};
    const Duration away = milliseconds{500 + draws.below(4000)};
    schedule.push_back(
        {.kind = FaultKind::kSlowDisk, .at = at, .lasts = slow, .from = others, .value = 5000});
    schedule.push_back({.kind = FaultKind::kCut,
                        .at = at + slow,
                        .lasts = away,
                        .from = one,
                        .to = others,
                        .value = 1});
    schedule.push_back({.kind = FaultKind::kCrash,
                        .at = at + slow,
                        .lasts = milliseconds{1 + draws.below(50)},
                        .from = others,
                        .value = static_cast<std::uint32_t>(DiskFate::kPowerCut)});
}

// What one node says is lost while its tokens arrive; then it is cut off. It has delivered its own
// operations, the others go on behind the gap: one place in the order, two operations delivered.
void add_gap(Draws& draws, const Options& options, Duration at, Schedule& schedule) {
    const NodeMask one = mask_of(draws.below(options.nodes));
    const NodeMask others = all_nodes(options.nodes) & ~one;
    const Duration lost = milliseconds{20 + draws.below(150)};
    const Duration away = milliseconds{500 + draws.below(3000)};
    schedule.push_back({.kind = FaultKind::kDropKind,
                        .at = at,
                        .lasts = lost,
                        .from = one,
                        .to = others,
                        .value = static_cast<std::uint32_t>(totem::FrameType::kData),
                        .extra = 1'000'000});
    schedule.push_back({.kind = FaultKind::kCut,
                        .at = at + lost,
                        .lasts = away,
                        .from = one,
                        .to = others,
                        .value = 1});
}

Fault override_of(Draws& draws, const Options& options) {
    Fault fault{.kind = FaultKind::kExpect, .from = mask_of(draws.below(options.nodes))};
    fault.value = 1 + draws.below(options.nodes / 2 + 1);
    return fault;
}

}  // namespace

Duration file_settling(std::uint32_t nodes) {
    return milliseconds{3000 + 350 * static_cast<std::int64_t>(nodes)};
}

void draw_files(Options& options) {
    Draws draws(options.seed, Purpose::kFiles);
    FileLoad& files = options.files;
    options.clients = 3;  // the load on the ring, the cfsd, and a foreign one when a fault says so
    options.load.every *= 4;
    files.callers = draws.between(1, 2);
    // Fewer nodes, busier callers.
    files.think = milliseconds{draws.pick(std::array<int, 3>{100, 250, 600})} *
                  std::min(options.nodes, 5U) / 5;
    files.bytes_max = draws.pick(std::array<std::uint32_t, 3>{256, 1024, 8192});
    files.disk_latency = microseconds{draws.pick(std::array<int, 4>{200, 1000, 5000, 30000})};
    for (std::uint32_t node = options.nodes / 2 + 1; node < options.nodes; ++node) {
        files.readers |= draws.chance(200) ? mask_of(node) : 0;
    }
    options.wait_for_all = draws.chance(100);
    files.acknowledger_stays_down =
        draws.chance(500) && options.nodes >= 3 && !options.wait_for_all;
}

void draw_file_faults(const Options& options, Schedule& schedule) {
    Draws draws(options.seed, Purpose::kFiles, 1);
    const auto chaos_ms = static_cast<std::uint32_t>(options.heal_at / milliseconds{1});
    const auto add = [&](Fault fault) {
        fault.at = milliseconds{draws.below(chaos_ms)};
        fault.at += microseconds{draws.below(1000)};
        schedule.push_back(fault);
    };
    const std::uint32_t count = draws.between(1, 8);
    for (std::uint32_t i = 0; i < count; ++i) {
        add(one_fault(draws, options));
    }
    if (draws.chance(500)) {
        add(power_cut_of_all(draws, options));
    }
    if (draws.chance(250) && options.nodes > 1) {
        add_tail(draws, options, milliseconds{draws.below(chaos_ms)}, schedule);
    }
    if (draws.chance(250) && options.nodes > 1) {
        add_gap(draws, options, milliseconds{draws.below(chaos_ms)}, schedule);
    }
    if (draws.chance(80)) {
        add({.kind = FaultKind::kForeign,
             .lasts = milliseconds{500 + draws.below(4000)},
             .from = mask_of(draws.below(options.nodes))});
    }
    if (hostile(options) && draws.chance(500)) {
        add(override_of(draws, options));
    }
}

}  // namespace sim
