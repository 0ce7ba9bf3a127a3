// A daemon of one node, without a group: wishes are applied to one State in the order in which they
// came, in a thread of its own, as slowly and with such refusals as a test wants.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cfs/core/state.h"
#include "cfs/fuse/files.h"
#include "cfs/fuse/mount.h"

namespace cfs::testing {

class FakeFiles : public Files {
  public:
    FakeFiles();
    ~FakeFiles() override;
    FakeFiles(const FakeFiles&) = delete;
    FakeFiles& operator=(const FakeFiles&) = delete;
    FakeFiles(FakeFiles&&) = delete;
    FakeFiles& operator=(FakeFiles&&) = delete;

    [[nodiscard]] std::shared_ptr<const TreeView> snapshot() const override;
    [[nodiscard]] bool writable() const override;
    [[nodiscard]] Status status() const override;
    [[nodiscard]] ClusterInfo cluster() const override;
    [[nodiscard]] std::string node_name() const override { return "n1"; }
    void submit(Wish wish, Completion completion) override;
    [[nodiscard]] bool debug() const override;
    void set_debug(bool on) override;

    // Who is told what was published. Null: nobody.
    void attach(Mount* mount);

    // What another node does: it is done when this returns.
    Outcome remote(Change change, std::uint64_t time = 5000);
    // From the root; "" for what is not there.
    [[nodiscard]] std::string content(const std::string& path) const;
    [[nodiscard]] bool has(const std::string& path) const;
    [[nodiscard]] Inode inode(const std::string& path) const;

    void set_writable(bool writable);
    // It is asked so often more whether it is writable, and is not any more.
    void lose_after(std::size_t asked);
    // Wishes wait until release().
    void hold();
    void release();
    // Returns once so many wait.
    void await_waiting(std::size_t count);
    // Every wish takes so long.
    void set_delay(std::chrono::microseconds delay);
    // The next wishes are answered so, and not applied; none of them any more with kNone.
    void refuse(Refusal refusal) { refuse_after(0, refusal); }
    // The same, once so many more were applied.
    void refuse_after(std::size_t applied, Refusal refusal);
    // Of chunked writes that were not committed.
    [[nodiscard]] std::uint64_t parts_bytes() const;
    // Kinds of the wishes so far, as places in Change.
    [[nodiscard]] std::vector<std::size_t> kinds() const;

  private:
    struct Asked {
        Wish wish;
        Completion completion;
        NodeId node;
    };

    void run();
    Done apply(const Asked& asked);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Asked> queue_;
    bool stopping_ = false;
    bool held_ = false;
    bool writable_ = true;
    mutable std::optional<std::size_t> asked_left_;
    bool debug_ = false;
    Refusal refusal_ = Refusal::kNone;
    std::size_t before_refusing_ = 0;
    std::uint64_t parts_bytes_ = 0;
    std::chrono::microseconds delay_{0};
    std::vector<std::size_t> kinds_;
    std::shared_ptr<const TreeView> view_;
    Mount* mount_ = nullptr;

    State state_;  // the thread's alone
    std::map<NodeId, std::uint64_t> last_number_;
    std::thread thread_;
};

}  // namespace cfs::testing
