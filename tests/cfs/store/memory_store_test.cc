// The contract suite on its simplest store, and the bugs that the suite must see.
#include "tests/cfs/store/memory_store.h"

#include <gtest/gtest.h>

namespace cfs::testing {
namespace {

std::unique_ptr<Disk> make_memory_disk() { return std::make_unique<MemoryDisk>(); }

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, ::testing::Values(&make_memory_disk));

std::string verdict(MemoryDisk::Bug bug) {
    MemoryDisk disk(bug);
    return check_power_cuts(disk, 1);
}

TEST(StoreContractSuite, SeesPlantedBugs) {
    EXPECT_EQ(verdict(MemoryDisk::Bug::kNone), "");
    EXPECT_NE(verdict(MemoryDisk::Bug::kReportsTooEarly).find("lost what was durable"),
              std::string::npos);
    EXPECT_NE(verdict(MemoryDisk::Bug::kStoresInHalves), "");
    EXPECT_NE(verdict(MemoryDisk::Bug::kForgetsPromises), "");
}

}  // namespace
}  // namespace cfs::testing
