// Planted bugs of the replication protocol, each caught by the random schedules: built from the
// same sources with QUORATE_MUTANTS.
#include <string>

#include <gtest/gtest.h>

#include "tests/cfs/replica_schedule.h"
#include "totem/core/mutant.h"

namespace {

class ReplicaMutant : public ::testing::TestWithParam<const char*> {
  protected:
    ~ReplicaMutant() override { totem::planted_bug = {}; }
};

TEST_P(ReplicaMutant, IsCaught) {
    totem::planted_bug = GetParam();
    std::string caught;
    std::uint64_t seed = 0;
    while (caught.empty() && seed < 20000) {
        caught = cfs::testing::run_schedule(++seed).broken;
    }
    EXPECT_NE(caught, "") << GetParam();
    // Replicas that differ, or what callers were told being wrong; not merely a standstill.
    EXPECT_EQ(caught.front(), 'S') << caught;
    RecordProperty("caught", std::to_string(seed) + ": " + caught);
}

INSTANTIATE_TEST_SUITE_P(All, ReplicaMutant,
                         ::testing::Values("ack_on_delivery", "ack_without_majority",
                                           "store_at_delivery", "longest_index_wins",
                                           "retry_applied_twice", "promise_before_stored"),
                         [](const auto& param) { return std::string(param.param); });

TEST(ReplicaPowerCut, FindsStoringAtDelivery) {
    EXPECT_EQ(cfs::testing::run_power_cut_of_all(), "");
    totem::planted_bug = "store_at_delivery";
    EXPECT_NE(cfs::testing::run_power_cut_of_all(), "");
    totem::planted_bug = {};
}

TEST(ReplicaOldHello, FindsAPromiseOfWhoHasMore) {
    EXPECT_EQ(cfs::testing::run_old_hello(), "");
    totem::planted_bug = "promise_above_parent";
    EXPECT_EQ(cfs::testing::run_old_hello(), "S3: /acknowledged was acknowledged and is lost");
    totem::planted_bug = {};
}

TEST(ReplicaWithoutMutant, IsSound) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        EXPECT_EQ(cfs::testing::run_schedule(seed).broken, "");
    }
}

}  // namespace
