// The texts of the virtual files, byte for byte (cfs.md section 5), and the counters in them.
#include "cfs/fuse/view_text.h"

#include <nlohmann/json.hpp>
#include <string>

#include <gtest/gtest.h>

#include "cfs/fuse/open_files.h"
#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::Replica;

class Versions : public ::testing::Test {
  protected:
    // After something was done to `tree`.
    void publish() {
        TreeView next = tree.state.snapshot();
        std::vector<Changed> changed;
        for (const TreeChange& one : tree.state.take_batch().changes) {
            changed.push_back({one.inode, {}, {}, {}, {}});
        }
        versions.on_published(before, next, changed);
        before = std::move(next);
    }
    std::uint64_t count(std::string_view path) const {
        for (std::size_t i = 0; i < PathVersions::kWatched.size(); ++i) {
            if (PathVersions::kWatched.at(i) == path) {
                return versions.count(i);
            }
        }
        return 0;
    }

    Replica tree;
    TreeView before = tree.state.snapshot();
    PathVersions versions;
};

TEST_F(Versions, CountEveryChangeAtThePath) {
    tree.mkdirs("priv");
    publish();
    EXPECT_EQ(count("user.cfg"), 1U);
    tree.create("user.cfg");
    publish();
    EXPECT_EQ(count("user.cfg"), 2U);
    tree.write("user.cfg", "x");
    publish();
    EXPECT_EQ(count("user.cfg"), 3U);
    tree.put("priv/tfa.cfg.new", "x");
    publish();
    EXPECT_EQ(count("priv/tfa.cfg"), 1U);
    tree.rename("priv/tfa.cfg.new", "priv/tfa.cfg");
    publish();
    EXPECT_EQ(count("priv/tfa.cfg"), 2U);
    tree.rename("user.cfg", "elsewhere");
    publish();
    EXPECT_EQ(count("user.cfg"), 4U);
    tree.unlink("priv/tfa.cfg");
    publish();
    EXPECT_EQ(count("priv/tfa.cfg"), 3U);
    EXPECT_EQ(versions.guests(), 1U);
}

TEST_F(Versions, CountGuests) {
    tree.mkdirs("nodes/n1/qemu-server");
    tree.mkdirs("nodes/n2/qemu-server");
    publish();
    EXPECT_EQ(guests_text(before, versions), "{\n\"version\": 1\n}\n");
    tree.put("nodes/n1/qemu-server/100.conf", "x");
    publish();
    EXPECT_EQ(guests_text(before, versions),
              "{\n\"version\": 2,\n\"ids\": {\n"
              "\"100\": { \"node\": \"n1\", \"type\": \"qemu\", \"version\": 2 }}\n\n}\n");
    tree.put("nodes/n1/qemu-server/notes.txt", "x");
    publish();
    EXPECT_EQ(versions.guests(), 2U);
    tree.rename("nodes/n1/qemu-server/100.conf", "nodes/n2/qemu-server/100.conf");
    publish();
    EXPECT_NE(guests_text(before, versions).find("\"node\": \"n2\""), std::string::npos);
    const std::uint64_t moved = versions.guest(100);
    EXPECT_GT(moved, 2U);
    tree.write("nodes/n2/qemu-server/100.conf", "y");
    publish();
    EXPECT_GT(versions.guest(100), moved);
    tree.unlink("nodes/n2/qemu-server/100.conf");
    publish();
    EXPECT_EQ(versions.guest(100), 1U);
}

TEST_F(Versions, AreOneJsonObjectWithALineForEach) {
    ClusterInfo cluster{"c", 7, 3, true, {}, {}};
    cluster.status_versions = {{"n1", {{"tasklist", 4}, {"kv/x", 0}}}, {"n2", {{"nodeip", 1}}}};
    const std::string text = version_text(123, cluster, versions);
    EXPECT_TRUE(
        text.starts_with("{\n\"starttime\": 123,\n\"clinfo\": 7,\n\"vmlist\": 1,\n"
                         "\"corosync.conf\": 1,\n"));
    const auto json = nlohmann::json::parse(text);
    EXPECT_EQ(json.size(), 3U + 43U + 1U);
    EXPECT_EQ(json["sdn/.running-config"], 1);
    EXPECT_EQ(json["kvstore"]["n1"]["tasklist"], 4);
    EXPECT_EQ(json["kvstore"]["n2"]["nodeip"], 1);
}

TEST(ViewText, MembersAsInTheReference) {
    ClusterInfo cluster{"pmtest", 7, 1, true, {}, {}};
    cluster.nodes = {{"n1", NodeId{1}, true, "10.79.0.1"},
                     {"n2", NodeId{2}, true, "10.79.0.2"},
                     {"n3", NodeId{3}, true, "10.79.0.3"}};
    EXPECT_EQ(members_text("n1", cluster),
              "{\n\"nodename\": \"n1\",\n\"version\": 7,\n"
              "\"cluster\": { \"name\": \"pmtest\", \"version\": 1, \"nodes\": 3, \"quorate\": 1 "
              "},\n"
              "\"nodelist\": {\n"
              "  \"n1\": { \"id\": 1, \"online\": 1, \"ip\": \"10.79.0.1\"},\n"
              "  \"n2\": { \"id\": 2, \"online\": 1, \"ip\": \"10.79.0.2\"},\n"
              "  \"n3\": { \"id\": 3, \"online\": 1, \"ip\": \"10.79.0.3\"}\n  }\n}\n");
    cluster.nodes = {{"n\"1", NodeId{1}, false, {}}};
    cluster.quorate = false;
    const auto json = nlohmann::json::parse(members_text("n1", cluster));
    EXPECT_EQ(json["nodelist"]["n\"1"]["online"], 0);
    EXPECT_FALSE(json["nodelist"]["n\"1"].contains("ip"));
    EXPECT_EQ(json["cluster"]["quorate"], 0);
    EXPECT_EQ(members_text("n1", {}), "{\n\"nodename\": \"n1\",\n\"version\": 0\n}\n");
}

TEST(ViewText, StatusSaysWhyAndForWhom) {
    Replica tree;
    tree.put("a", "abc");
    Status status;
    status.obstacle = Obstacle::kInsufficient;
    status.waiting_for = {NodeId{2}, NodeId{3}};
    status.epoch = 9;
    status.synced = {NodeId{1}};
    auto json = nlohmann::json::parse(status_text(status, tree.state.tree()));
    EXPECT_EQ(json["writable"], false);
    EXPECT_EQ(json["obstacle"], "insufficient");
    EXPECT_EQ(json["waiting_for"], nlohmann::json({2, 3}));
    EXPECT_EQ(json["epoch"], 9);
    EXPECT_EQ(json["bytes"]["used"], 3);
    EXPECT_EQ(json["version"], 3);
    status.obstacle = Obstacle::kStopped;  // the last one has a word too
    json = nlohmann::json::parse(status_text(status, tree.state.tree()));
    EXPECT_EQ(json["obstacle"], "stopped");
}

TEST(ViewText, AnEmptyLogIsValid) {
    EXPECT_EQ(nlohmann::json::parse(empty_log_text())["data"].size(), 0U);
}

TEST(ViewText, QuotesWhatIsNoText) {
    EXPECT_EQ(json_quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\n\"");
    EXPECT_EQ(json_quoted("\xC3\xA4"), "\"\\u00e4\"");
    EXPECT_EQ(nlohmann::json::parse(json_quoted("\xFF")).get<std::string>(), "\xEF\xBF\xBD");
}

TEST(Listing, IsInOrderAndHasTheViewsInTheRoot) {
    Replica tree;
    tree.mkdirs("nodes");
    tree.create("zz");
    tree.create(".a");
    std::string names;
    for (const Listed& one : list_directory(tree.state.tree(), *tree.entry(""))) {
        names += one.name + ' ';
    }
    EXPECT_EQ(names,
              ". .. .a .clusterlog .debug .members .rrd .status .version .vmlist local lxc nodes "
              "openvz qemu-server zz ");
    const auto below = list_directory(tree.state.tree(), *tree.entry("nodes"));
    ASSERT_EQ(below.size(), 2U);
    EXPECT_EQ(below[1].inode, kKernelRoot);
}

}  // namespace
}  // namespace cfs
