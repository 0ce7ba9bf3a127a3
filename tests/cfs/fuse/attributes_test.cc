// Owners, modes, numbers and errnos, without a mount.
#include "cfs/fuse/attributes.h"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "cfs/fuse/refusal.h"
#include "cfs/fuse/views.h"
#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::Replica;

struct Tree : Replica {
    Tree() {
        for (const char* path : {"priv/lock", "priv/acme", "nodes/n1/priv", "nodes/n1/qemu-server",
                                 "nodes/priv", "sub/priv", "nodes/n1/lxc/priv"}) {
            mkdirs(path);
        }
        for (const char* path : {"user.cfg", "priv/shadow.cfg", "nodes/n1/priv/key",
                                 "nodes/n1/lxc/priv/key", "sub/priv/key", "nodes/n1/100.mount",
                                 "vps.mount", "x.mount", ".mount", "priv/101.start"}) {
            create(path);
        }
    }
    mode_t mode(const std::string& path, bool writable) const {
        return permissions(state.tree(), *entry(path), writable);
    }
};

// cfs.md section 2.
TEST(Attributes, ModesFollowFromThePlace) {
    const Tree tree;
    const struct {
        const char* path;
        mode_t writable, not_writable;
    } expected[] = {
        {"", 0755, 0755},
        {"nodes", 0755, 0555},
        {"user.cfg", 0640, 0440},
        {"priv", 0700, 0500},
        {"priv/lock", 0700, 0500},
        {"priv/shadow.cfg", 0600, 0400},
        {"nodes/n1/priv", 0700, 0500},
        {"nodes/n1/priv/key", 0600, 0400},
        {"nodes/priv", 0755, 0555},  // a node of that name is none of it
        {"nodes/n1/lxc/priv/key", 0640, 0440},
        {"sub/priv/key", 0640, 0440},
        {"nodes/n1/100.mount", 0740, 0540},
        {"vps.mount", 0740, 0540},
        {"x.mount", 0640, 0440},
        {".mount", 0640, 0440},
        {"priv/101.start", 0700, 0500},
    };
    for (const auto& row : expected) {
        EXPECT_EQ(tree.mode(row.path, true), row.writable) << row.path;
        EXPECT_EQ(tree.mode(row.path, false), row.not_writable) << row.path;
    }
}

TEST(Attributes, SizesLinksAndTimes) {
    Tree tree;
    tree.put("user.cfg", std::string(513, 'x'));
    const Ownership ownership{33, true};
    const struct stat file = attributes(tree.state.tree(), *tree.entry("user.cfg"), ownership);
    EXPECT_EQ(file.st_size, 513);
    EXPECT_EQ(file.st_blocks, 2);
    EXPECT_EQ(file.st_nlink, 1U);
    EXPECT_EQ(file.st_uid, 0U);
    EXPECT_EQ(file.st_gid, 33U);
    EXPECT_EQ(file.st_mtim.tv_sec, 1000);
    EXPECT_EQ(file.st_mtim.tv_nsec, 0);
    EXPECT_EQ(file.st_ino, raw(tree.inode("user.cfg")));
    const struct stat root = attributes(tree.state.tree(), *tree.entry(""), ownership);
    EXPECT_EQ(root.st_ino, 1U);
    EXPECT_EQ(root.st_nlink, 2U + 3U);  // priv, nodes, sub
    EXPECT_EQ(root.st_mtim.tv_sec, 0);
    EXPECT_EQ(attributes(tree.state.tree(), *tree.entry("nodes/n1"), ownership).st_nlink, 5U);
    const struct stat gone = removed_attributes(*tree.entry("user.cfg"), 7, ownership);
    EXPECT_EQ(gone.st_nlink, 0U);
    EXPECT_EQ(gone.st_size, 7);
}

TEST(Attributes, NumbersOfTheKernelAreTheTreesButForTwo) {
    EXPECT_EQ(to_kernel(kRootInode), kKernelRoot);
    EXPECT_EQ(to_kernel(Inode{17}), KernelInode{17});
    for (const std::uint64_t number : {0U, 1U, 2U, 77U}) {
        EXPECT_EQ(from_kernel(to_kernel(Inode{number})), Inode{number});
    }
    EXPECT_NE(to_kernel(Inode{1}), kKernelRoot);
    EXPECT_GT(kFirstViewInode, raw(kInodeCeiling <= 1 ? Inode{} : Inode{kInodeCeiling}));
}

TEST(Attributes, ChmodMayAskForWhatIsThere) {
    const Tree tree;
    const auto allowed = [&](const char* path, mode_t mode) {
        return mode_allowed(tree.state.tree(), *tree.entry(path), mode);
    };
    EXPECT_TRUE(allowed("user.cfg", S_IFREG | 0640));
    EXPECT_FALSE(allowed("user.cfg", 0600));
    EXPECT_FALSE(allowed("user.cfg", 0644));
    EXPECT_FALSE(allowed("user.cfg", 04640));
    EXPECT_TRUE(allowed("priv/shadow.cfg", 0600));
    EXPECT_FALSE(allowed("priv/shadow.cfg", 0640));
    EXPECT_TRUE(allowed("nodes", 0640));  // as on pmxcfs
    EXPECT_TRUE(allowed("nodes", 0755));
    EXPECT_FALSE(allowed("nodes", 0700));
}

TEST(Attributes, StatisticsAreTrue) {
    Tree tree;
    const struct statvfs before = statistics(tree.state.tree());
    EXPECT_EQ(before.f_blocks * before.f_frsize, Limits{}.total_bytes_max);
    EXPECT_EQ(before.f_files - before.f_ffree, tree.state.tree().summary().inodes);
    EXPECT_EQ(before.f_namemax, 256U);
    tree.put("user.cfg", std::string(8192, 'x'));
    EXPECT_EQ(statistics(tree.state.tree()).f_bfree, before.f_bfree - 2);
}

TEST(Refusal, IsTheErrnoOfWhatBecameOfIt) {
    const auto of = [](Refusal refusal, Errno error = Errno::kOk) {
        return errno_of({refusal, {error, {}, 0}});
    };
    EXPECT_EQ(of(Refusal::kNone), 0);
    EXPECT_EQ(of(Refusal::kNone, Errno::kNotEmpty), ENOTEMPTY);
    EXPECT_EQ(of(Refusal::kNone, Errno::kStale), ESTALE);
    EXPECT_EQ(of(Refusal::kNone, Errno::kFileTooBig), EFBIG);
    EXPECT_EQ(of(Refusal::kNotWritable), EACCES);
    EXPECT_EQ(of(Refusal::kBusy), EBUSY);
    EXPECT_EQ(of(Refusal::kDiskFull), ENOSPC);
    EXPECT_EQ(of(Refusal::kUncertain), ETIMEDOUT);
    EXPECT_TRUE(may_be_repeated({Refusal::kBusy, {}}));
    EXPECT_FALSE(may_be_repeated({Refusal::kUncertain, {}}));
    EXPECT_FALSE(may_be_repeated({Refusal::kNone, {Errno::kNoSpace, {}, 0}}));
}

TEST(Views, AreFoundByNameAndNumber) {
    for (const ViewEntry& one : views()) {
        EXPECT_EQ(find_view(one.name), &one);
        EXPECT_EQ(find_view(kernel_inode(one.kind)), &one);
        EXPECT_TRUE(is_view(one.name)) << "the tree would store " << one.name;
    }
    EXPECT_EQ(find_view(".nothing"), nullptr);
    EXPECT_EQ(find_view(KernelInode{5}), nullptr);
    EXPECT_EQ(find_view(KernelInode{kFirstViewInode + 99}), nullptr);
    EXPECT_EQ(link_target(ViewKind::kLocal, "n1"), "nodes/n1");
    EXPECT_EQ(link_target(ViewKind::kQemu, "n1"), "nodes/n1/qemu-server");
}

TEST(Views, DebugTakesTwoTexts) {
    EXPECT_EQ(parse_debug("1\n", 0), true);
    EXPECT_EQ(parse_debug("0\n", 0), false);
    EXPECT_EQ(parse_debug("1", 0), std::nullopt);
    EXPECT_EQ(parse_debug("2\n", 0), std::nullopt);
    EXPECT_EQ(parse_debug("1\n", 2), std::nullopt);
}

}  // namespace
}  // namespace cfs
