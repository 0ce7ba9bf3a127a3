// The window of taken counters against an obvious model: a set. Source: properties.md C3.
#include "totem/net/replay_window.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace {

using totem::net::ReplayWindow;

TEST(ReplayWindow, StartsAboveItsFloor) {
    ReplayWindow window;
    window.reset(1000);
    EXPECT_TRUE(window.taken(0));
    EXPECT_TRUE(window.taken(1000));
    EXPECT_FALSE(window.taken(1001));
    window.take(1010);
    EXPECT_TRUE(window.taken(1000));
    EXPECT_FALSE(window.taken(1001));
    EXPECT_TRUE(window.taken(1010));
}

TEST(ReplayWindow, ForgetsNothingThatItCannotHold) {
    ReplayWindow window;
    window.reset(0);
    window.take(5);
    window.take(5 + ReplayWindow::kBits);
    EXPECT_TRUE(window.taken(5));
    EXPECT_TRUE(window.taken(4));  // never taken, but too old to tell
    EXPECT_FALSE(window.taken(6));
    window.take(~std::uint64_t{0});
    EXPECT_TRUE(window.taken(6));
    EXPECT_TRUE(window.taken(~std::uint64_t{0}));
    EXPECT_FALSE(window.taken(~std::uint64_t{0} - 1));
}

TEST(ReplayWindow, AgreesWithASet) {
    std::mt19937_64 random(20260101);
    for (int run = 0; run < 20; ++run) {
        ReplayWindow window;
        const std::uint64_t floor = random() % 10000;
        window.reset(floor);
        std::set<std::uint64_t> taken;
        std::uint64_t highest = floor;
        for (int i = 0; i < 20000; ++i) {
            const std::uint64_t jump = random() % 1000 == 0 ? 9000 : 40;
            const std::uint64_t back = random() % 3 == 0 ? random() % 5000 : 0;
            const std::uint64_t above = highest + random() % jump;
            const std::uint64_t counter = above > back ? above - back : 0;
            const bool expected = counter <= floor || taken.contains(counter) ||
                                  (counter <= highest && highest - counter >= ReplayWindow::kBits);
            ASSERT_EQ(window.taken(counter), expected) << counter << " of " << highest;
            if (!expected) {
                window.take(counter);
                taken.insert(counter);
                highest = std::max(highest, counter);
            }
        }
    }
}

}  // namespace
