// A campaign knows which rows of the transition table it has not gone through.
#include "sim/coverage.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace {

using sim::Coverage;
using sim::Fate;
using totem::State;

bool misses(const Coverage& coverage, const std::string& row) {
    const auto missing = coverage.missing();
    return std::ranges::find(missing, row) != missing.end();
}

TEST(Coverage, NamesWhatNeverHappened) {
    Coverage coverage;
    EXPECT_TRUE(misses(coverage, "commit > recovery"));
    EXPECT_TRUE(misses(coverage, "gather for reason 6"));
    EXPECT_FALSE(misses(coverage, "gather for reason 1"));
    EXPECT_TRUE(misses(coverage, "token moves in recovery"));
    EXPECT_FALSE(misses(coverage, "commit taken in operational"));

    Coverage more;
    ++more.transitions[2][3];
    ++more.reasons[6];
    more.add_fate(State::kRecovery, 0, Fate::kMoved);
    coverage.add(more);
    EXPECT_FALSE(misses(coverage, "commit > recovery"));
    EXPECT_FALSE(misses(coverage, "gather for reason 6"));
    EXPECT_FALSE(misses(coverage, "token moves in recovery"));
    EXPECT_TRUE(misses(coverage, "token taken in recovery"));
}

}  // namespace
