// The steady state allocates nothing: neither seals nor links, neither for members nor for
// strangers.
//
// Every operator new of this program is counted. Source: architecture.md section 1, properties.md
// C8.
#include <cstdlib>
#include <new>

#include "tests/totem/net/link_fixture.h"
#include "tests/totem/net/seal_fixture.h"

namespace {
std::size_t allocations = 0;
}  // namespace

// Not inlined: the compiler would take malloc and free here for mismatched.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

namespace {

using totem::FrameRef;
using totem::net::LinkConfig;
using totem::net::LinkListener;
using totem::net::UdpLink;
using totem::net::Verdict;
using totem::net::test::bytes_of;
using totem::net::test::introduce;
using totem::net::test::ip;
using totem::net::test::kLink;
using totem::net::test::kOne;
using totem::net::test::kTwo;
using totem::net::test::Life;

TEST(Allocation, SealsAllocateNothingOnceWarm) {
    Life one(kOne);
    Life two(kTwo);
    introduce(one, two);
    Life stranger(kOne);
    const auto old_frame = stranger.say(totem::kNoNode, "authentic, but of no session we know");
    auto garbage = old_frame;
    garbage.back() ^= std::byte{1};
    const auto text = bytes_of(std::string(1400, 'x'));
    const auto work = [&](int frames) {
        for (int i = 0; i < frames; ++i) {
            FrameRef frame = one.seal->seal(kLink, kTwo, text, {});
            FrameRef copy = two.pool.copy(frame.bytes());
            ASSERT_EQ(two.seal->open(two.now, kLink, std::move(copy)).verdict, Verdict::kAccepted);
            ASSERT_EQ(two.seal->open(two.now, kLink, two.pool.copy(garbage)).verdict,
                      Verdict::kForged);
            two.now += std::chrono::milliseconds(1);
            ASSERT_EQ(two.seal->open(two.now, kLink, two.pool.copy(old_frame)).verdict,
                      Verdict::kUnproven);
        }
    };
    work(100);
    const std::size_t before = allocations;
    ASSERT_GT(before, 0U);  // it does count
    work(2000);
    EXPECT_EQ(allocations - before, 0U);
}

// Counts what it receives.
struct Counter : LinkListener {
    void on_frames(totem::LinkId /*link*/, std::span<FrameRef> frames) override {
        received += frames.size();
    }
    void on_link_change(totem::LinkId /*link*/, bool /*up*/) override {}
    std::size_t received = 0;
};

TEST(Allocation, LinksAllocateNothingOnceWarm) {
    boost::asio::io_context io;
    totem::FramePool pool;
    Counter listener;
    {
        totem::net::ReadySet ready(io);
        UdpLink one(io, ready, pool);
        UdpLink two(io, ready, pool);
        LinkConfig config;
        config.port = totem::net::test::free_port();
        config.peers = {{kOne, ip("127.0.0.41")}, {kTwo, ip("127.0.0.42")}};
        for (UdpLink* link : {&one, &two}) {
            config.self = link == &one ? kOne : kTwo;
            config.local = ip(link == &one ? "127.0.0.41" : "127.0.0.42");
            ASSERT_TRUE(link->open(config, listener).has_value());
        }
        const auto work = [&](int rounds) {
            for (int i = 0; i < rounds; ++i) {
                const std::size_t expected = listener.received + 4;
                totem::Datagram datagram;
                datagram.head_size = 20;
                datagram.body = pool.allocate(1400);
                for (int n = 0; n < 4; ++n) {
                    one.queue(datagram);
                }
                one.flush();
                ASSERT_TRUE(
                    totem::net::test::run_until(io, [&] { return listener.received >= expected; }));
            }
        };
        work(100);
        const std::size_t before = allocations;
        work(1000);
        EXPECT_EQ(allocations - before, 0U);
    }
    EXPECT_EQ(pool.live(), 0U);
}

}  // namespace
