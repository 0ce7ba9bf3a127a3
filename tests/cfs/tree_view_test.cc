// Reading: snapshots stand still, listings are ordered and cheap, digests tell trees apart.
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::Replica;

TEST(TreeView, ASnapshotStandsStill) {
    Replica replica;
    replica.put("a", "one");
    const TreeView before = replica.state.snapshot();
    const Summary summary = before.summary();
    replica.put("a", "two");
    replica.put("b", "three");
    replica.rename("b", "a");
    EXPECT_EQ(testing::text_of(before.resolve("a")->content), "one");
    EXPECT_EQ(before.resolve("b"), nullptr);
    EXPECT_EQ(before.summary(), summary);
    EXPECT_EQ(replica.text("a"), "three");
}

TEST(TreeView, ListsInOrderOfNameAndGoesOnAfterAName) {
    Replica replica;
    replica.mkdir("d");
    for (const char* name : {"d/b", "d/a", "d/c", "d/ab"}) {
        replica.create(name);
    }
    replica.create("e");
    EXPECT_EQ(replica.list("d"), (std::vector<std::string>{"a", "ab", "b", "c"}));
    std::vector<std::string> rest;
    replica.state.tree().visit_children(replica.inode("d"), "ab", [&](const EntryRef& entry) {
        rest.push_back(entry->name);
        return rest.size() < 1;
    });
    EXPECT_EQ(rest, std::vector<std::string>{"b"});
    EXPECT_EQ(replica.list(""), (std::vector<std::string>{"d", "e"}));
}

TEST(TreeView, CountsTheDirectoriesInADirectory) {
    Replica replica;
    replica.mkdirs("a/b/c");
    replica.create("a/file");
    for (int i = 0; i < 100; ++i) {
        replica.mkdir("a/" + std::to_string(i));
    }
    const auto count = [&](const char* path) {
        return replica.state.tree().subdirectories(replica.inode(path));
    };
    EXPECT_EQ(count(""), 1U);
    EXPECT_EQ(count("a"), 101U);
    EXPECT_EQ(count("a/b"), 1U);
    EXPECT_EQ(count("a/b/c"), 0U);
    EXPECT_EQ(count("a/file"), 0U);
    replica.rename("a/7", "a/b/7");
    replica.rmdir("a/8");
    EXPECT_EQ(count("a"), 99U);
    EXPECT_EQ(count("a/b"), 2U);
}

TEST(TreeView, PathsAndResolving) {
    Replica replica;
    replica.mkdirs("a/b");
    replica.create("a/b/c");
    const Inode inode = replica.inode("a/b/c");
    EXPECT_EQ(replica.state.tree().path_of(inode), "/a/b/c");
    EXPECT_EQ(replica.state.tree().path_of(kRootInode), "/");
    EXPECT_EQ(replica.state.tree().path_of(Inode{777}), "");
    EXPECT_EQ(replica.state.tree().resolve("//a//b/c/")->inode, inode);
    EXPECT_EQ(replica.state.tree().resolve("a/b/c/d"), nullptr);
    EXPECT_EQ(replica.state.tree().resolve("")->inode, kRootInode);
}

// cfs.md 11 row 10. Counted, not timed: as many visits as there are entries.
TEST(TreeView, ListingIsNotQuadratic) {
    Replica replica;
    replica.mkdir("d");
    for (int i = 0; i < 3000; ++i) {
        replica.create("d/" + std::to_string(i));
    }
    std::size_t visits = 0;
    std::string after;
    for (bool more = true; more;) {  // as a kernel does: a few at a time
        more = false;
        std::size_t page = 0;
        std::string last;
        replica.state.tree().visit_children(replica.inode("d"), after, [&](const EntryRef& entry) {
            ++visits;
            last = entry->name;
            more = ++page == 100;
            return !more;
        });
        after = last;
    }
    EXPECT_EQ(visits, 3000U);
}

TEST(TreeView, RangesFindWhatDiffers) {
    Replica a;
    Replica b;
    for (int i = 0; i < 200; ++i) {
        const std::string name = std::to_string(i);
        a.create(name);
        b.create(name);
    }
    EXPECT_EQ(a.state.tree().summary(), b.state.tree().summary());
    EXPECT_EQ(a.state.digest(), b.state.digest());
    b.write("77", "x");
    const Inode changed = b.inode("77");
    std::size_t questions = 0;
    std::uint64_t from = 1;  // the root differs too
    std::uint64_t to = 1024;
    while (to - from > 1) {
        ++questions;
        const std::uint64_t middle = from + (to - from) / 2;
        const bool left = a.state.tree().summary(Inode{from}, Inode{middle}) !=
                          b.state.tree().summary(Inode{from}, Inode{middle});
        (left ? to : from) = middle;
    }
    EXPECT_EQ(Inode{from}, changed);
    EXPECT_LE(questions, 10U);
}

TEST(TreeView, RangesAddUp) {
    Replica replica;
    for (int i = 0; i < 100; ++i) {
        replica.put(std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
    }
    const TreeView& tree = replica.state.tree();
    for (std::uint64_t middle = 0; middle < 210; middle += 7) {
        Summary sum = tree.summary(Inode{0}, Inode{middle});
        sum += tree.summary(Inode{middle}, Inode{100000});
        EXPECT_EQ(sum, tree.summary()) << middle;
    }
    EXPECT_EQ(tree.summary(Inode{5}, Inode{5}), Summary{});
    EXPECT_EQ(tree.summary().bytes, 99U * 100U / 2U);
    EXPECT_EQ(tree.summary().inodes, 101U);
}

}  // namespace
}  // namespace cfs
