// Rings of real cores form, order messages, lose members and merge.
#include <gtest/gtest.h>

#include "tests/support/mini_ring.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using totem::Guarantee;
using totem::State;
using totem::testing::MiniRing;

using Lines = std::vector<std::string>;

TEST(RingForming, OneNodeFormsASingletonAtOnce) {
    MiniRing ring;
    ring.start(1);
    ASSERT_TRUE(ring.form({1}, milliseconds(20)));
    EXPECT_EQ(ring.history(1),
              (Lines{"trans 1.5 members=(1) left=()", "regular 1.5 members=(1) joined=(1)"}));
}

TEST(RingForming, FiveNodesFormOneRing) {
    MiniRing ring;
    ring.start_all(5);
    ASSERT_TRUE(ring.form({1, 2, 3, 4, 5}, seconds(2)));
}

TEST(RingForming, MessagesOfAllAreOrderedAlike) {
    MiniRing ring;
    ring.start_all(3);
    ASSERT_TRUE(ring.form({1, 2, 3}));
    for (int i = 0; i < 50; ++i) {
        ring.submit(1 + i % 3, "m" + std::to_string(i));
    }
    ring.run_for(seconds(1));
    EXPECT_EQ(ring.messages(1).size(), 50U);
    EXPECT_EQ(ring.messages(1), ring.messages(2));
    EXPECT_EQ(ring.messages(1), ring.messages(3));
}

}  // namespace
