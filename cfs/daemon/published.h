// What the threads of the mount see of the replica: the newest tree, the status, the cluster, and a
// way to ask for changes. The group thread publishes; everybody else reads, and nobody waits for
// more than a pointer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "cfs/fuse/files.h"

namespace cfs {

class Published final : public Files {
  public:
    // Takes a wish to the group thread. False: there is none any more, and nothing was taken.
    using Forward = std::function<bool(Wish& wish, Completion& completion)>;

    // `view` is what there is before anything is published; `set_debug` may be called in any
    // thread.
    Published(std::string node_name, TreeView view, std::function<void(bool)> set_debug);

    // Before the first reader.
    void set_forward(Forward forward) { forward_ = std::move(forward); }

    [[nodiscard]] std::shared_ptr<const TreeView> snapshot() const override;
    [[nodiscard]] bool writable() const override { return writable_; }
    [[nodiscard]] Status status() const override;
    [[nodiscard]] ClusterInfo cluster() const override;
    [[nodiscard]] std::string node_name() const override { return node_name_; }
    void submit(Wish wish, Completion completion) override;
    [[nodiscard]] bool debug() const override { return debug_; }
    void set_debug(bool on) override;

    // By the group thread.
    void publish(std::shared_ptr<const TreeView> view);
    void publish(Status status);
    // Counts its version up when it is another one.
    void publish(ClusterInfo cluster);

  private:
    const std::string node_name_;
    const std::function<void(bool)> tell_debug_;
    Forward forward_;
    std::atomic<bool> writable_{false};
    std::atomic<bool> debug_{false};

    mutable std::mutex mutex_;
    std::shared_ptr<const TreeView> view_;  // by mutex_, as the rest
    Status status_;
    ClusterInfo cluster_;
};

}  // namespace cfs
