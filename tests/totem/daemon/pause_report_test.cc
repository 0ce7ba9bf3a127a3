// The line about a daemon that stood still: its words, and how often it is written.
#include "totem/daemon/pause_report.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace totem::daemon {
namespace {

using namespace std::chrono_literals;

class PauseReportTest : public ::testing::Test {
  protected:
    PauseReportTest() {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
    std::string pause(Duration at, Duration late) {
        return report_.on_pause({Instant(at), late, 500ms,
                                 std::chrono::system_clock::time_point(12h + 3min + 11250ms)});
    }
    PauseReport report_;
};

TEST_F(PauseReportTest, SaysHowLongSinceWhenAndWhatToDo) {
    EXPECT_EQ(pause(0s, 812900us),
              "totemd main process was not scheduled for 812 ms (threshold is 500 ms, the deadline "
              "was 12:03:11.250); the token may be lost. Consider token timeout increase.");
}

TEST_F(PauseReportTest, IsSilentAboutAsShortOnesForAWhileAndCountsThem) {
    EXPECT_FALSE(pause(0s, 900ms).empty());
    EXPECT_TRUE(pause(2s, 700ms).empty());
    EXPECT_TRUE(pause(9s, 900ms).empty());
    const std::string next = pause(10s, 600ms);
    EXPECT_NE(next.find("for 600 ms"), std::string::npos) << next;
    EXPECT_NE(next.find("So it was 2 times before"), std::string::npos) << next;
    EXPECT_TRUE(pause(11s, 600ms).empty());
    EXPECT_EQ(pause(30s, 600ms).find("3 times"), std::string::npos);
}

TEST_F(PauseReportTest, TellsOfALongerOneAtOnce) {
    EXPECT_FALSE(pause(0s, 600ms).empty());
    EXPECT_FALSE(pause(1s, 601ms).empty());
    EXPECT_TRUE(pause(2s, 600ms).empty());
}

}  // namespace
}  // namespace totem::daemon
