// The two queues between the threads: order, bounds, and a run with both ends at work.
#include <cstring>
#include <poll.h>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "totem/core/frame.h"
#include "totem/ipc/byte_ring.h"
#include "totem/ipc/doorbell.h"
#include "totem/ipc/spsc_queue.h"

namespace {

using totem::ipc::ByteRing;
using totem::ipc::SpscQueue;

std::vector<std::byte> record(std::size_t size, std::uint32_t number) {
    std::vector<std::byte> bytes(size);
    std::memcpy(bytes.data(), &number, std::min(size, sizeof number));
    return bytes;
}

TEST(SpscQueue, is_bounded_and_leaves_a_refused_value_alone) {
    SpscQueue<std::unique_ptr<int>> queue(4);
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(queue.push(std::make_unique<int>(i)));
    }
    auto refused = std::make_unique<int>(4);
    EXPECT_FALSE(queue.push(std::move(refused)));
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(**queue.front(), 0);
    queue.pop();
    EXPECT_TRUE(queue.push(std::move(refused)));
}

TEST(SpscQueue, keeps_order_between_threads) {
    SpscQueue<std::uint64_t> queue(64);
    constexpr std::uint64_t kCount = 200000;
    std::thread producer([&queue] {
        for (std::uint64_t i = 0; i < kCount; ++i) {
            while (!queue.push(std::uint64_t{i})) {
                std::this_thread::yield();
            }
        }
    });
    for (std::uint64_t i = 0; i < kCount; ++i) {
        std::uint64_t* value = nullptr;
        while ((value = queue.front()) == nullptr) {
            std::this_thread::yield();
        }
        ASSERT_EQ(*value, i);
        queue.pop();
    }
    producer.join();
}

TEST(ByteRing, a_quarter_of_it_always_fits_when_empty) {
    ByteRing ring(4096);
    for (int i = 0; i < 100; ++i) {
        const auto filler = record(static_cast<std::size_t>(8 + i * 3), 1);
        ASSERT_TRUE(ring.push(filler, {}));
        ASSERT_TRUE(ring.front());
        ring.pop();
        ASSERT_TRUE(ring.push(record(1024, 2), {})) << i;
        ASSERT_EQ(ring.front()->size(), 1024U);
        ring.pop();
    }
}

TEST(ByteRing, refuses_when_full_and_what_can_never_fit) {
    ByteRing ring(4096);
    EXPECT_FALSE(ring.push(record(4096, 0), {}));
    EXPECT_FALSE(ring.has_room(1U << 30));
    int pushed = 0;
    while (ring.push(record(100, 0), {})) {
        ++pushed;
    }
    EXPECT_EQ(pushed, 36);  // 8 + 104 bytes each
    EXPECT_FALSE(ring.has_room(100));
    ASSERT_TRUE(ring.front());
    ring.pop();
    EXPECT_TRUE(ring.has_room(64));
}

TEST(ByteRing, keeps_records_whole_and_in_order_between_threads) {
    ByteRing ring(1 << 16);
    constexpr std::uint32_t kCount = 100000;
    std::thread producer([&ring] {
        std::mt19937 random(7);
        for (std::uint32_t i = 0; i < kCount; ++i) {
            auto bytes = record(4 + random() % 3000, i);
            bytes.back() = static_cast<std::byte>(i);
            const auto all = std::span<const std::byte>(bytes);
            while (!ring.push(all.first(4), all.subspan(4))) {
                std::this_thread::yield();
            }
        }
    });
    std::mt19937 random(7);
    for (std::uint32_t i = 0; i < kCount; ++i) {
        std::optional<std::span<const std::byte>> got;
        while (!(got = ring.front())) {
            std::this_thread::yield();
        }
        ASSERT_EQ(got->size(), 4 + random() % 3000);
        std::uint32_t number = 0;
        std::memcpy(&number, got->data(), sizeof number);
        ASSERT_TRUE(got->size() == 4 || number == i);
        ASSERT_EQ(got->back(), got->size() == 4 ? got->back() : static_cast<std::byte>(i));
        ring.pop();
    }
    producer.join();
}

TEST(Doorbell, a_ring_between_arming_and_sleeping_is_not_lost) {
    totem::ipc::Doorbell to;
    totem::ipc::Doorbell fro;
    std::atomic<int> ball{0};
    const auto play = [&ball](totem::ipc::Doorbell& mine, totem::ipc::Doorbell& other, int parity) {
        for (int turn = parity; turn < 20000; turn += 2) {
            while (ball.load() != turn) {
                mine.arm();
                pollfd wait{mine.fd(), POLLIN, 0};
                if (ball.load() != turn && ::poll(&wait, 1, 5000) == 0) {
                    return false;
                }
                mine.disarm();
            }
            ball.store(turn + 1);
            other.ring();
        }
        return true;
    };
    bool odd_good = false;
    std::thread odd([&] { odd_good = play(fro, to, 1); });
    const bool even_good = play(to, fro, 0);
    odd.join();
    EXPECT_TRUE(even_good && odd_good);
}

}  // namespace
