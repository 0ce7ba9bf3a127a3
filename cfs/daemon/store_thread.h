// The store in a thread of its own: a disk that hangs holds up nobody who reads, and not the group.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "cfs/core/replica.h"
#include "cfs/core/store.h"

namespace cfs {

class StoreThread {
  public:
    using Answer = std::variant<Stored, StoreFailed, Loaded>;
    // `done` is called in this thread, once for each commit() or reload().
    using Done = std::function<void(Answer answer)>;
    StoreThread(std::unique_ptr<Store> store, Done done);
    ~StoreThread();  // waits for what is under way
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;
    StoreThread(StoreThread&&) = delete;
    StoreThread& operator=(StoreThread&&) = delete;

    // One of these at a time: the next after `done`.
    void commit(Batch batch);
    void reload();

    // Ends after what is under way, and closes the store; false when that took longer.
    [[nodiscard]] bool stop(std::chrono::steady_clock::time_point deadline);

  private:
    struct Reload {};
    struct End {};
    using Work = std::variant<Batch, Reload, End>;

    void give(Work work);
    void run();
    [[nodiscard]] Answer commit_now(const Batch& batch);
    [[nodiscard]] Answer load_now();

    std::unique_ptr<Store> store_;
    const Done done_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Work> work_;  // by mutex_
    bool ended_ = false;        // likewise
    std::thread thread_;
};

// What is in the store as the replica wants it.
[[nodiscard]] totem::Result<Loaded, StoreError> load_whole(Store& store);

}  // namespace cfs
