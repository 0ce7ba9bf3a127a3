// When a node is alone: by wish, or because nothing speaks of a cluster.
#include <gtest/gtest.h>

#include "cfs/daemon/daemon.h"

namespace {

using cfs::mode_of;

TEST(Mode, NothingOfAClusterIsLocal) {
    const cfs::Mode mode = mode_of({});
    EXPECT_TRUE(mode.local);
    EXPECT_NE(mode.line.find("no corosync.conf"), std::string::npos);
}

TEST(Mode, AnyConfigurationIsACluster) {
    EXPECT_FALSE(mode_of({.host_config = true}).local);
    EXPECT_FALSE(mode_of({.tree_config = true}).local);
    EXPECT_EQ(mode_of({.host_config = true}).line, "");
}

// A lost file must not make a member of a cluster writable alone.
TEST(Mode, FilesOfAClusterStayReadOnlyWithoutConfiguration) {
    const cfs::Mode mode = mode_of({.was_in_cluster = true});
    EXPECT_FALSE(mode.local);
    EXPECT_NE(mode.line.find("read-only"), std::string::npos);
}

TEST(Mode, AskedForAlwaysIs) {
    EXPECT_TRUE(mode_of({.asked = true, .host_config = true}).local);
    const cfs::Mode mode = mode_of({.asked = true, .was_in_cluster = true});
    EXPECT_TRUE(mode.local);
    EXPECT_NE(mode.line.find("put aside"), std::string::npos);
}

}  // namespace
