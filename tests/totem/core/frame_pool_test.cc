// FramePool: warm it allocates nothing, and what a burst needed does not stay for ever.
#include <vector>

#include <gtest/gtest.h>

#include "totem/core/frame.h"

namespace totem {
namespace {

TEST(FramePool, KeepsWhatASteadyLoadUses) {
    FramePool pool;
    { const FrameRef frame = pool.allocate(1500); }
    EXPECT_EQ(pool.kept(), 1U);
    { const FrameRef frame = pool.allocate(1500); }
    EXPECT_EQ(pool.kept(), 1U);
}

TEST(FramePool, GivesBackWhatABurstNeededBeyondItsShareOfEachSize) {
    FramePool pool;
    for (const std::size_t size : {std::size_t{2048}, FramePool::kFrameBytesMax}) {
        const std::size_t most = FramePool::kKeptBytesMax / size;
        const std::size_t kept_before = pool.kept();
        std::vector<FrameRef> burst;
        for (std::size_t n = 0; n < most + 3; ++n) {
            burst.push_back(pool.allocate(size));
        }
        burst.clear();
        EXPECT_EQ(pool.kept() - kept_before, most);
        EXPECT_EQ(pool.live(), 0U);
    }
}

}  // namespace
}  // namespace totem
