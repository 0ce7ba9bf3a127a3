// The ring id file: whatever is left of it, no number of an earlier life comes back.
#include "totem/daemon/ring_id_store.h"

#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

using totem::NodeId;
using totem::daemon::read_ring_id;
using totem::daemon::RingIdStore;
using totem::daemon::write_ring_id;

const auto kNow =
    std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'000));
constexpr NodeId kSelf{7};

class RingIdFileTest : public ::testing::Test {
  protected:
    RingIdFileTest() {
        std::string name = "/tmp/ringid-test-XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    ~RingIdFileTest() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string path() const { return directory_ + "/ringid_7"; }
    void put(const std::string& bytes) const { std::ofstream(path(), std::ios::binary) << bytes; }

    std::string directory_;
};

TEST_F(RingIdFileTest, reads_back_what_was_written) {
    EXPECT_EQ(write_ring_id(directory_, kSelf, 0x1234567890ULL), "");
    const auto read = read_ring_id(directory_, kSelf, kNow);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->seq, 0x1234567890ULL);
    EXPECT_FALSE(read->invented);
    EXPECT_EQ(std::filesystem::file_size(path()), 8U);
    EXPECT_FALSE(std::filesystem::exists(path() + ".new"));
}

TEST_F(RingIdFileTest, takes_over_the_file_of_the_daemon_that_it_replaces) {
    const std::uint64_t seq = 92;
    put(std::string(reinterpret_cast<const char*>(&seq), sizeof seq));
    EXPECT_EQ(read_ring_id(directory_, kSelf, kNow)->seq, 92U);
}

TEST_F(RingIdFileTest, invents_a_high_number_when_there_is_none) {
    const auto missing = read_ring_id(directory_, kSelf, kNow);
    ASSERT_TRUE(missing);
    EXPECT_TRUE(missing->invented);
    EXPECT_EQ(missing->seq, 1'700'000'000'000U);
    for (const std::string& torn : {std::string(), std::string("abc"), std::string(7, 'x'),
                                    std::string(9, 'x'), std::string(8, '\0')}) {
        put(torn);
        const auto read = read_ring_id(directory_, kSelf, kNow);
        ASSERT_TRUE(read);
        EXPECT_TRUE(read->invented) << torn.size();
    }
}

TEST_F(RingIdFileTest, a_file_of_another_node_is_not_ours) {
    EXPECT_EQ(write_ring_id(directory_, NodeId{8}, 5), "");
    EXPECT_TRUE(read_ring_id(directory_, kSelf, kNow)->invented);
}

TEST_F(RingIdFileTest, a_crash_while_writing_leaves_the_old_number) {
    EXPECT_EQ(write_ring_id(directory_, kSelf, 100), "");
    std::ofstream(path() + ".new", std::ios::binary) << "half";
    EXPECT_EQ(read_ring_id(directory_, kSelf, kNow)->seq, 100U);
    EXPECT_EQ(write_ring_id(directory_, kSelf, 200), "");
    EXPECT_EQ(read_ring_id(directory_, kSelf, kNow)->seq, 200U);
}

TEST_F(RingIdFileTest, says_what_cannot_be_done) {
    EXPECT_NE(write_ring_id(directory_ + "/none", kSelf, 1).find("/none/ringid_7.new"),
              std::string::npos);
    std::filesystem::create_directory(path());
    EXPECT_FALSE(read_ring_id(directory_, kSelf, kNow));
}

TEST_F(RingIdFileTest, the_store_reports_each_number_after_it_is_in_the_file) {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t last = 0;
    bool always_there = true;
    {
        RingIdStore store(directory_, kSelf, [&](std::uint64_t seq, const std::string& problem) {
            const std::lock_guard lock(mutex);
            always_there = always_there && problem.empty() &&
                           read_ring_id(directory_, kSelf, kNow)->seq == seq && seq > last;
            last = seq;
            changed.notify_one();
        });
        for (std::uint64_t seq = 1; seq <= 50; ++seq) {
            store.persist(seq * 4);
        }
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return last == 200; }));
    }
    EXPECT_TRUE(always_there);
}

TEST_F(RingIdFileTest, the_store_tells_of_a_failure_once_and_tries_again) {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> said;
    const std::string missing = directory_ + "/none";
    RingIdStore store(missing, kSelf, [&](std::uint64_t, const std::string& problem) {
        const std::lock_guard lock(mutex);
        said.push_back(problem);
        changed.notify_one();
    });
    store.persist(8);
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return said.size() == 1; }));
    EXPECT_NE(said.front(), "");
    lock.unlock();
    std::filesystem::create_directory(missing);
    lock.lock();
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return said.size() == 2; }));
    EXPECT_EQ(said.back(), "");
    EXPECT_EQ(read_ring_id(missing, kSelf, kNow)->seq, 8U);
}

}  // namespace
