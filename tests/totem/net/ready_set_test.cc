// ReadySet: who is told, how often, and that the io_context carries it when the loop waits there.
#include "totem/net/ready_set.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace totem::net {
namespace {

using std::chrono::milliseconds;

class Pipe {
  public:
    Pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        read_ = FileDescriptor(ends[0]);
        write_ = FileDescriptor(ends[1]);
    }
    [[nodiscard]] int fd() const { return read_.get(); }
    void fill() const { EXPECT_EQ(::write(write_.get(), "x", 1), 1); }
    void empty() const {
        char byte = 0;
        EXPECT_EQ(::read(read_.get(), &byte, 1), 1);
    }

  private:
    FileDescriptor read_;
    FileDescriptor write_;
};

struct Told : Readable {
    void on_readable() override {
        ++times;
        if (then) {
            then();
        }
    }
    int times = 0;
    std::function<void()> then;
};

struct ReadySetTest : testing::Test {
    boost::asio::io_context io;
    ReadySet ready{io};
    Pipe one;
    Pipe two;
    Told told;
    Told other;
};

TEST_F(ReadySetTest, NothingToReadTellsNobodyAndEndsInTime) {
    ready.add(one.fd(), told);
    EXPECT_FALSE(ready.wait(milliseconds(2)));
    EXPECT_FALSE(ready.busy());
    EXPECT_EQ(told.times, 0);
}

TEST_F(ReadySetTest, OneOwnerOfTwoDescriptorsIsToldOnce) {
    ready.add(one.fd(), told);
    ready.add(two.fd(), told);
    one.fill();
    two.fill();
    EXPECT_TRUE(ready.wait(milliseconds(0)));
    EXPECT_TRUE(ready.busy());
    EXPECT_EQ(told.times, 1);
}

TEST_F(ReadySetTest, WhatIsLeftUnreadIsToldAgain) {
    ready.add(one.fd(), told);
    one.fill();
    EXPECT_TRUE(ready.wait(milliseconds(0)));
    EXPECT_TRUE(ready.wait(milliseconds(0)));
    one.empty();
    EXPECT_FALSE(ready.wait(milliseconds(0)));
    EXPECT_EQ(told.times, 2);
}

TEST_F(ReadySetTest, WhoIsRemovedByAnotherIsNotToldAnyMore) {
    ready.add(one.fd(), told);
    ready.add(two.fd(), other);
    told.then = [this] { ready.remove(two.fd()); };
    other.then = [this] { ready.remove(one.fd()); };
    one.fill();
    two.fill();
    EXPECT_TRUE(ready.wait(milliseconds(0)));
    EXPECT_TRUE(ready.wait(milliseconds(0)));
    EXPECT_EQ(std::min(told.times, other.times), 0);
    EXPECT_EQ(std::max(told.times, other.times), 2);
}

TEST_F(ReadySetTest, TheIoContextCarriesItAgainAndAgain) {
    ready.add(one.fd(), told);
    told.then = [this] { one.empty(); };
    for (int times = 1; times <= 3; ++times) {
        one.fill();
        while (told.times < times) {
            ASSERT_EQ(io.run_one_for(std::chrono::seconds(10)), 1U);
        }
        EXPECT_TRUE(ready.busy());
    }
    EXPECT_EQ(io.poll(), 0U);
    EXPECT_EQ(told.times, 3);
}

// A loop that waits itself is not kept in the io_context by a descriptor that stays readable.
TEST_F(ReadySetTest, TheIoContextHearsOfItOncePerRest) {
    ready.add(one.fd(), told);
    one.fill();
    EXPECT_TRUE(ready.wait(milliseconds(0)));
    EXPECT_LE(io.poll(), 1U);  // the wait that was under way before
    const int before = told.times;
    EXPECT_EQ(io.poll(), 0U);
    ready.rest();
    ready.rest();
    io.restart();  // it had nothing else to wait for
    ASSERT_EQ(io.run_one_for(std::chrono::seconds(10)), 1U);
    EXPECT_EQ(io.poll(), 0U);
    EXPECT_EQ(told.times, before + 1);
}

// As under a kernel before 5.11, and in a container whose filter does not know the call. For the
// process, for good.
bool forbid_epoll_pwait2(int error) {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{program.size(), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Exits with 0 when a ready set works where the call fails with `error`.
void work_without_epoll_pwait2(int error) {
    if (!forbid_epoll_pwait2(error)) {
        ::_exit(2);
    }
    boost::asio::io_context io;
    ReadySet ready(io);
    const Pipe pipe;
    Told told;
    ready.add(pipe.fd(), told);
    const auto before = std::chrono::steady_clock::now();
    const bool quiet = !ready.wait(std::chrono::microseconds(1500));
    // Never shorter than asked for: who waits for a timer would come too early again and again.
    const bool whole = std::chrono::steady_clock::now() - before >= std::chrono::microseconds(1500);
    pipe.fill();
    const bool found = ready.wait(milliseconds(0)) && told.times == 1;
    ::_exit(quiet && whole && found ? 0 : 1);
}

TEST(ReadySetDeathTest, WorksWhereTheKernelHasNotGotTheNewerCall) {
    EXPECT_EXIT(work_without_epoll_pwait2(ENOSYS), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(work_without_epoll_pwait2(EPERM), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace totem::net
