// Locks: directories in priv/lock (cfs.md 4.2; section 11 row 15).
#include <gtest/gtest.h>

#include "cfs/core/lock_timers.h"
#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using std::chrono::seconds;
using testing::Replica;

class Locks : public ::testing::Test {
  protected:
    Locks() {
        fs.mkdirs("priv/lock");
        fs.node = NodeId{2};
        EXPECT_EQ(fs.mkdir("priv/lock/x"), Errno::kOk);
    }
    Errno unlock(std::uint64_t version) {
        return fs.apply(Unlock{fs.inode("priv/lock/x"), version}).outcome.error;
    }
    std::uint64_t version() const { return fs.entry("priv/lock/x")->version; }
    Replica fs;
};

TEST_F(Locks, TakenOnce) {
    fs.node = NodeId{1};
    EXPECT_EQ(fs.mkdir("priv/lock/x"), Errno::kExists);
}

TEST_F(Locks, RefreshedForwardByItsWriterOnly) {
    EXPECT_EQ(fs.set_time("priv/lock/x", 1000), Errno::kOk);
    EXPECT_EQ(fs.set_time("priv/lock/x", 1001), Errno::kOk);
    EXPECT_EQ(fs.set_time("priv/lock/x", 1000), Errno::kAccess);
    EXPECT_EQ(fs.set_time("priv/lock/x", 0), Errno::kAccess);
    fs.node = NodeId{1};
    EXPECT_EQ(fs.set_time("priv/lock/x", 2000), Errno::kAccess);
    EXPECT_EQ(fs.entry("priv/lock/x")->mtime, 1001U);
}

TEST_F(Locks, ReleasedByItsHolderOnly) {
    fs.node = NodeId{1};
    EXPECT_EQ(fs.rmdir("priv/lock/x"), Errno::kAccess);
    fs.node = NodeId{2};
    EXPECT_EQ(fs.create("priv/lock/x/f"), Errno::kOk);
    EXPECT_EQ(fs.rmdir("priv/lock/x"), Errno::kNotEmpty);
    EXPECT_EQ(fs.unlink("priv/lock/x/f"), Errno::kOk);
    EXPECT_EQ(fs.rmdir("priv/lock/x"), Errno::kOk);
}

TEST_F(Locks, NothingIsRenamedIntoOrOutOfThem) {
    fs.create("f");
    fs.mkdir("d");
    fs.create("priv/lock/x/f");
    EXPECT_EQ(fs.rename("priv/lock/x", "y"), Errno::kAccess);
    EXPECT_EQ(fs.rename("priv/lock/x", "priv/lock/y"), Errno::kAccess);
    EXPECT_EQ(fs.rename("d", "priv/lock/y"), Errno::kAccess);
    EXPECT_EQ(fs.rename("f", "priv/lock/x/g"), Errno::kAccess);
    EXPECT_EQ(fs.rename("priv/lock/x/f", "g"), Errno::kAccess);
    EXPECT_EQ(fs.rename("priv/lock/x/f", "priv/lock/x/g"), Errno::kAccess);
}

TEST_F(Locks, AskingChangesNothing) {
    const Digest before = fs.state.tree().summary().digest;
    const auto asked = fs.apply(RequestUnlock{fs.inode("priv/lock/x"), version()});
    EXPECT_EQ(asked.outcome.error, Errno::kAccess);
    EXPECT_EQ(fs.state.tree().summary().digest, before);
}

TEST_F(Locks, UnlockedOnlyAsTheyWereSeen) {
    const std::uint64_t seen = version();
    fs.set_time("priv/lock/x", 1001);
    fs.node = NodeId{1};
    EXPECT_EQ(unlock(seen), Errno::kStale);
    EXPECT_TRUE(fs.has("priv/lock/x"));
    EXPECT_EQ(unlock(version()), Errno::kOk);
    EXPECT_FALSE(fs.has("priv/lock/x"));
    EXPECT_EQ(unlock(seen), Errno::kStale);
}

TEST_F(Locks, UnlockIsForLocks) {
    fs.mkdir("d");
    const EntryRef directory = fs.entry("d");
    EXPECT_EQ(fs.apply(Unlock{directory->inode, directory->version}).outcome.error, Errno::kAccess);
    fs.create("priv/lock/x/f");
    EXPECT_EQ(unlock(version()), Errno::kNotEmpty);
}

TEST_F(Locks, TimersRunFromWhenAVersionWasFirstSeen) {
    LockTimers timers;
    const totem::Instant start{};
    const Inode inode = fs.inode("priv/lock/x");
    const std::uint64_t first = version();
    timers.look(start, fs.state.tree());
    EXPECT_FALSE(timers.expired(start + seconds(119), inode, first));
    // Looking again restarts nothing, a refresh does.
    timers.look(start + seconds(100), fs.state.tree());
    EXPECT_TRUE(timers.expired(start + seconds(120), inode, first));
    fs.set_time("priv/lock/x", 1001);
    timers.look(start + seconds(110), fs.state.tree());
    EXPECT_FALSE(timers.expired(start + seconds(200), inode, first));
    EXPECT_FALSE(timers.expired(start + seconds(229), inode, version()));
    EXPECT_TRUE(timers.expired(start + seconds(230), inode, version()));
    fs.rmdir("priv/lock/x");
    timers.look(start + seconds(231), fs.state.tree());
    EXPECT_FALSE(timers.expired(start + seconds(999), inode, first));
}

}  // namespace
}  // namespace cfs
