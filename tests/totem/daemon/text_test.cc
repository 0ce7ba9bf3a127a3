// The lines that administrators and their scripts search the log for, letter by letter.
#include <gtest/gtest.h>

#include "totem/daemon/notice_text.h"

namespace {

using totem::NodeId;
using totem::daemon::LogLine;
using totem::daemon::to_lines;
using totem::group::Notice;
using totem::process::format_line;
using totem::process::Severity;

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

}  // namespace
