// The command line of cfsd and the paths that follow from it.
#include "cfs/daemon/options.h"

#include <vector>

#include <gtest/gtest.h>

#include "cfs/daemon/exit_codes.h"

namespace {

using cfs::CommandLine;
using cfs::CommandLineExit;

std::variant<CommandLine, CommandLineExit> parse(std::vector<std::string> words) {
    std::string name = "cfsd";
    std::vector<char*> arguments{name.data()};
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    return cfs::parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CfsdOptions, DefaultsAreThoseOfTheHouse) {
    const auto line = std::get<CommandLine>(parse({}));
    EXPECT_EQ(line.mount_path(), "/etc/pve");
    EXPECT_EQ(line.database_path(), "/var/lib/pve-cluster/cfs.db");
    EXPECT_EQ(line.backup_directory(), "/var/lib/pve-cluster/backup");
    EXPECT_EQ(line.pid_path(), "/run/cfsd.pid");
    EXPECT_EQ(line.corosync_conf(), "/etc/corosync/corosync.conf");
    EXPECT_EQ(line.door_suffix(), "");
    EXPECT_FALSE(line.foreground || line.local || line.debug);
}

TEST(CfsdOptions, RootMovesEverything) {
    const auto line = std::get<CommandLine>(parse({"--root", "/r", "-f", "-l", "-d"}));
    EXPECT_EQ(line.mount_path(), "/r/etc/pve");
    EXPECT_EQ(line.database_path(), "/r/var/lib/pve-cluster/cfs.db");
    EXPECT_EQ(line.pid_path(), "/r/run/cfsd.pid");
    EXPECT_EQ(line.door_suffix(), "@:r");
    EXPECT_TRUE(line.foreground && line.local && line.debug);
}

TEST(CfsdOptions, EveryMountHasALockOfItsOwn) {
    const auto a = std::get<CommandLine>(parse({"--mount", "/a/b"}));
    const auto b = std::get<CommandLine>(parse({"--mount", "/a/c", "--database", "/x/y.db"}));
    EXPECT_EQ(a.pid_path(), "/run/cfsd-a-b.pid");
    EXPECT_NE(a.pid_path(), b.pid_path());
    EXPECT_EQ(b.backup_directory(), "/x/backup");
}

TEST(CfsdOptions, MistakesAreUsage) {
    EXPECT_EQ(std::get<CommandLineExit>(parse({"--nonsense"})).status, cfs::kExitUsage);
    EXPECT_EQ(std::get<CommandLineExit>(parse({"--help"})).status, 0);
}

}  // namespace
