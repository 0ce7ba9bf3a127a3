// The store's thread: one thing at a time, answers in order, and an end that does not wait for
// ever.
#include "cfs/daemon/store_thread.h"

#include <atomic>
#include <chrono>
#include <future>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using cfs::Batch;
using cfs::StoreError;
using cfs::StoreThread;
using totem::Result;
using totem::Unexpected;

// A disk that hangs until it is let go, or fails.
class TestStore final : public cfs::Store {
  public:
    explicit TestStore(std::shared_future<void> go, bool fails = false)
        : go_(std::move(go)), fails_(fails) {}
    Result<Loaded, StoreError> load() override { return Loaded{}; }
    Result<Committed, StoreError> commit(const Batch& batch) override {
        go_.wait();
        if (fails_) {
            return Unexpected{StoreError{cfs::StoreErrorKind::kNoSpace, "full"}};
        }
        return Committed{batch.adoption ? "backup" : ""};
    }
    Result<std::vector<cfs::AsideHead>, StoreError> asides() override {
        return std::vector<cfs::AsideHead>{};
    }
    Result<cfs::Aside, StoreError> read_aside(std::uint64_t /*id*/) override {
        return cfs::Aside{};
    }
    Result<Committed, StoreError> drop_aside(std::uint64_t /*id*/) override { return Committed{}; }

  private:
    std::shared_future<void> go_;
    bool fails_;
};

class StoreThreadTest : public ::testing::Test {
  protected:
    void make(bool fails = false) {
        thread_ = std::make_unique<StoreThread>(
            std::make_unique<TestStore>(go_.get_future().share(), fails),
            [this](StoreThread::Answer answer) { answered_.set_value(std::move(answer)); });
    }
    StoreThread::Answer answer() {
        auto answer = answered_.get_future().get();
        answered_ = {};
        return answer;
    }

    std::promise<void> go_;
    std::promise<StoreThread::Answer> answered_;
    std::unique_ptr<StoreThread> thread_;
};

TEST_F(StoreThreadTest, AnswersWhatWasDone) {
    make();
    go_.set_value();
    Batch batch;
    batch.adoption = true;
    thread_->commit(std::move(batch));
    EXPECT_EQ(std::get<cfs::Stored>(answer()).backup, "backup");
    thread_->reload();
    EXPECT_EQ(std::get<cfs::Loaded>(answer()).promise.epoch, 0U);
    EXPECT_TRUE(thread_->stop(std::chrono::steady_clock::now() + 10s));
}

TEST_F(StoreThreadTest, FailuresAreToldAsTheyAre) {
    make(true);
    go_.set_value();
    thread_->commit({});
    EXPECT_EQ(std::get<cfs::StoreFailed>(answer()).error.kind, cfs::StoreErrorKind::kNoSpace);
}

TEST_F(StoreThreadTest, ADiskThatHangsIsNotWaitedFor) {
    make();
    thread_->commit({});
    const auto before = std::chrono::steady_clock::now();
    EXPECT_FALSE(thread_->stop(before + 50ms));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
    go_.set_value();
    static_cast<void>(answer());
    EXPECT_TRUE(thread_->stop(std::chrono::steady_clock::now() + 10s))
        << "what was under way is done first";
}

}  // namespace
