// The doorbell between two threads: no ring is lost, and none is heard for ever.
#include "totem/ipc/doorbell.h"

#include <atomic>
#include <poll.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

// Holds a ringer between its look at the bell and its mark in the descriptor.
std::atomic<bool> hold_write{false};
std::atomic<bool> in_write{false};

}  // namespace

// Takes the C library's place in this program.
extern "C" ssize_t write(int fd, const void* data, std::size_t size) {
    in_write = true;
    while (hold_write.load()) {
        std::this_thread::yield();
    }
    return ::syscall(SYS_write, fd, data, size);
}

namespace {

using totem::ipc::Doorbell;

bool readable(const Doorbell& bell) {
    pollfd descriptor{bell.fd(), POLLIN, 0};
    return ::poll(&descriptor, 1, 0) > 0;
}

// Arms, is rung, and goes on before the ringer's mark lies in the descriptor; then it does.
void go_on_before_the_mark(Doorbell& bell) {
    bell.arm();
    in_write = false;
    hold_write = true;
    std::thread ringer([&bell] { bell.ring(); });
    while (!in_write.load()) {
        std::this_thread::yield();
    }
    bell.disarm();  // sees that it was rung; there is nothing to read yet
    hold_write = false;
    ringer.join();
}

TEST(Doorbell, RingsOnlyWhenArmed) {
    Doorbell bell;
    bell.ring();
    EXPECT_FALSE(readable(bell));
    bell.arm();
    bell.ring();
    EXPECT_TRUE(readable(bell));
    bell.disarm();
    EXPECT_FALSE(readable(bell));
}

// A ring whose mark arrives after the sleeper went on must not keep the descriptor readable: a
// daemon with real-time priority then never slept again.
TEST(Doorbell, LateMarksAreRead) {
    Doorbell bell;
    go_on_before_the_mark(bell);
    EXPECT_TRUE(readable(bell));
    bell.arm();  // wakes at once, for nothing, and only this time
    bell.disarm();
    EXPECT_FALSE(readable(bell));
}

// Who finds the descriptor readable without having armed the bell, because the mark came late,
// reads it too: a loop that only asked whether there is more to do went on asking for ever.
TEST(Doorbell, ALateMarkIsReadByWhoIsAwake) {
    Doorbell bell;
    go_on_before_the_mark(bell);
    EXPECT_TRUE(readable(bell));
    bell.disarm();
    EXPECT_FALSE(readable(bell));
}

// Who arms it anew without having disarmed it, having found nothing to do, has still been rung for.
TEST(Doorbell, ARingBetweenTwoArmsIsNotForgotten) {
    Doorbell bell;
    bell.arm();
    bell.ring();
    bell.arm();
    EXPECT_TRUE(readable(bell));
    bell.disarm();
    EXPECT_FALSE(readable(bell));
    bell.arm();
    bell.ring();
    bell.disarm();
    EXPECT_FALSE(readable(bell));
}

// The mark of one late ring is read in place of the next one's: that one is still to be read then.
TEST(Doorbell, TwoLateMarksInARowAreRead) {
    Doorbell bell;
    for (int i = 0; i < 2; ++i) {
        go_on_before_the_mark(bell);
    }
    bell.arm();
    bell.disarm();
    EXPECT_FALSE(readable(bell));
}

}  // namespace
