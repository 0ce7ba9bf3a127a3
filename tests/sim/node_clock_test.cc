#include "sim/node_clock.h"

#include <chrono>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using sim::Instant;
using sim::NodeClock;

TEST(NodeClock, RunsAtItsRate) {
    const NodeClock fast(100'000);
    EXPECT_EQ(fast.local(Instant{10s}), Instant{11s});
    const NodeClock slow(-500);
    EXPECT_EQ(slow.local(Instant{1000s}), Instant{999s + 500ms});
}

TEST(NodeClock, TheMomentOfADeadlineIsNotBeforeIt) {
    for (const int ppm : {-100'000, -500, -1, 0, 1, 333, 100'000}) {
        const NodeClock clock(ppm);
        for (std::int64_t ns = 1; ns < 4'000'000'000'000; ns = ns * 3 + 7) {
            const Instant deadline{std::chrono::nanoseconds{ns}};
            EXPECT_GE(clock.local(clock.world(deadline)), deadline) << ppm << " " << ns;
        }
    }
}

TEST(NodeClock, JumpsAheadAndNeverBack) {
    NodeClock clock(-500);
    const Instant before = clock.local(Instant{5s});
    clock.jump(Instant{5s}, 2s);
    EXPECT_EQ(clock.local(Instant{5s}), before + 2s);
    EXPECT_LE(clock.world(before), Instant{5s});
}

}  // namespace
