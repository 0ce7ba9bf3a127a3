// What each operation answers and changes (cfs.md sections 2 and 3, bettered where 11 asks for it).
#include <string>

#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::Replica;

class Rules : public ::testing::Test {
  protected:
    Replica fs;

    // What is refused must leave no trace but its record.
    void refused(Errno expected, Errno got, const Digest& before) const {
        EXPECT_EQ(got, expected);
        EXPECT_EQ(fs.state.tree().summary().digest, before);
    }
    Digest digest() const { return fs.state.tree().summary().digest; }
    void set_limits(const Limits& limits) {
        ASSERT_EQ(fs.apply(SetLimits{limits}).outcome.error, Errno::kOk);
    }
};

TEST_F(Rules, AFreshTreeIsItsRoot) {
    const EntryRef root = fs.entry("/");
    EXPECT_EQ(root->version, 1U);
    EXPECT_EQ(root->mtime, 0U);
    EXPECT_TRUE(root->is_directory());
    EXPECT_EQ(fs.state.tree().summary().inodes, 1U);
}

TEST_F(Rules, CreateStampsEntryAndRootButNotTheDirectory) {
    fs.mkdir("d");
    const EntryRef directory = fs.entry("d");
    fs.time = 2000;
    fs.node = NodeId{3};
    const Applied applied = fs.apply(Create{directory->inode, "f", true});
    EXPECT_EQ(applied.outcome.error, Errno::kOk);
    const EntryRef file = fs.entry("d/f");
    EXPECT_EQ(file->version, 3U);
    EXPECT_EQ(file->inode, Inode{3});
    EXPECT_EQ(applied.outcome.inode, Inode{3});
    EXPECT_EQ(applied.outcome.version, 3U);
    EXPECT_EQ(file->writer, NodeId{3});
    EXPECT_EQ(file->mtime, 2000U);
    EXPECT_EQ(fs.entry("/")->version, 3U);
    EXPECT_EQ(fs.entry("/")->writer, NodeId{3});
    EXPECT_EQ(fs.entry("/")->mtime, 2000U);
    EXPECT_EQ(fs.entry("d"), directory);
}

TEST_F(Rules, CreateRefusals) {
    fs.create("f");
    fs.mkdir("d");
    const Digest before = digest();
    refused(Errno::kExists, fs.create("f"), before);
    refused(Errno::kExists, fs.create("d", false), before);
    refused(Errno::kNotFound, fs.create("missing/f"), before);
    refused(Errno::kNotDirectory, fs.create("f/g"), before);
    refused(Errno::kExists, fs.create("local"), before);
    refused(Errno::kExists, fs.mkdir(".version"), before);
    refused(Errno::kAccess, fs.create("d/.."), before);
    refused(Errno::kInvalid, fs.apply(Create{kRootInode, "a/b", true}).outcome.error, before);
    refused(Errno::kNameTooLong, fs.create(std::string(257, 'n')), before);
    EXPECT_EQ(fs.create("d/local"), Errno::kOk);
}

TEST_F(Rules, CreateWithoutExclusiveTakesWhatIsThere) {
    fs.put("f", "text");
    const Digest before = digest();
    const auto applied = fs.apply(Create{kRootInode, "f", false});
    EXPECT_EQ(applied.outcome.inode, fs.inode("f"));
    refused(Errno::kOk, applied.outcome.error, before);
}

TEST_F(Rules, MkdirRefusals) {
    fs.create("f");
    fs.mkdir("d");
    const Digest before = digest();
    refused(Errno::kExists, fs.mkdir("d"), before);
    refused(Errno::kExists, fs.mkdir("f"), before);
    refused(Errno::kNotFound, fs.mkdir("missing/d"), before);
    refused(Errno::kNotDirectory, fs.mkdir("f/d"), before);
}

TEST_F(Rules, WriteAndTruncate) {
    fs.create("f");
    EXPECT_EQ(fs.write("f", "hello"), Errno::kOk);
    EXPECT_EQ(fs.write("f", "J"), Errno::kOk);
    EXPECT_EQ(fs.text("f"), "Jello");
    EXPECT_EQ(fs.write("f", "!", 7), Errno::kOk);
    EXPECT_EQ(fs.text("f"), std::string("Jello\0\0!", 8));
    EXPECT_EQ(fs.truncate("f", 2), Errno::kOk);
    EXPECT_EQ(fs.text("f"), "Je");
    EXPECT_EQ(fs.truncate("f", 4), Errno::kOk);
    EXPECT_EQ(fs.text("f"), std::string("Je\0\0", 4));
    EXPECT_EQ(fs.entry("f")->version, fs.entry("/")->version);
    fs.mkdir("d");
    const Digest before = digest();
    refused(Errno::kIsDirectory, fs.write("d", "x"), before);
    refused(Errno::kIsDirectory, fs.truncate("d", 0), before);
    refused(Errno::kStale, fs.write("missing", "x"), before);
    refused(Errno::kStale, fs.truncate("missing", 0), before);
}

// cfs.md 11 rows 3 and 4.
TEST_F(Rules, AnEmptyFileGrowsAndOffsetsHave64Bits) {
    fs.create("f");
    EXPECT_EQ(fs.truncate("f", 100), Errno::kOk);
    EXPECT_EQ(fs.text("f"), std::string(100, '\0'));
    const Digest before = digest();
    refused(Errno::kFileTooBig, fs.truncate("f", 4294967301U), before);
    refused(Errno::kFileTooBig, fs.write("f", "x", std::uint64_t{1} << 32U), before);
    refused(Errno::kFileTooBig, fs.write("f", "x", ~std::uint64_t{0} - 1), before);
}

TEST_F(Rules, FileSizeIsLimited) {
    fs.create("f");
    const std::uint64_t limit = Limits{}.file_bytes_max;
    EXPECT_EQ(fs.truncate("f", limit), Errno::kOk);
    EXPECT_EQ(fs.write("f", "x", limit - 1), Errno::kOk);
    const Digest before = digest();
    refused(Errno::kFileTooBig, fs.write("f", "xy", limit - 1), before);
    refused(Errno::kFileTooBig, fs.truncate("f", limit + 1), before);
}

// cfs.md 11 row 11.
TEST_F(Rules, TotalSizeAndInodesAreLimited) {
    Limits limits;
    limits.total_bytes_max = 10;
    limits.inodes_max = 4;
    set_limits(limits);
    fs.put("a", "12345");
    fs.put("b", "12345");
    const Digest before = digest();
    refused(Errno::kNoSpace, fs.write("b", "123456"), before);
    refused(Errno::kNoSpace, fs.truncate("b", 6), before);
    EXPECT_EQ(fs.truncate("a", 4), Errno::kOk);
    EXPECT_EQ(fs.write("b", "123456"), Errno::kOk);
    EXPECT_EQ(fs.mkdir("d"), Errno::kOk);
    const Digest full = digest();
    refused(Errno::kNoSpace, fs.create("e"), full);
    refused(Errno::kNoSpace, fs.mkdir("e"), full);
    EXPECT_EQ(fs.rename("a", "b"), Errno::kOk);
    EXPECT_EQ(fs.create("e"), Errno::kOk);
}

TEST_F(Rules, ALoweredLimitKeepsWhatIsThere) {
    fs.put("f", "0123456789");
    Limits limits;
    limits.file_bytes_max = 4;
    set_limits(limits);
    EXPECT_EQ(fs.write("f", "x", 9), Errno::kOk);
    EXPECT_EQ(fs.write("f", "x", 10), Errno::kFileTooBig);
    EXPECT_EQ(fs.truncate("f", 6), Errno::kOk);
    EXPECT_EQ(fs.truncate("f", 7), Errno::kFileTooBig);
    limits.file_bytes_max = kFileBytesCeiling + 1;
    EXPECT_EQ(fs.apply(SetLimits{limits}).outcome.error, Errno::kInvalid);
}

TEST_F(Rules, UnlinkAndRmdir) {
    fs.mkdirs("d/e");
    fs.create("f");
    const Digest before = digest();
    refused(Errno::kNotFound, fs.unlink("missing"), before);
    refused(Errno::kIsDirectory, fs.unlink("d"), before);
    refused(Errno::kNotDirectory, fs.rmdir("f"), before);
    refused(Errno::kNotEmpty, fs.rmdir("d"), before);
    refused(Errno::kNotFound, fs.rmdir("missing"), before);
    refused(Errno::kNotDirectory, fs.unlink("f/x"), before);
    refused(Errno::kAccess, fs.unlink(".members"), before);
    refused(Errno::kAccess, fs.rmdir("local"), before);
    EXPECT_EQ(fs.rmdir("d/e"), Errno::kOk);
    EXPECT_EQ(fs.rmdir("d"), Errno::kOk);
    EXPECT_EQ(fs.unlink("f"), Errno::kOk);
    EXPECT_EQ(fs.state.tree().summary().inodes, 1U);
    EXPECT_EQ(fs.entry("/")->version, fs.state.tree().version());
}

TEST_F(Rules, RenameMovesAndReplaces) {
    fs.mkdir("d");
    fs.put("f", "one");
    fs.put("d/g", "two");
    const Inode inode = fs.inode("f");
    fs.time = 3000;
    EXPECT_EQ(fs.rename("f", "d/g"), Errno::kOk);
    EXPECT_EQ(fs.text("d/g"), "one");
    EXPECT_EQ(fs.inode("d/g"), inode);
    EXPECT_EQ(fs.entry("d/g")->mtime, 3000U);
    EXPECT_FALSE(fs.has("f"));
    EXPECT_EQ(fs.state.tree().summary().inodes, 3U);
    EXPECT_EQ(fs.state.tree().summary().bytes, 3U);
    const Digest before = digest();
    refused(Errno::kOk, fs.rename("d/g", "d/g"), before);
}

TEST_F(Rules, RenameRefusals) {
    fs.mkdirs("full/x");
    fs.mkdir("empty");
    fs.create("f");
    const Digest before = digest();
    refused(Errno::kNotFound, fs.rename("missing", "g"), before);
    refused(Errno::kNotFound, fs.rename("f", "missing/g"), before);
    refused(Errno::kNotDirectory, fs.rename("f", "f/g"), before);
    refused(Errno::kIsDirectory, fs.rename("f", "empty"), before);
    refused(Errno::kNotDirectory, fs.rename("empty", "f"), before);
    refused(Errno::kNotEmpty, fs.rename("full", "other"), before);
    refused(Errno::kNotEmpty, fs.rename("empty", "full"), before);
    refused(Errno::kInvalid, fs.rename("empty", "empty/x"), before);
    refused(Errno::kAccess, fs.rename("local", "g"), before);
    refused(Errno::kAccess, fs.rename("f", ".version"), before);
    refused(Errno::kAccess, fs.rename("f", "full/.."), before);
    refused(Errno::kNameTooLong, fs.rename("f", std::string(300, 'n')), before);
}

// cfs.md 11 row 2, the three commands that bricked every node: mkdir a b; touch a/x; mv -T a b.
TEST_F(Rules, RenameOfAFullDirectoryLeavesAnEmptyTargetAlone) {
    fs.mkdir("a");
    fs.mkdir("b");
    fs.create("a/x");
    const Digest before = digest();
    refused(Errno::kNotEmpty, fs.rename("a", "b"), before);
    EXPECT_TRUE(fs.has("b"));
    refused(Errno::kExists, fs.mkdir("b"), before);
}

TEST_F(Rules, EmptyDirectoriesMove) {
    fs.mkdir("a");
    fs.mkdir("b");
    EXPECT_EQ(fs.rename("a", "b"), Errno::kOk);
    EXPECT_EQ(fs.rename("b", "c"), Errno::kOk);
    EXPECT_EQ(fs.list(""), std::vector<std::string>{"c"});
}

TEST_F(Rules, SetTime) {
    fs.put("f", "x");
    fs.mkdir("d");
    fs.time = 5000;
    EXPECT_EQ(fs.set_time("f", 42), Errno::kOk);
    EXPECT_EQ(fs.entry("f")->mtime, 42U);
    EXPECT_EQ(fs.entry("/")->mtime, 5000U);
    EXPECT_EQ(fs.set_time("d", 0), Errno::kOk);
    EXPECT_EQ(fs.set_time("/", 1), Errno::kAccess);
    EXPECT_EQ(fs.set_time("missing", 1), Errno::kStale);
}

// An inode is named, so a write lands in the file that its sender meant, wherever it is by then.
TEST_F(Rules, AWriteFollowsARename) {
    fs.put("f", "x");
    const Inode inode = fs.inode("f");
    fs.rename("f", "g");
    fs.put("f", "other");
    const auto data = testing::bytes_of("y");
    EXPECT_EQ(fs.apply(Write{inode, {{0, data}}}).outcome.error, Errno::kOk);
    EXPECT_EQ(fs.text("g"), "y");
    EXPECT_EQ(fs.text("f"), "other");
}

}  // namespace
}  // namespace cfs
