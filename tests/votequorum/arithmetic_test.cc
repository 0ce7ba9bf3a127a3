// The arithmetic of votes against a slow and obvious model, for every small number.
#include "votequorum/core/arithmetic.h"

#include <gtest/gtest.h>

namespace {

using votequorum::Tally;
using votequorum::ThresholdRule;
using votequorum::Votes;

constexpr Votes kLimit = 12;

// The smallest number of votes that is more than half of both.
Votes model_needed(const Tally& tally) {
    Votes needed = 0;
    while (2 * needed <= tally.highest_expected || 2 * needed <= tally.total) {
        ++needed;
    }
    return needed;
}

template <typename Check>
void for_every_small_number(Check check) {
    for (Votes total = 0; total <= kLimit; ++total) {
        for (Votes expected = 0; expected <= kLimit; ++expected) {
            for (Votes current = 0; current <= kLimit; ++current) {
                check(Tally{total, expected}, current);
            }
        }
    }
}

TEST(Arithmetic, MajorityIsMoreThanHalfAndTheLeastSuch) {
    for (Votes votes = 0; votes <= 1000; ++votes) {
        EXPECT_GT(2 * votequorum::majority(votes), votes);
        EXPECT_LE(2 * (votequorum::majority(votes) - 1), votes);
    }
}

TEST(Arithmetic, ThresholdIsTheModels) {
    for_every_small_number([](const Tally& tally, Votes current) {
        for (const bool two_node : {false, true}) {
            for (const bool decrease : {false, true}) {
                Votes expected = model_needed(tally);
                if (!decrease && expected < current) {
                    expected = current;
                }
                if (two_node && tally.total < 3 && tally.highest_expected < 3) {
                    expected = 1;
                }
                EXPECT_EQ(votequorum::threshold(tally, ThresholdRule{two_node, decrease, current}),
                          expected);
            }
        }
    });
}

// Two sets of voters that both reach the threshold of the same expected votes share a voter (Q2).
TEST(Arithmetic, TwoQuorumsIntersect) {
    for (Votes expected = 1; expected <= kLimit; ++expected) {
        for (Votes one = 0; one <= expected; ++one) {
            const Votes other = expected - one;
            const bool both = one >= votequorum::threshold({one, expected}, {}) &&
                              other >= votequorum::threshold({other, expected}, {});
            EXPECT_FALSE(both) << one << " of " << expected;
        }
    }
}

TEST(Arithmetic, ExpectedVotesThatAnAdministratorMaySet) {
    for_every_small_number([](const Tally& tally, Votes expected) {
        for (const bool quorate : {false, true}) {
            const bool below_present = expected < tally.total;
            const bool blocks_itself = quorate && 2 * tally.total <= expected;
            EXPECT_EQ(votequorum::may_expect(expected, tally, quorate),
                      !below_present && !blocks_itself);
        }
    });
}

// Nothing that peers can claim makes the sums wrap.
TEST(Arithmetic, LargestClaims) {
    constexpr Votes kWord = 0xFFFFFFFFU;
    constexpr Votes kNodes = 384;
    const Tally tally{kWord * kNodes, kWord};
    EXPECT_EQ(votequorum::threshold(tally, {}), kWord * kNodes / 2 + 1);
}

}  // namespace
