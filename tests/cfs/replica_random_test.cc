// Random schedules: splits with gaps, pauses, slow disks, crashes, power cuts of one and of all.
//
// Checked at every step: S1, S6, S18 (cluster.h); at the end of each: S2, S3, S6, and that all are
// writable again. QUORATE_SEEDS=FROM:COUNT runs others.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "tests/cfs/replica_schedule.h"

namespace {

TEST(ReplicaRandom, NothingAcknowledgedIsLostAndAllAgreeInTheEnd) {
    std::uint64_t from = 1;
    std::uint64_t count = 400;
    if (const char* seeds = std::getenv("QUORATE_SEEDS")) {
        const std::string text = seeds;
        from = std::stoull(text);
        count = std::stoull(text.substr(text.find(':') + 1));
    }
    std::uint64_t acknowledged = 0;
    std::uint64_t epochs = 0;
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
        const auto result = cfs::testing::run_schedule(seed);
        ASSERT_EQ(result.broken, "") << "seed " << seed;
        acknowledged += result.acknowledged;
        epochs += result.epochs;
    }
    // The schedules do something.
    EXPECT_GT(acknowledged, count * 10);
    EXPECT_GT(epochs, count * 4);
}

TEST(ReplicaPowerCut, OfAllLosesNothingThatWasAcknowledged) {
    EXPECT_EQ(cfs::testing::run_power_cut_of_all(), "");
}

TEST(ReplicaOldHello, LosesNothingThatWasAcknowledged) {
    EXPECT_EQ(cfs::testing::run_old_hello(), "");
}

}  // namespace
