// What takes too long is named while it lasts, and when it is over.
#include "totem/daemon/slow_work.h"

#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace {

using totem::daemon::SlowWork;

class SlowWorkTest : public ::testing::Test {
  protected:
    boost::asio::io_context io_;
    std::vector<std::string> said_;
    SlowWork work_{io_, [this](const std::string& text) { said_.push_back(text); }};
};

TEST_F(SlowWorkTest, says_nothing_of_what_is_done_soon) {
    work_.begin("reading a");
    work_.end("reading a");
    work_.end("reading b");
    io_.run();
    EXPECT_TRUE(said_.empty());
}

TEST_F(SlowWorkTest, names_each_once_and_tells_when_it_is_over) {
    work_.begin("writing a");
    work_.begin("writing b");
    work_.begin("writing a");
    io_.run();  // until nothing is left to wait for
    ASSERT_EQ(said_.size(), 2U);
    EXPECT_NE(said_[0].find("Still writing a"), std::string::npos);
    EXPECT_NE(said_[1].find("Still writing b"), std::string::npos);
    work_.end("writing b");
    ASSERT_EQ(said_.size(), 3U);
    EXPECT_TRUE(said_[2].starts_with("Done after 1."));
    EXPECT_TRUE(said_[2].ends_with("s: writing b"));
}

}  // namespace
