// The log's files: priorities, rotation, a disk that does not answer, lines that come too fast.
#include "totem/process/log.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

using totem::process::Log;
using totem::process::Severity;

// What a Done was called with, and a wait for it.
class Answer {
  public:
    [[nodiscard]] Log::Done done() {
        return [this](const std::string& problem) {
            const std::lock_guard lock(mutex_);
            problem_ = problem;
            changed_.notify_one();
        };
    }
    // "never" when it does not come.
    [[nodiscard]] std::string wait() {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(10), [this] { return problem_.has_value(); });
        return problem_.value_or("never");
    }
    [[nodiscard]] bool came() {
        const std::lock_guard lock(mutex_);
        return problem_.has_value();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<std::string> problem_;
};

class LogFileTest : public ::testing::Test {
  protected:
    LogFileTest() {
        std::string name = "/tmp/log-test-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        config_.target.to_stderr = false;
        config_.target.to_syslog = false;
        config_.target.to_logfile = true;
        config_.target.logfile = file();
        config_.timestamp = totem::config::LogTimestamp::kOff;
    }
    ~LogFileTest() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string file() const { return directory_ + "/log"; }
    [[nodiscard]] std::string content() const {
        std::ifstream in(file());
        return {std::istreambuf_iterator<char>(in), {}};
    }
    [[nodiscard]] std::string configure(Log& log) const {
        Answer answer;
        log.configure(config_, answer.done());
        return answer.wait();
    }

    std::string directory_;
    totem::config::LoggingConfig config_;
};

TEST_F(LogFileTest, writes_from_the_configured_priority_on) {
    {
        Log log("log-test");
        config_.subsystems.push_back({"TOTEM", {}});
        config_.subsystems.back().target.debug = totem::config::LogDebug::kOn;
        EXPECT_EQ(configure(log), "");
        log.go_to_background();
        log.write(Severity::kInfo, "MAIN", "shown");
        log.write(Severity::kDebug, "MAIN", "hidden");
        log.write(Severity::kDebug, "TOTEM", "shown too");
        EXPECT_TRUE(log.wants(Severity::kDebug, "TOTEM"));
        EXPECT_FALSE(log.wants(Severity::kDebug, "MAIN"));
    }
    EXPECT_EQ(content(), "info    [MAIN  ] shown\ndebug   [TOTEM ] shown too\n");
}

TEST_F(LogFileTest, goes_on_in_a_new_file_after_rotation) {
    {
        Log log("log-test");
        EXPECT_EQ(configure(log), "");
        log.go_to_background();
        log.write(Severity::kInfo, "MAIN", "old");
        std::filesystem::rename(file(), file() + ".1");
        Answer answer;
        log.reopen(answer.done());
        log.write(Severity::kInfo, "MAIN", "new");
        EXPECT_EQ(answer.wait(), "");
    }
    EXPECT_EQ(content(), "info    [MAIN  ] new\n");
    std::filesystem::rename(file() + ".1", file());
    EXPECT_EQ(content(), "info    [MAIN  ] old\n");
}

TEST_F(LogFileTest, a_file_that_cannot_be_opened_is_refused_and_the_old_one_kept) {
    {
        Log log("log-test");
        EXPECT_EQ(configure(log), "");
        log.go_to_background();
        config_.target.logfile = directory_ + "/none/log";
        EXPECT_EQ(configure(log), "Can't open logfile '" + directory_ +
                                      "/none/log' for reason: No such file or directory (2).");
        log.write(Severity::kInfo, "MAIN", "still here");
    }
    EXPECT_EQ(content(), "info    [MAIN  ] still here\n");
}

// A named pipe without a reader: to open it for writing takes until somebody reads.
TEST_F(LogFileTest, nobody_waits_for_a_disk_that_does_not_answer) {
    Log log("log-test");
    EXPECT_EQ(configure(log), "");
    log.go_to_background();
    config_.target.logfile = directory_ + "/pipe";
    ASSERT_EQ(::mkfifo(config_.target.logfile->c_str(), 0600), 0);
    Answer answer;
    log.configure(config_, answer.done());
    constexpr int kLines = 20'000;  // more than are kept
    for (int i = 0; i < kLines; ++i) {
        log.write(Severity::kInfo, "MAIN", "line " + std::to_string(i));
        ASSERT_TRUE(log.wants(Severity::kInfo, "MAIN"));
    }
    EXPECT_FALSE(answer.came());
    std::string read;
    {
        std::ifstream reader(config_.target.logfile->c_str());
        EXPECT_EQ(answer.wait(), "");
        for (std::string line; std::getline(reader, line) && !line.ends_with("line 19999");) {
            read += line + '\n';
        }
    }
    EXPECT_NE(read.find(" log lines were lost: they came faster"), std::string::npos) << read;
    EXPECT_EQ(read.find("line 100\n"), std::string::npos);
    EXPECT_NE(read.find("line 19998\n"), std::string::npos);
}

// In the middle of a flood that is not written, and while others write.
TEST_F(LogFileTest, flushing_waits_for_what_was_written_and_ends_nothing) {
    Log log("log-test");
    EXPECT_EQ(configure(log), "");
    log.go_to_background();
    config_.target.logfile = directory_ + "/pipe";
    ASSERT_EQ(::mkfifo(config_.target.logfile->c_str(), 0600), 0);
    Answer answer;
    log.configure(config_, answer.done());
    for (int i = 0; i < 20'000; ++i) {
        log.write(Severity::kInfo, "MAIN", "line");
    }
    std::string read;
    std::thread reader([&] {
        std::ifstream in(config_.target.logfile->c_str());
        for (std::string line; std::getline(in, line) && !line.ends_with("the end");) {
            read += line + '\n';
        }
    });
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) {
            log.write(Severity::kDebug, "MAIN", "below the threshold");
            log.write(Severity::kInfo, "MAIN", "of another thread");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    for (int i = 0; i < 3; ++i) {
        log.write(Severity::kEmerg, "MAIN", "last words");
        log.flush();
    }
    stop = true;
    other.join();
    log.write(Severity::kInfo, "MAIN", "the end");
    log.flush();
    reader.join();
    const auto count = [&read](std::string_view part) {
        int times = 0;
        for (auto at = read.find(part); at != std::string::npos; at = read.find(part, at + 1)) {
            ++times;
        }
        return times;
    };
    EXPECT_EQ(count("last words"), 3);
    EXPECT_GE(count(" log lines were lost"), 1);
    EXPECT_EQ(count("18446744"), 0) << "fewer than none were lost";
}

TEST_F(LogFileTest, flushed_lines_are_in_the_file) {
    Log log("log-test");
    EXPECT_EQ(configure(log), "");
    log.write(Severity::kInfo, "MAIN", "in the foreground");
    log.flush();
    log.go_to_background();
    log.write(Severity::kInfo, "MAIN", "first");
    log.flush();
    EXPECT_TRUE(content().ends_with("first\n"));
    log.write(Severity::kInfo, "MAIN", "second");
    log.flush();
    EXPECT_TRUE(content().ends_with("second\n"));
}

TEST_F(LogFileTest, lines_that_a_full_disk_did_not_take_are_counted) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    Log log("log-test");
    EXPECT_EQ(configure(log), "");
    log.write(Severity::kInfo, "MAIN", "written");
    rlimit full = before;
    full.rlim_cur = std::filesystem::file_size(file());
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int i = 0; i < 3; ++i) {
        log.write(Severity::kInfo, "MAIN", "lost");
    }
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    log.write(Severity::kInfo, "MAIN", "written again");
    EXPECT_TRUE(content().ends_with("is written again; lines lost: 3\n")) << content();
}

TEST_F(LogFileTest, its_thread_starts_with_what_it_is_told) {
    Answer started;
    Log log("log-test");
    log.go_to_background([&started] { started.done()(""); });
    EXPECT_EQ(started.wait(), "");
}

}  // namespace
