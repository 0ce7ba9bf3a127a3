#include "cfs/fuse/notifier.h"

#include <utility>

namespace cfs {

void Notifier::forget(const std::vector<Forget>& all) {
    const std::lock_guard lock(mutex_);
    if (!running_ || all.empty()) {
        return;
    }
    for (const Forget& one : all) {
        bool& pages = queue_[one.inode];
        pages = pages || one.pages;
    }
    more_.notify_one();
}

void Notifier::start(Tell tell) {
    tell_ = std::move(tell);
    {
        const std::lock_guard lock(mutex_);
        running_ = true;
    }
    thread_ = std::thread([this] { run(); });
}

void Notifier::stop() {
    {
        const std::lock_guard lock(mutex_);
        running_ = false;
    }
    more_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Notifier::run() {
    std::unique_lock lock(mutex_);
    while (running_ || !queue_.empty()) {
        more_.wait(lock, [this] { return !running_ || !queue_.empty(); });
        const auto all = std::exchange(queue_, {});
        lock.unlock();
        for (const auto& [inode, pages] : all) {
            tell_({inode, pages});
        }
        lock.lock();
    }
}

}  // namespace cfs
