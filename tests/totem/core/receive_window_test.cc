// What this node holds of a ring, and the gaps: totem.md sections 1 and 5.2 (steps 5, 12).
#include "totem/core/receive_window.h"

#include <array>
#include <map>

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace {

using totem::FramePool;
using totem::ReceiveWindow;
using totem::Seq;
using Insert = ReceiveWindow::Insert;

class ReceiveWindowTest : public ::testing::TestWithParam<std::uint32_t> {
  protected:
    // Numbers count from the parameter, so that every test also runs across the wrap.
    [[nodiscard]] Seq at(std::uint32_t offset) const { return Seq{GetParam()} + offset; }
    Insert insert(std::uint32_t offset) {
        ReceiveWindow::Entry entry;
        entry.frame = pool_.allocate(50);
        return window_.insert(at(offset), std::move(entry));
    }
    std::vector<std::uint32_t> gaps(std::uint32_t upto, std::size_t most = 30) {
        std::vector<Seq> room(most);
        std::vector<std::uint32_t> found;
        for (const Seq seq : window_.gaps(at(upto), room)) {
            found.push_back(seq - at(0));
        }
        return found;
    }

    FramePool pool_;
    ReceiveWindow window_{Seq{GetParam()}, 64};
};

TEST_P(ReceiveWindowTest, AruFollowsWhatIsContiguous) {
    EXPECT_EQ(insert(1), Insert::kStored);
    EXPECT_EQ(window_.aru(), at(1));
    EXPECT_EQ(insert(3), Insert::kStored);
    EXPECT_EQ(insert(4), Insert::kStored);
    EXPECT_EQ(window_.aru(), at(1));
    EXPECT_EQ(window_.high_seq(), at(4));
    EXPECT_EQ(insert(2), Insert::kStored);
    EXPECT_EQ(window_.aru(), at(4));
}

TEST_P(ReceiveWindowTest, RepeatsAndForgottenOnesAreDuplicates) {
    insert(1);
    EXPECT_EQ(insert(1), Insert::kDuplicate);
    window_.release(at(1));
    EXPECT_EQ(insert(1), Insert::kDuplicate);
    EXPECT_EQ(window_.find(at(1)), nullptr);
}

TEST_P(ReceiveWindowTest, RefusesWhatLiesBeyond) {
    EXPECT_EQ(insert(64), Insert::kStored);
    EXPECT_EQ(insert(65), Insert::kBeyondWindow);
    EXPECT_EQ(window_.high_seq(), at(64));
}

TEST_P(ReceiveWindowTest, GapsLowestFirstAndNoMoreThanRoom) {
    insert(2);
    insert(5);
    EXPECT_EQ(gaps(6), (std::vector<std::uint32_t>{1, 3, 4, 6}));
    EXPECT_EQ(gaps(6, 2), (std::vector<std::uint32_t>{1, 3}));
    EXPECT_EQ(gaps(0), (std::vector<std::uint32_t>{}));
}

TEST_P(ReceiveWindowTest, ResetReturnsEveryFrame) {
    insert(1);
    insert(9);
    window_.reset(at(100));
    EXPECT_EQ(pool_.live(), 0U);
    EXPECT_EQ(window_.aru(), at(100));
    EXPECT_EQ(window_.high_seq(), at(100));
}

// Against a slow obvious model, with random inserts and releases.
TEST_P(ReceiveWindowTest, AgreesWithAMap) {
    frames::Random random(GetParam() + 7U);
    std::map<std::uint32_t, bool> held;
    std::uint32_t released = 0;
    std::uint32_t high = 0;
    for (int i = 0; i < 20000; ++i) {
        const auto offset = released + static_cast<std::uint32_t>(random.below(70));
        const Insert result = insert(offset);
        if (offset <= released || held.contains(offset)) {
            EXPECT_EQ(result, Insert::kDuplicate);
        } else if (offset > released + 64) {
            EXPECT_EQ(result, Insert::kBeyondWindow);
        } else {
            EXPECT_EQ(result, Insert::kStored);
            held[offset] = true;
            high = std::max(high, offset);
        }
        std::uint32_t aru = released;
        while (held.contains(aru + 1)) {
            ++aru;
        }
        ASSERT_EQ(window_.aru(), at(aru));
        ASSERT_EQ(window_.high_seq(), at(std::max(high, released)));
        if (random.below(8) == 0 && aru > released) {
            released += 1 + static_cast<std::uint32_t>(random.below(aru - released));
            window_.release(at(released));
            held.erase(held.begin(), held.upper_bound(released));
        }
    }
    EXPECT_EQ(pool_.live(), held.size());
}

INSTANTIATE_TEST_SUITE_P(Starts, ReceiveWindowTest,
                         ::testing::Values(0U, 1000U, 0xFFFFFFFFU - 10U, 0x80000000U - 5U,
                                           0xFFFFFFFFU - 5000U));

TEST(SeqOrder, FollowsThePageAcrossTheWrap) {
    EXPECT_LT(Seq{1}, Seq{2});
    EXPECT_LT(Seq{0xFFFFFFFF}, Seq{0});  // the first token's aru lies below 0 (totem.md 1.1)
    EXPECT_LT(Seq{0xFFFFFFF0}, Seq{10});
    EXPECT_FALSE(Seq{10} < Seq{0xFFFFFFF0});
    EXPECT_LT(Seq{0x7FFFFFFF}, Seq{0x80000001});
    EXPECT_EQ(Seq{3} - Seq{0xFFFFFFFF}, 4U);
}

}  // namespace
