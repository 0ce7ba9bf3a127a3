// Mount: the filesystem at its mount point, from start() to stop().
//
// Two threads of its own: one takes the kernel's requests and never waits, the other tells the
// kernel what has changed. The daemon tells it what was published and when its status changed, each
// before it completes the wishes that did so.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

#include "cfs/fuse/files.h"
#include "cfs/fuse/mount_point.h"
#include "cfs/fuse/views.h"

struct fuse_session;

namespace cfs {

class Notifier;
class Server;

struct MountOptions {
    std::string path{};         // absolute
    gid_t group = 0;            // of everything that is shown
    std::uint64_t started = 0;  // when the daemon was, s, wall clock
    bool allow_other = true;    // users but the one who runs this
    MountPointRules rules{};
    // Somebody unmounted it while it was running. Called in the mount's thread.
    std::function<void()> on_ended{};
};

class Mount {
  public:
    // `files` outlives the mount.
    Mount(Files& files, MountOptions options);
    ~Mount();
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;
    Mount(Mount&&) = delete;
    Mount& operator=(Mount&&) = delete;

    // Mounts and begins to serve. Says what is wrong in one line, or nothing.
    [[nodiscard]] std::optional<std::string> start();
    // Unmounts, whoever still uses it, and answers every request that waits (ETIMEDOUT: nobody
    // knows whether it happened). Waits for nobody outside.
    void stop();

    // In the daemon's one thread, in order. `view` is what Files::snapshot() gives from now on, and
    // `changed` what differs from the one before.
    void published(std::shared_ptr<const TreeView> view, const std::vector<Changed>& changed);
    void status_changed();

    // What a virtual file shows now. Any thread.
    [[nodiscard]] std::string text(ViewKind kind);

  private:
    [[nodiscard]] std::optional<std::string> open_session();
    void run();

    MountOptions options_;
    std::unique_ptr<Notifier> notifier_;
    std::shared_ptr<Server> server_;
    fuse_session* session_ = nullptr;
    int wake_ = -1;  // eventfd: the loop is to end
    std::atomic<bool> stopping_{false};
    std::thread loop_;
};

}  // namespace cfs
