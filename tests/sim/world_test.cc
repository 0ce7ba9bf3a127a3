// Whole runs: the same seed is the same run, in every build, and good cores pass.
#include "sim/world.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "sim/campaign.h"
#include "sim/random.h"

namespace {

sim::Request request(const std::string& profile, std::uint32_t nodes, sim::Layer layer) {
    sim::Request request;
    request.nodes = nodes;
    request.seconds = 30;
    request.profile = profile;
    request.layer = layer;
    return request;
}

TEST(World, TheSameSeedIsTheSameRun) {
    for (const sim::Layer layer : {sim::Layer::kRing, sim::Layer::kStack}) {
        const auto scenario = sim::draw_scenario(request("full", 4, layer), 7);
        const auto one = sim::run_scenario(scenario, false);
        const auto two = sim::run_scenario(scenario, false);
        EXPECT_EQ(one.trace_hash, two.trace_hash);
        EXPECT_EQ(one.events, two.events);
        EXPECT_GT(one.deliveries, 100U);
        const auto other = sim::draw_scenario(request("full", 4, layer), 8);
        EXPECT_NE(sim::run_scenario(other, false).trace_hash, one.trace_hash);
    }
}

TEST(World, WithFilesTheSameSeedIsTheSameRun) {
    auto drawn = request("files", 3, sim::Layer::kStack);
    drawn.seconds = 60;
    const auto scenario = sim::draw_scenario(drawn, 7);
    const auto one = sim::run_scenario(scenario, false);
    const auto two = sim::run_scenario(scenario, false);
    EXPECT_EQ(one.trace_hash, two.trace_hash);
    EXPECT_GE(one.files.acknowledged, sim::kAcknowledgedLeast);
    EXPECT_EQ(one.files.acknowledged, two.files.acknowledged);
    EXPECT_GE(one.files.power_cuts, 1U);
    EXPECT_GT(one.files.epochs, 1U);
}

// What a seed draws must never depend on the build. (tests/sim/compare_compilers compares whole
// runs; their hashes change with the protocol, these only with the simulator. TOTEM_REWRITE=1
// records.)
TEST(World, EveryBuildDrawsTheRecordedWorlds) {
    const std::string path = std::string(QUORATE_SOURCE_DIR) + "/tests/sim/drawn_worlds.txt";
    std::string now;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        const auto scenario = sim::draw_scenario(request("full", 5, sim::Layer::kStack), seed);
        sim::PacketNetwork network(scenario.options);
        std::uint64_t hash = seed;
        for (const sim::Fault& fault : scenario.schedule) {
            network.begin(fault);
            for (std::uint32_t i = 0; i < 20; ++i) {
                const auto fate = network.send({}, i % 5, (i + 1) % 5, totem::FrameType::kData, 99);
                hash = sim::combine(hash, fate.count);
                hash = sim::combine(hash, static_cast<std::uint64_t>(fate.copies[0].delay.count()));
            }
        }
        now += std::to_string(seed) + " " + std::to_string(hash) + "\n";
    }
    if (std::getenv("TOTEM_REWRITE") != nullptr) {
        std::ofstream(path) << now;
    }
    std::ifstream file(path);
    const std::string recorded{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(recorded, now);
}

struct Campaign {
    const char* profile;
    std::uint32_t nodes;
    sim::Layer layer;
    std::uint64_t seeds;
};

class Seeds : public ::testing::TestWithParam<Campaign> {};

TEST_P(Seeds, BreakNothing) {
    const Campaign& campaign = GetParam();
    auto drawn = request(campaign.profile, campaign.nodes, campaign.layer);
    drawn.seconds = drawn.profile == "files" ? 60 : drawn.seconds;
    for (std::uint64_t seed = 1; seed <= campaign.seeds; ++seed) {
        sim::name_run_for_checks(sim::replay_command(drawn, seed));
        const auto outcome = sim::run_scenario(sim::draw_scenario(drawn, seed), false);
        ASSERT_FALSE(outcome.violation)
            << outcome.violation->checker << " " << outcome.violation->property << ": "
            << outcome.violation->evidence << "\n"
            << sim::replay_command(drawn, seed);
        EXPECT_GE(outcome.rings_installed, campaign.nodes == 1 ? 1 : sim::kRingsLeast);
    }
}

INSTANTIATE_TEST_SUITE_P(Profiles, Seeds,
                         ::testing::Values(Campaign{"full", 5, sim::Layer::kStack, 60},
                                           Campaign{"full", 3, sim::Layer::kStack, 60},
                                           Campaign{"crash", 3, sim::Layer::kStack, 40},
                                           Campaign{"partition", 2, sim::Layer::kStack, 40},
                                           Campaign{"full", 5, sim::Layer::kRing, 60},
                                           Campaign{"sealed", 4, sim::Layer::kStack, 15},
                                           Campaign{"files", 5, sim::Layer::kStack, 12},
                                           Campaign{"files", 3, sim::Layer::kStack, 12},
                                           Campaign{"files", 2, sim::Layer::kStack, 12},
                                           Campaign{"full", 1, sim::Layer::kStack, 5},
                                           Campaign{"loss", 12, sim::Layer::kRing, 10}),
                         [](const auto& campaign) {
                             return std::string(campaign.param.profile) +
                                    std::to_string(campaign.param.nodes) +
                                    (campaign.param.layer == sim::Layer::kRing ? "Ring" : "Stack");
                         });

TEST(Scenarios, BreakNothing) {
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(QUORATE_SOURCE_DIR "/sim/scenarios")) {
        const auto scenario = sim::load_scenario(entry.path().string());
        ASSERT_TRUE(scenario) << scenario.error();
        const auto outcome = sim::run_scenario(*scenario, false);
        EXPECT_FALSE(outcome.violation) << entry.path() << " " << outcome.violation->evidence;
        ++count;
    }
    EXPECT_GE(count, 2U);
}

// With what ring number the second life of the node that crashed begins.
class SecondLife : public sim::Checker {
  public:
    SecondLife(sim::Findings& findings, std::uint64_t& stored)
        : Checker("second-life", findings), stored_(&stored) {}

    using Checker::on;
    void on(const sim::Started& event) override {
        *stored_ = event.where.life == 2 ? event.stored_ring_seq : *stored_;
    }

  private:
    std::uint64_t* stored_;
};

std::uint64_t second_life(sim::DiskFate fate) {
    const sim::Fault crash{.kind = sim::FaultKind::kCrash,
                           .at = std::chrono::seconds{4},
                           .lasts = std::chrono::seconds{1},
                           .from = sim::mask_of(1),
                           .value = static_cast<std::uint32_t>(fate)};
    sim::World world(sim::draw_options(5, 3, std::chrono::seconds{24}, "calm", sim::Layer::kStack),
                     {crash});
    std::uint64_t stored = 0;
    world.recorder().add_checker<SecondLife>(stored);
    const auto outcome = world.run();
    EXPECT_FALSE(outcome.violation) << outcome.violation->evidence;
    return stored;
}

TEST(World, APowerCutLosesTheMemoOfRingNumbers) {
    constexpr std::uint64_t kFirstBound = 1024;  // asked for by the first life
    EXPECT_GT(second_life(sim::DiskFate::kKept), 0U);
    EXPECT_LT(second_life(sim::DiskFate::kKept), kFirstBound);
    EXPECT_EQ(second_life(sim::DiskFate::kRestored), second_life(sim::DiskFate::kKept));
    EXPECT_GE(second_life(sim::DiskFate::kPowerCut), kFirstBound);
    EXPECT_LT(second_life(sim::DiskFate::kPowerCut), 2 * kFirstBound);
    EXPECT_GE(second_life(sim::DiskFate::kLost), std::uint64_t{1} << 40U);
}

// In what state a node died.
class LastState : public sim::Checker {
  public:
    LastState(sim::Findings& findings, std::optional<totem::State>& died_in)
        : Checker("last-state", findings), died_in_(&died_in) {}

    using Checker::on;
    void on(const sim::StateChanged& event) override {
        state_ = event.where.node == 1 ? event.to : state_;
    }
    void on(const sim::Failed& event) override {
        if (event.where.node == 1) {
            *died_in_ = state_;
        }
    }

  private:
    std::optional<totem::State>* died_in_;
    totem::State state_{};
};

TEST(World, AnAmbushStrikesInItsState) {
    const sim::Fault ambush{.kind = sim::FaultKind::kAmbush,
                            .at = std::chrono::seconds{3},
                            .lasts = std::chrono::seconds{8},
                            .from = sim::mask_of(1),
                            .value = static_cast<std::uint32_t>(totem::State::kRecovery),
                            .extra = 4};
    const sim::Fault crash{.kind = sim::FaultKind::kCrash,
                           .at = std::chrono::seconds{4},
                           .lasts = std::chrono::seconds{6},
                           .from = sim::mask_of(0)};
    sim::World world(sim::draw_options(5, 4, std::chrono::seconds{24}, "calm", sim::Layer::kStack),
                     {ambush, crash});
    std::optional<totem::State> died_in;
    world.recorder().add_checker<LastState>(died_in);
    const auto outcome = world.run();
    EXPECT_FALSE(outcome.violation) << outcome.violation->evidence;
    EXPECT_EQ(died_in, totem::State::kRecovery);
}

// The ring of this seed is offered more than its lossy network carries, and sends a thousand frames
// a second when the run is over: what waits then gets its time, and finds its fate.
TEST(World, WaitsForABacklogThatShrinks) {
    const auto options =
        sim::draw_options(20167, 5, std::chrono::seconds{60}, "full", sim::Layer::kStack);
    sim::World world(options, {});
    const auto outcome = world.run();
    EXPECT_FALSE(outcome.violation) << outcome.violation->evidence;
    EXPECT_GT(world.now().time_since_epoch(), options.duration);
}

// A check that fails, a checker that speaks: both end a campaign with the way to see it again.
TEST(Campaign, NamesTheCommandThatReplays) {
    sim::Request drawn = request("crash", 3, sim::Layer::kRing);
    EXPECT_EQ(sim::replay_command(drawn, 12),
              "totem-sim run --nodes 3 --seed 12 --seconds 30 --faults crash --layer ring --log");
    drawn.scenario = "some.toml";
    EXPECT_EQ(sim::replay_command(drawn, 12), "totem-sim run --scenario some.toml --log");
}

}  // namespace
