// Memory that a client took away: the access is left, again and again, and nothing else changes.
#include "totem/ipc/lost_memory.h"

#include <csignal>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

using totem::ipc::survives;

constexpr std::size_t kBytes = 4096;

// A page of a file that is shorter than its mapping.
class LostPage {
  public:
    LostPage() : fd_(::memfd_create("lost", MFD_CLOEXEC)) {
        static_cast<void>(!::ftruncate(fd_, kBytes));
        memory_ = static_cast<volatile char*>(
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
        static_cast<void>(!::ftruncate(fd_, 0));
    }
    ~LostPage() {
        ::munmap(const_cast<char*>(memory_), kBytes);
        ::close(fd_);
    }
    LostPage(const LostPage&) = delete;
    LostPage& operator=(const LostPage&) = delete;
    LostPage(LostPage&&) = delete;
    LostPage& operator=(LostPage&&) = delete;
    void touch() { memory_[0] = 1; }

  private:
    int fd_;
    volatile char* memory_ = nullptr;
};

TEST(LostMemory, an_access_is_left_as_often_as_it_happens) {
    totem::ipc::watch_for_lost_memory();
    LostPage page;
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(survives([&] { page.touch(); }));
    }
    int done = 0;
    EXPECT_TRUE(survives([&] { ++done; }));
    EXPECT_EQ(done, 1);
}

TEST(LostMemory, an_inner_access_is_left_alone) {
    totem::ipc::watch_for_lost_memory();
    LostPage page;
    bool inner = true;
    EXPECT_TRUE(survives([&] { inner = survives([&] { page.touch(); }); }));
    EXPECT_FALSE(inner);
}

TEST(LostMemory, is_watched_for_again_after_the_signal_was_blocked) {
    totem::ipc::watch_for_lost_memory();
    sigset_t only{};
    ::sigemptyset(&only);
    ::sigaddset(&only, SIGBUS);
    ::pthread_sigmask(SIG_BLOCK, &only, nullptr);
    totem::ipc::watch_again_for_lost_memory();
    LostPage page;
    EXPECT_FALSE(survives([&] { page.touch(); }));
}

TEST(LostMemoryDeathTest, an_access_of_others_kills_as_before) {
    totem::ipc::watch_for_lost_memory();
    LostPage page;
    EXPECT_EXIT(page.touch(), ::testing::KilledBySignal(SIGBUS), "");
}

TEST(LostMemoryDeathTest, our_own_code_called_back_is_not_survived) {
    totem::ipc::watch_for_lost_memory();
    LostPage page;
    EXPECT_EXIT(static_cast<void>(survives([&] {
                    const totem::ipc::OwnCode own;
                    page.touch();
                })),
                ::testing::KilledBySignal(SIGBUS), "");
}

TEST(LostMemoryDeathTest, a_signal_for_another_reason_kills_as_before) {
    totem::ipc::watch_for_lost_memory();
    EXPECT_EXIT(static_cast<void>(survives([] { ::raise(SIGBUS); })),
                ::testing::KilledBySignal(SIGBUS), "");
}

TEST(LostMemory, is_survived_again_after_our_own_code) {
    totem::ipc::watch_for_lost_memory();
    LostPage page;
    EXPECT_FALSE(survives([&] {
        { const totem::ipc::OwnCode own; }
        page.touch();
    }));
}

}  // namespace
