// Tells the kernel to forget what has changed, in a thread of its own.
//
// The kernel takes the locks of the inode's pages for it, so it may wait for reads of them that are
// under way (of mapped files; others have no pages). Those are answered by the mount's loop, which
// waits for nobody; but who answers requests must never be the one that waits here. Entries (names)
// are not told: the kernel would take the lock of their directory, which it holds as long as a
// change in there waits for the cluster. They are not cached instead (docs/mount.md).
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "cfs/fuse/attributes.h"

namespace cfs {

class Notifier {
  public:
    struct Forget {
        KernelInode inode{};
        bool pages = false;  // else the attributes alone
    };
    using Tell = std::function<void(const Forget&)>;

    // Any thread; before start() and after stop() there is nothing to tell. What is asked again
    // before it was told is told once.
    void forget(const std::vector<Forget>& all);

    void start(Tell tell);
    // Tells what is queued, then ends.
    void stop();

  private:
    void run();

    std::mutex mutex_;
    std::condition_variable more_;
    std::map<KernelInode, bool> queue_;  // with its pages?
    bool running_ = false;
    Tell tell_;
    std::thread thread_;
};

}  // namespace cfs
