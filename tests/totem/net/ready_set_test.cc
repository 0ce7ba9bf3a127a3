// ReadySet: who is told, how often, and that the io_context carries it when the loop waits there.
#include "totem/net/ready_set.h"

#include <array>
#include <chrono>
#include <functional>
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

}  // namespace
}  // namespace totem::net
