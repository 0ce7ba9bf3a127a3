// The memo of the used ring number: believed only when nothing else can have used a higher one.
#include "totem/daemon/ring_number_memo.h"

#include <filesystem>
#include <fstream>
#include <linux/magic.h>
#include <string>
#include <sys/vfs.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

using totem::daemon::RingNumberMemo;

constexpr std::uint64_t kBound = 1024;

class RingNumberMemoTest : public ::testing::Test {
  protected:
    RingNumberMemoTest() : path_("/dev/shm/ring-number-test-" + std::to_string(::getpid())) {
        std::filesystem::remove(path_);
    }
    ~RingNumberMemoTest() override { std::filesystem::remove(path_); }

    // One life: a bound is made durable, then numbers are used.
    void live(std::uint64_t used) {
        RingNumberMemo memo(path_);
        memo.bound_asked(kBound);
        memo.bound_durable(kBound);
        memo.use(used);
    }

    std::string path_;
};

TEST_F(RingNumberMemoTest, knows_nothing_at_first) {
    EXPECT_FALSE(RingNumberMemo(path_).used(0));
    EXPECT_FALSE(RingNumberMemo(path_).used(kBound));
}

TEST_F(RingNumberMemoTest, a_later_life_learns_the_highest_number) {
    live(40);
    live(8);
    EXPECT_EQ(RingNumberMemo(path_).used(kBound), 40U);
}

TEST_F(RingNumberMemoTest, is_not_believed_when_the_file_holds_what_another_daemon_wrote) {
    live(40);
    EXPECT_FALSE(RingNumberMemo(path_).used(kBound + 4));
}

TEST_F(RingNumberMemoTest, protects_from_a_file_that_was_rolled_back) {
    live(40);
    EXPECT_EQ(RingNumberMemo(path_).used(4), 40U);
    EXPECT_EQ(RingNumberMemo(path_).used(39), 40U);
    EXPECT_FALSE(RingNumberMemo(path_).used(40));
}

// What the file may not hold, this does not bring back.
TEST_F(RingNumberMemoTest, a_number_that_can_only_be_damage_is_forgotten) {
    live((std::uint64_t{1} << 52U) + 1);
    EXPECT_FALSE(RingNumberMemo(path_).used(kBound));
}

TEST_F(RingNumberMemoTest, a_death_while_the_bound_was_written_leaves_either) {
    live(40);
    RingNumberMemo(path_).bound_asked(2 * kBound);
    EXPECT_EQ(RingNumberMemo(path_).used(kBound), 40U);
    EXPECT_EQ(RingNumberMemo(path_).used(2 * kBound), 40U);
}

TEST_F(RingNumberMemoTest, is_forgotten_with_the_boot) {
    live(40);
    {
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file << "another boot";
    }
    EXPECT_FALSE(RingNumberMemo(path_).used(kBound));
}

TEST_F(RingNumberMemoTest, a_file_of_another_size_is_made_anew) {
    std::ofstream(path_) << "short";
    EXPECT_FALSE(RingNumberMemo(path_).used(kBound));
    live(40);
    EXPECT_EQ(RingNumberMemo(path_).used(kBound), 40U);
}

TEST_F(RingNumberMemoTest, works_without_a_place) {
    const std::string nowhere = "/dev/shm/no/such/place";
    RingNumberMemo(nowhere).use(40);
    EXPECT_FALSE(RingNumberMemo(nowhere).used(kBound));
}

// A write to it must not wait for a disk.
TEST_F(RingNumberMemoTest, remembers_nothing_on_a_disk) {
    struct statfs here {};
    if (::statfs(".", &here) != 0 || here.f_type == TMPFS_MAGIC) {
        GTEST_SKIP() << "the current directory is in memory";
    }
    const std::string on_disk = "ring-number-test";
    RingNumberMemo memo(on_disk);
    memo.bound_asked(kBound);
    memo.use(40);
    EXPECT_FALSE(memo.used(kBound));
    EXPECT_FALSE(std::filesystem::exists(on_disk));
}

}  // namespace
