#include "cfs/daemon/store_thread.h"

#include <pthread.h>
#include <utility>

namespace cfs {

totem::Result<Loaded, StoreError> load_whole(Store& store) {
    auto stored = store.load();
    if (!stored) {
        return totem::Unexpected{stored.error()};
    }
    auto state = load(stored->image);
    if (!state) {
        return totem::Unexpected{
            StoreError{StoreErrorKind::kDamaged,
                       std::string("the database is damaged: ") + to_string(state.error())}};
    }
    return Loaded{std::move(*state), std::move(stored->promise)};
}

StoreThread::StoreThread(std::unique_ptr<Store> store, Done done)
    : store_(std::move(store)), done_(std::move(done)), thread_([this] { run(); }) {
    ::pthread_setname_np(thread_.native_handle(), "cfsd-store");
}

StoreThread::~StoreThread() {
    if (thread_.joinable()) {
        give(End{});
        thread_.join();
    }
}

void StoreThread::commit(Batch batch) { give(std::move(batch)); }
void StoreThread::reload() { give(Reload{}); }

void StoreThread::give(Work work) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !work_; });
    work_ = std::move(work);
    changed_.notify_all();
}

bool StoreThread::stop(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [this] { return !work_; })) {
        return false;
    }
    work_ = End{};
    changed_.notify_all();
    if (!changed_.wait_until(lock, deadline, [this] { return ended_; })) {
        return false;
    }
    lock.unlock();
    thread_.join();
    return true;
}

// The slot stays taken until its work is done, so that stop() waits for it.
void StoreThread::run() {
    for (;;) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return work_.has_value(); });
        const Work work = std::move(*work_);
        lock.unlock();
        std::optional<Answer> answer;
        if (const auto* batch = std::get_if<Batch>(&work)) {
            answer = commit_now(*batch);
        } else if (std::holds_alternative<Reload>(work)) {
            answer = load_now();
        } else {
            store_.reset();
        }
        lock.lock();
        ended_ = !answer;
        work_.reset();
        changed_.notify_all();
        if (ended_) {
            return;
        }
        lock.unlock();
        done_(std::move(*answer));
    }
}

StoreThread::Answer StoreThread::commit_now(const Batch& batch) {
    auto committed = store_->commit(batch);
    if (!committed) {
        return StoreFailed{committed.error()};
    }
    return Stored{std::move(committed->backup)};
}

StoreThread::Answer StoreThread::load_now() {
    auto loaded = load_whole(*store_);
    if (!loaded) {
        return StoreFailed{loaded.error()};
    }
    return std::move(*loaded);
}

}  // namespace cfs
