// The lines that administrators and their scripts search the log for, letter by letter.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <gtest/gtest.h>

#include "totem/daemon/log.h"
#include "totem/daemon/notice_text.h"

namespace {

using totem::NodeId;
using totem::daemon::format_line;
using totem::daemon::Log;
using totem::daemon::LogLine;
using totem::daemon::Severity;
using totem::daemon::to_lines;
using totem::group::Notice;

std::vector<NodeId> nodes(std::initializer_list<std::uint32_t> ids) {
    std::vector<NodeId> result;
    for (const std::uint32_t id : ids) {
        result.push_back(NodeId{id});
    }
    return result;
}

std::vector<std::string> lines_of(const Notice& notice) {
    std::vector<std::string> lines;
    for (const LogLine& line : to_lines(notice)) {
        lines.push_back(format_line({}, line.severity, line.subsystem, line.text));
    }
    return lines;
}

using Lines = std::vector<std::string>;

TEST(LogLine, is_padded_as_corosync_pads_it) {
    EXPECT_EQ(format_line("Nov 22 08:11:47.003", Severity::kNotice, "TOTEM", "x"),
              "Nov 22 08:11:47.003 notice  [TOTEM ] x");
    EXPECT_EQ(format_line({}, Severity::kWarning, "QB", "x"), "warning [QB    ] x");
    EXPECT_EQ(format_line({}, Severity::kError, "QUORUM", "x"), "error   [QUORUM] x");
}

TEST(NoticeText, membership) {
    Notice notice;
    notice.kind = Notice::Kind::kMembershipFormed;
    notice.ring = {NodeId{1}, 0x5b};
    notice.nodes = nodes({3});
    EXPECT_EQ(lines_of(notice),
              Lines{"notice  [TOTEM ] A new membership (1.5b) was formed. Members joined: 3"});
    notice.nodes.clear();
    notice.others = nodes({2, 4});
    EXPECT_EQ(lines_of(notice),
              Lines{"notice  [TOTEM ] A new membership (1.5b) was formed. Members left: 2 4"});
}

TEST(NoticeText, synchronisation) {
    Notice notice;
    notice.kind = Notice::Kind::kSyncStarted;
    notice.nodes = nodes({1, 3});
    notice.more = nodes({2});
    EXPECT_EQ(lines_of(notice),
              (Lines{"notice  [QUORUM] Sync members[2]: 1 3", "notice  [QUORUM] Sync left[1]: 2"}));
    notice.kind = Notice::Kind::kSyncCompleted;
    EXPECT_EQ(lines_of(notice),
              Lines{"notice  [MAIN  ] Completed service synchronization, ready to "
                    "provide service."});
}

TEST(NoticeText, quorum) {
    Notice notice;
    notice.kind = Notice::Kind::kQuorumGained;
    EXPECT_EQ(lines_of(notice),
              Lines{"notice  [QUORUM] This node is within the primary component and "
                    "will provide service."});
    notice.kind = Notice::Kind::kQuorumLost;
    EXPECT_EQ(lines_of(notice),
              Lines{"notice  [QUORUM] This node is within the non-primary component and will NOT "
                    "provide any services."});
    notice.kind = Notice::Kind::kQuorumMembers;
    notice.nodes = nodes({1, 2, 3});
    EXPECT_EQ(lines_of(notice), Lines{"notice  [QUORUM] Members[3]: 1 2 3"});
}

TEST(NoticeText, ends_of_nodes) {
    Notice notice;
    notice.kind = Notice::Kind::kKilledByNode;
    notice.node = NodeId{1};
    notice.text = "Killed by corosync-cfgtool";
    EXPECT_EQ(lines_of(notice),
              Lines{"notice  [CFG   ] Killed by node 1 : Killed by corosync-cfgtool"});
    notice.kind = Notice::Kind::kNodeShutDown;
    EXPECT_EQ(lines_of(notice), Lines{"notice  [CFG   ] Node 1 was shut down by sysadmin"});
}

class LogFileTest : public ::testing::Test {
  protected:
    LogFileTest() {
        std::string name = "/tmp/log-test-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        config_.target.to_stderr = false;
        config_.target.to_syslog = false;
        config_.target.to_logfile = true;
        config_.target.logfile = file();
        config_.timestamp = totem::config::LogTimestamp::kOff;
    }
    ~LogFileTest() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string file() const { return directory_ + "/log"; }
    [[nodiscard]] std::string content() const {
        std::ifstream in(file());
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::string directory_;
    totem::config::LoggingConfig config_;
};

TEST_F(LogFileTest, writes_from_the_configured_priority_on) {
    {
        Log log;
        config_.subsystems.push_back({"TOTEM", {}});
        config_.subsystems.back().target.debug = totem::config::LogDebug::kOn;
        EXPECT_EQ(log.configure(config_), "");
        log.go_to_background();
        log.write(Severity::kInfo, "MAIN", "shown");
        log.write(Severity::kDebug, "MAIN", "hidden");
        log.write(Severity::kDebug, "TOTEM", "shown too");
        EXPECT_TRUE(log.wants(Severity::kDebug, "TOTEM"));
        EXPECT_FALSE(log.wants(Severity::kDebug, "MAIN"));
    }
    EXPECT_EQ(content(), "info    [MAIN  ] shown\ndebug   [TOTEM ] shown too\n");
}

TEST_F(LogFileTest, goes_on_in_a_new_file_after_rotation) {
    Log log;
    EXPECT_EQ(log.configure(config_), "");
    log.write(Severity::kInfo, "MAIN", "old");
    std::filesystem::rename(file(), file() + ".1");
    EXPECT_EQ(log.reopen(), "");
    log.write(Severity::kInfo, "MAIN", "new");
    EXPECT_EQ(content(), "info    [MAIN  ] new\n");
}

TEST_F(LogFileTest, a_file_that_cannot_be_opened_is_refused_and_the_old_one_kept) {
    Log log;
    EXPECT_EQ(log.configure(config_), "");
    config_.target.logfile = directory_ + "/none/log";
    EXPECT_EQ(log.configure(config_), "Can't open logfile '" + directory_ +
                                          "/none/log' for reason: No such file or directory (2).");
    log.write(Severity::kInfo, "MAIN", "still here");
    EXPECT_EQ(content(), "info    [MAIN  ] still here\n");
}

}  // namespace
