#include "sim/scenario.h"

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>

#include "sim/campaign.h"

namespace {

std::string write_file(const std::string& text) {
    const std::string path = ::testing::TempDir() + "scenario_test.toml";
    std::ofstream(path) << text;
    return path;
}

TEST(Scenario, ReadsBackWhatItWrites) {
    sim::Request request;
    for (std::uint64_t seed = 1; seed < 50; ++seed) {
        const sim::Scenario drawn = sim::draw_scenario(request, seed);
        const auto read = sim::load_scenario(write_file(sim::format_scenario(drawn)));
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(read->schedule, drawn.schedule);
        EXPECT_EQ(sim::format_scenario(*read), sim::format_scenario(drawn));
    }
}

TEST(Scenario, SaysWhatIsWrong) {
    EXPECT_FALSE(sim::load_scenario("no-such-file.toml"));
    EXPECT_FALSE(sim::load_scenario(write_file("seed = ")));
    EXPECT_FALSE(sim::load_scenario(write_file("nodes = 99")));
    EXPECT_FALSE(sim::load_scenario(write_file("profile = \"cheerful\"")));
    EXPECT_FALSE(sim::load_scenario(write_file("[[fault]]\nkind = \"flood\"")));
    EXPECT_FALSE(sim::load_scenario(write_file("[[fault]]\nkind = \"loss\"\nfrom = [0]")));
}

TEST(Schedule, DependsOnTheSeedAloneAndStaysInTheChaos) {
    sim::Request request;
    std::size_t faults = 0;
    for (std::uint64_t seed = 1; seed < 200; ++seed) {
        const auto one = sim::draw_scenario(request, seed);
        EXPECT_EQ(one.schedule, sim::draw_scenario(request, seed).schedule);
        faults += one.schedule.size();
        for (const sim::Fault& fault : one.schedule) {
            EXPECT_LT(fault.at, one.options.heal_at);
            EXPECT_NE(fault.from, 0U) << sim::describe(fault);
        }
    }
    EXPECT_GT(faults, 1000U);
}

TEST(Schedule, EveryKindHasItsName) {
    for (std::uint32_t i = 0; i < sim::kFaultKinds; ++i) {
        const auto kind = static_cast<sim::FaultKind>(i);
        sim::FaultKind read{};
        ASSERT_TRUE(sim::parse(sim::to_string(kind), read));
        EXPECT_EQ(read, kind);
    }
}

}  // namespace
