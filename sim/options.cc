#include "sim/options.h"

#include <algorithm>
#include <chrono>

#include "sim/file_faults.h"
#include "sim/random.h"
#include "totem/core/trace.h"

namespace sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// One bit per FaultKind: what a profile may use.
using KindMask = std::uint32_t;

constexpr KindMask bit(FaultKind kind) { return KindMask{1} << static_cast<unsigned>(kind); }

constexpr KindMask kLossy = bit(FaultKind::kLoss) | bit(FaultKind::kDropKind) |
                            bit(FaultKind::kBandwidth) | bit(FaultKind::kBurst);
constexpr KindMask kDisorder = bit(FaultKind::kDuplicate) | bit(FaultKind::kReorder) |
                               bit(FaultKind::kLatency) | bit(FaultKind::kReplay);
constexpr KindMask kSplits = bit(FaultKind::kCut) | bit(FaultKind::kForceGather);
constexpr KindMask kDeaths = bit(FaultKind::kCrash) | bit(FaultKind::kLeave) |
                             bit(FaultKind::kClientCrash) | bit(FaultKind::kSlowDisk);
constexpr KindMask kAmbushes = bit(FaultKind::kAmbush) | bit(FaultKind::kCrash) |
                               bit(FaultKind::kLoss) | bit(FaultKind::kDropKind);
constexpr KindMask kStalls = bit(FaultKind::kPause) | bit(FaultKind::kSlow) |
                             bit(FaultKind::kClockJump) | bit(FaultKind::kClientPause);

struct Profile {
    std::string_view name;
    KindMask kinds;
    std::uint32_t faults_least;
    std::uint32_t faults_most;
    std::uint32_t disk_fates;  // how many of DiskFate's values, in order, a crash may draw
};

// Kinds that are drawn for every profile alike; those of files are drawn apart from them, so that
// one profile never changes the draws of another.
constexpr std::uint32_t kDrawnKinds = 20;

constexpr std::array<Profile, 12> kProfiles = {{
    {"calm", 0, 0, 0, 1},
    {"loss", kLossy, 2, 12, 1},
    {"disorder", kDisorder | kLossy, 2, 14, 1},
    {"partition", kSplits | bit(FaultKind::kLoss), 2, 12, 1},
    {"crash", kDeaths | bit(FaultKind::kLoss), 2, 12, 4},
    {"pause", kStalls, 2, 12, 1},
    {"ambush", kAmbushes, 6, 24, 1},
    {"full",
     kLossy | kDisorder | kSplits | kDeaths | kAmbushes | kStalls | bit(FaultKind::kCorrupt), 3, 24,
     4},
    {"sealed",
     kLossy | kDisorder | kSplits | kDeaths | kAmbushes | kStalls | bit(FaultKind::kCorrupt), 3, 24,
     4},
    {"hostile-disk", kLossy | kSplits | kDeaths, 4, 24, kDiskFates},
    {"files", kLossy | kDisorder | kSplits | kDeaths | kAmbushes | kStalls, 1, 12, 2},
    {"hostile-files", kLossy | kSplits | kDeaths, 1, 12, 2},
}};

const Profile* find_profile(std::string_view name) noexcept {
    const auto* const found = std::find_if(kProfiles.begin(), kProfiles.end(),
                                           [name](const Profile& p) { return p.name == name; });
    return found == kProfiles.end() ? nullptr : found;
}

// Timers as totem/config derives them (totem.md section 2) from a token timeout.
totem::RingConfig timers(milliseconds token, Draws& draws) {
    totem::RingConfig ring;
    const auto at_least_30 = [](milliseconds value) { return std::max(value, milliseconds{30}); };
    ring.token = token;
    ring.token_retransmit = at_least_30(token * 10 / 42);
    ring.hold = std::max(ring.token_retransmit * 8 / 10 - milliseconds{10}, milliseconds{14});
    ring.consensus = token * 12 / 10;
    ring.join = at_least_30(std::min(milliseconds{50}, token / 10));
    ring.merge = std::max(std::min(milliseconds{200}, token / 5), milliseconds{30});
    ring.commit = std::max(std::min(milliseconds{300}, token / 3), milliseconds{60});
    // With 3, a member that installed the ring can believe the token held when others, whose visit
    // is still to come, are in RECOVERY. From 5 on nobody can: all install within two visits.
    ring.seqno_unchanged_const = draws.pick(std::array<std::uint32_t, 3>{3, 10, 30});
    ring.window_size = draws.pick(std::array<std::uint32_t, 3>{50, 50, 20});
    ring.max_messages = draws.pick(std::array<std::uint32_t, 3>{17, 17, 5});
    ring.fail_recv_const = draws.pick(std::array<std::uint32_t, 3>{2500, 2500, 200});
    ring.miss_count_const = draws.pick(std::array<std::uint32_t, 3>{5, 5, 1});
    ring.cancel_token_hold_on_retransmit = draws.chance(250);
    ring.send_join = milliseconds{draws.chance(250) ? 20 : 0};
    if (draws.chance(300)) {
        ring.first_seq = 0xFFFFFFFFU - draws.below(draws.chance(300) ? 12 : 400);
    }
    return ring;
}

void draw_network(Options& options, Draws& draws) {
    constexpr std::array<microseconds, 4> kHops = {microseconds{200}, microseconds{500},
                                                   microseconds{1000}, microseconds{2000}};
    const auto hop = options.ring.token < milliseconds{500} ? microseconds{500} : draws.pick(kHops);
    options.latency = {hop / 2, hop / 2, draws.pick(std::array{Tail::kExponential, Tail::kPareto})};
    if (draws.chance(200)) {
        options.latency = {hop, Duration{}, Tail::kNone};
    }
    const bool faulty = find_profile(options.profile)->kinds != 0;
    options.loss_per_mille = faulty && draws.chance(400) ? draws.between(1, 50) : 0;
    options.service = microseconds{draws.between(1, 20)};
    for (auto& ppm : options.clock_ppm) {
        ppm = static_cast<std::int32_t>(draws.below(1001)) - 500;
        ppm = faulty && draws.chance(30) ? ppm * 200 : ppm;  // a clock that is 10 % wrong
    }
    options.data_before_token = !faulty || draws.chance(800);
    options.input_before_wake = !faulty || draws.chance(900);
}

void draw_load(Options& options, Draws& draws) {
    Load& load = options.load;
    load.every = milliseconds{draws.pick(std::array<int, 3>{200, 400, 600})} *
                 std::min(options.nodes, 5U) / 5;
    load.burst_max = draws.pick(std::array<std::uint32_t, 4>{3, 5, 8, 16});
    load.bytes_max = draws.pick(std::array<std::uint32_t, 3>{64, 256, 1024});
    load.large_per_mille = draws.pick(std::array<std::uint32_t, 4>{8, 8, 8, 200});
    load.safe_per_mille = draws.pick(std::array<std::uint32_t, 4>{0, 200, 500, 1000});
    const auto span = static_cast<std::uint32_t>(options.heal_at / milliseconds{1});
    load.quiet_from = milliseconds{draws.below(span)};
    load.quiet_until = load.quiet_from + milliseconds{draws.below(span / 4 + 1)};
}

// A set of nodes, neither empty nor everybody when there are two or more.
NodeMask draw_group(Draws& draws, std::uint32_t nodes) {
    if (nodes < 2) {
        return 1;
    }
    const NodeMask everybody = all_nodes(nodes);
    const auto mask = static_cast<NodeMask>(draws.next()) & everybody;
    if (mask == 0 || mask == everybody) {
        return mask_of(draws.below(nodes));
    }
    return draws.chance(300) ? mask_of(draws.below(nodes)) : mask;
}

struct Span {
    std::uint32_t token_ms;
    std::uint32_t chaos_ms;
};

// Times around the protocol's own: a fraction of the token timeout up to a few of them.
Duration draw_while(Draws& draws, const Span& span) {
    const std::uint32_t part =
        draws.pick(std::array<std::uint32_t, 6>{2, 50, 400, 950, 1500, 4000});
    const std::uint64_t ms = std::uint64_t{span.token_ms} * part / 1000 + 1;
    return milliseconds{ms} + microseconds{draws.below(1000)};
}

void draw_link_fault(Draws& draws, std::uint32_t nodes, Fault& fault) {
    const bool everywhere = draws.chance(400);
    fault.from = everywhere ? all_nodes(nodes) : draw_group(draws, nodes);
    fault.to = everywhere ? all_nodes(nodes) : draw_group(draws, nodes);
    switch (fault.kind) {
        case FaultKind::kLoss:
            fault.value = draws.pick(std::array<std::uint32_t, 4>{20, 100, 300, 700});
            return;
        case FaultKind::kDuplicate:
        case FaultKind::kReorder:
            fault.value = draws.pick(std::array<std::uint32_t, 3>{20, 100, 200});
            fault.extra = draws.pick(std::array<std::uint32_t, 4>{1, 5, 30, 500});
            return;
        case FaultKind::kLatency:
            fault.value = draws.pick(std::array<std::uint32_t, 3>{1000, 10000, 100000});
            return;
        case FaultKind::kBandwidth:
            fault.value = draws.pick(std::array<std::uint32_t, 3>{50, 500, 5000});
            fault.extra = draws.pick(std::array<std::uint32_t, 3>{3000, 30000, 200000});
            return;
        case FaultKind::kCorrupt:
        case FaultKind::kReplay:
            fault.value = draws.pick(std::array<std::uint32_t, 3>{10, 50, 200});
            fault.extra = draws.pick(std::array<std::uint32_t, 3>{1, 4, 15});
            return;
        case FaultKind::kDropKind:
            fault.value = draws.below(6);
            // A few of them, or all: a node that hears everything but messages must go (R12).
            fault.extra = draws.chance(150) ? 1'000'000 : draws.between(1, 4);
            return;
        default:
            break;
    }
    if (fault.kind == FaultKind::kCut) {
        fault.from = draw_group(draws, nodes);
        fault.to = draws.chance(700) ? all_nodes(nodes) & ~fault.from : draw_group(draws, nodes);
        fault.value = draws.chance(600) ? 1 : 0;
    }
}

void draw_node_fault(Draws& draws, const Options& options, std::uint32_t disk_fates, Fault& fault) {
    fault.from = mask_of(draws.below(options.nodes));
    switch (fault.kind) {
        case FaultKind::kCrash:
            fault.from = draws.chance(150) ? draw_group(draws, options.nodes) : fault.from;
            fault.value = draws.chance(600) ? 0 : draws.below(disk_fates);
            fault.extra = draws.chance(500) ? 0 : draws.between(1, 6);
            return;
        case FaultKind::kAmbush:
            fault.value = static_cast<std::uint32_t>(draws.pick(
                std::array<totem::State, 4>{totem::State::kRecovery, totem::State::kRecovery,
                                            totem::State::kCommit, totem::State::kGather}));
            fault.extra = draws.between(1, 24);
            return;
        case FaultKind::kPause:
            fault.from = draws.chance(150) ? draw_group(draws, options.nodes) : fault.from;
            return;
        case FaultKind::kSlow:
            fault.value = draws.pick(std::array<std::uint32_t, 4>{100, 500, 2000, 10000});
            return;
        case FaultKind::kClockJump:
            fault.value = draws.pick(std::array<std::uint32_t, 4>{5, 100, 1000, 10000});
            return;
        case FaultKind::kSlowDisk:
            fault.value = draws.pick(std::array<std::uint32_t, 4>{5, 100, 1000, 10000});
            return;
        case FaultKind::kBurst:
            fault.value = draws.pick(std::array<std::uint32_t, 3>{20, 100, 400});
            return;
        case FaultKind::kClientCrash:
        case FaultKind::kClientPause:
            fault.extra = draws.below(options.clients);
            return;
        default:
            return;
    }
}

bool is_link_fault(FaultKind kind) {
    return kind <= FaultKind::kDropKind || kind == FaultKind::kReplay ||
           kind == FaultKind::kCorrupt;
}

Duration rotations(const Options& options, std::uint32_t members, int count) {
    const Duration hop = options.latency.least + 4 * options.latency.scale + options.service;
    return hop * static_cast<int>(members) * count;
}

}  // namespace

bool profile_exists(std::string_view name) noexcept { return find_profile(name) != nullptr; }

std::string profile_names() {
    std::string names;
    for (const Profile& profile : kProfiles) {
        names += (names.empty() ? "" : ", ") + std::string(profile.name);
    }
    return names;
}

Duration formation_bound(const Options& options, std::uint32_t members, std::uint32_t rings) {
    const auto& ring = options.ring;
    const Duration merges = (ring.merge + 3 * ring.join + ring.hold) * static_cast<int>(rings);
    // Clocks may be 10 % slow; a commit that fails once costs its own deadline.
    const Duration sum = ring.token + 2 * Duration{ring.consensus} + merges +
                         rotations(options, members, 40) + ring.commit * 2 + ring.send_join * 4 +
                         seconds{1};
    return sum * 5 / 4;
}

// Who has something waiting sends a frame in every rotation (R7); the largest message of the load
// needs twelve, and two more rotations until it is safe.
Duration sending_bound(const Options& options) {
    return (rotations(options, options.nodes, 20) + options.ring.hold) * 5 / 4;
}

Options draw_options(std::uint64_t seed, std::uint32_t nodes, Duration duration,
                     std::string_view profile, Layer layer) {
    Draws draws(seed, Purpose::kOptions);
    Options options;
    options.seed = seed;
    options.nodes = nodes;
    options.duration = duration;
    options.profile = profile;
    options.layer = layer;
    options.files.on = layer == Layer::kStack && profile.ends_with("files");
    constexpr std::array<milliseconds, 4> kTokens = {milliseconds{300}, milliseconds{1000},
                                                     milliseconds{1000}, milliseconds{3000}};
    options.ring = timers(draws.pick(kTokens), draws);
    draw_network(options, draws);
    // Settling takes at most half of the run.
    const std::int64_t phases = options.files.on ? 3 : 2;
    options.files.settle = options.files.on ? file_settling(nodes) : Duration{};
    Duration settle = formation_bound(options, nodes, nodes) + options.files.settle;
    if (settle > duration / (2 * phases)) {
        options.ring = timers(milliseconds{300}, draws);
        settle = std::min(formation_bound(options, nodes, nodes) + options.files.settle,
                          duration / (2 * phases));
    }
    options.heal_at = duration - phases * settle;
    options.whole_at = options.heal_at + settle;
    draw_load(options, draws);
    options.core = draws.chance(500) ? all_nodes(nodes) : draw_group(draws, nodes);
    options.two_node = nodes == 2 && draws.chance(500);
    options.wait_for_all = draws.chance(250);
    options.clients = draws.between(1, 2);
    options.sealed = profile == "sealed";
    if (options.files.on) {
        options.files.cut_at = options.whole_at + settle;
        draw_files(options);
    }
    return options;
}

Schedule draw_schedule(const Options& options) {
    const Profile& profile = *find_profile(options.profile);
    Draws draws(options.seed, Purpose::kSchedule);
    // Swarm: each kind is in with three chances of five; none left means all.
    KindMask enabled = 0;
    std::vector<FaultKind> kinds;
    for (std::uint32_t kind = 0; kind < kDrawnKinds; ++kind) {
        enabled |= draws.chance(600) ? KindMask{1} << kind : 0;
    }
    enabled = (enabled & profile.kinds) == 0 ? profile.kinds : enabled & profile.kinds;
    for (std::uint32_t kind = 0; kind < kDrawnKinds; ++kind) {
        if ((enabled >> kind & 1U) != 0) {
            kinds.push_back(static_cast<FaultKind>(kind));
        }
    }
    Schedule schedule;
    if (kinds.empty()) {
        return schedule;
    }
    const Span span{static_cast<std::uint32_t>(options.ring.token.count()),
                    static_cast<std::uint32_t>(options.heal_at / milliseconds{1})};
    const std::uint32_t count = draws.between(profile.faults_least, profile.faults_most);
    for (std::uint32_t i = 0; i < count; ++i) {
        Fault fault;
        fault.kind = kinds.at(draws.below(static_cast<std::uint32_t>(kinds.size())));
        // One draw per statement: the order of operands is the compiler's choice.
        fault.at = milliseconds{draws.below(span.chaos_ms)};
        fault.at += microseconds{draws.below(1000)};
        fault.lasts = draw_while(draws, span);
        // A failure during the recovery from a failure: soon after the last one began, or ended.
        if (!schedule.empty() && draws.chance(300)) {
            const Fault& last = schedule.back();
            const Duration soon = draw_while(draws, {60, 0}) / 4;
            const Duration from = draws.chance(500) ? last.at + last.lasts : last.at;
            // Whole microseconds, as scenario files have them.
            fault.at = std::chrono::duration_cast<microseconds>(
                std::min<Duration>(from + soon, options.heal_at - milliseconds{1}));
        }
        if (is_link_fault(fault.kind)) {
            draw_link_fault(draws, options.nodes, fault);
        } else {
            draw_node_fault(draws, options, profile.disk_fates, fault);
        }
        schedule.push_back(fault);
    }
    if (options.files.on) {
        draw_file_faults(options, schedule);
    }
    std::ranges::stable_sort(schedule, {}, &Fault::at);
    return schedule;
}

}  // namespace sim
