// Backlog: what a slow client is owed is kept in order, whole, bounded, and without other people's
// frames.
#include "totem/ipc/backlog.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace totem::ipc {
namespace {

group::ClientMessage message(FramePool& pool, std::size_t size, std::byte fill) {
    group::ClientMessage made;
    made.body = pool.allocate(size);
    std::ranges::fill(made.body.writable(), fill);
    return made;
}

TEST(Backlog, ShortMessagesGiveTheirFramesBackAtOnce) {
    FramePool pool;
    Backlog backlog({1 << 20, 100});
    for (std::size_t n = 0; n < 10; ++n) {
        FrameRef free;
        ASSERT_TRUE(backlog.push(message(pool, Backlog::kCopiedMax, std::byte(n)), free));
        EXPECT_FALSE(free.empty());
    }
    EXPECT_EQ(pool.live(), 0U);
    for (std::size_t n = 0; n < 10; ++n) {
        const auto body = backlog.front().body();
        ASSERT_EQ(body.size(), Backlog::kCopiedMax);
        EXPECT_EQ(body.front(), std::byte(n));
        EXPECT_TRUE(backlog.pop().empty());
    }
    EXPECT_TRUE(backlog.empty());
}

TEST(Backlog, LongMessagesAreNotCopied) {
    FramePool pool;
    Backlog backlog({1 << 20, 100});
    FrameRef free;
    ASSERT_TRUE(backlog.push(message(pool, Backlog::kCopiedMax + 1, std::byte{7}), free));
    EXPECT_TRUE(free.empty());
    EXPECT_EQ(pool.live(), 1U);
    EXPECT_EQ(backlog.front().body().back(), std::byte{7});
    EXPECT_EQ(backlog.pop().size(), Backlog::kCopiedMax + 1);
}

TEST(Backlog, TheBoundCountsWhatIsKeptAndNoMore) {
    FramePool pool;
    const std::size_t each = sizeof(Kept) + 100;
    Backlog backlog({3 * each, 100});
    for (int round = 0; round < 5; ++round) {  // what is taken out makes room again
        FrameRef free;
        for (int n = 0; n < 3; ++n) {
            ASSERT_TRUE(backlog.push(message(pool, 100, std::byte{1}), free));
        }
        group::ClientMessage fourth = message(pool, 100, std::byte{2});
        EXPECT_FALSE(backlog.push(std::move(fourth), free));
        EXPECT_EQ(fourth.body.size(), 100U);  // NOLINT(bugprone-use-after-move): promised
        while (!backlog.empty()) {
            static_cast<void>(backlog.pop());
        }
    }
}

TEST(Backlog, MessagesWithoutABodyCountToo) {
    Backlog backlog({1 << 20, 2});
    FrameRef free;
    EXPECT_TRUE(backlog.push({}, free));
    EXPECT_TRUE(backlog.push({}, free));
    EXPECT_FALSE(backlog.push({}, free));
    EXPECT_TRUE(backlog.front().body().empty());
    EXPECT_TRUE(backlog.pop().empty());
    EXPECT_EQ(backlog.size(), 1U);
}

}  // namespace
}  // namespace totem::ipc
