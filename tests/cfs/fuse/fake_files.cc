#include "tests/cfs/fuse/fake_files.h"

#include <future>
#include <utility>

namespace cfs::testing {

namespace {

constexpr NodeId kHere{1};
constexpr NodeId kElsewhere{2};

std::vector<Changed> changed_of(const Batch& batch) {
    std::vector<Changed> all;
    for (const TreeChange& change : batch.changes) {
        Changed one;
        one.inode = change.inode;
        if (change.before) {
            one.parent_before = change.before->parent;
            one.name_before = change.before->name;
        }
        if (change.after) {
            one.parent_after = change.after->parent;
            one.name_after = change.after->name;
        }
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace

FakeFiles::FakeFiles() {
    view_ = std::make_shared<const TreeView>(state_.snapshot());
    thread_ = std::thread([this] { run(); });
}

FakeFiles::~FakeFiles() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    thread_.join();
    for (const Asked& asked : queue_) {
        asked.completion({Refusal::kUncertain, {}});
    }
}

std::shared_ptr<const TreeView> FakeFiles::snapshot() const {
    const std::lock_guard lock(mutex_);
    return view_;
}

bool FakeFiles::writable() const {
    const std::lock_guard lock(mutex_);
    if (asked_left_ && *asked_left_ == 0) {
        return false;
    }
    asked_left_ = asked_left_ ? std::optional(*asked_left_ - 1) : std::nullopt;
    return writable_;
}

void FakeFiles::lose_after(std::size_t asked) {
    const std::lock_guard lock(mutex_);
    asked_left_ = asked;
}

Status FakeFiles::status() const {
    Status status;
    status.obstacle = writable() ? Obstacle::kNone : Obstacle::kNoQuorum;
    status.epoch = 4;
    status.members = {kHere, kElsewhere};
    status.synced = {kHere};
    status.lagging = {kElsewhere};
    return status;
}

ClusterInfo FakeFiles::cluster() const {
    ClusterInfo info{"pmtest", 7, 3, writable(), {}, {}};
    info.nodes = {{"n1", NodeId{1}, true, "10.79.0.1"}, {"n2", NodeId{2}, false, {}}};
    return info;
}

void FakeFiles::submit(Wish wish, Completion completion) {
    const std::lock_guard lock(mutex_);
    kinds_.push_back(wish.change.index());
    queue_.push_back({std::move(wish), std::move(completion), kHere});
    changed_.notify_all();
}

bool FakeFiles::debug() const {
    const std::lock_guard lock(mutex_);
    return debug_;
}

void FakeFiles::set_debug(bool on) {
    const std::lock_guard lock(mutex_);
    debug_ = on;
}

void FakeFiles::attach(Mount* mount) {
    const std::lock_guard lock(mutex_);
    mount_ = mount;
}

Outcome FakeFiles::remote(Change change, std::uint64_t time) {
    std::promise<Outcome> promise;
    {
        const std::lock_guard lock(mutex_);
        // Before what waits: another node's order is its own.
        queue_.push_front({{time, std::move(change)},
                           [&promise](const Done& done) { promise.set_value(done.outcome); },
                           kElsewhere});
        changed_.notify_all();
    }
    return promise.get_future().get();
}

bool FakeFiles::has(const std::string& path) const { return snapshot()->resolve(path) != nullptr; }

Inode FakeFiles::inode(const std::string& path) const {
    const EntryRef entry = snapshot()->resolve(path);
    return entry ? entry->inode : Inode{999999};
}

std::string FakeFiles::content(const std::string& path) const {
    const EntryRef entry = snapshot()->resolve(path);
    std::string text(entry ? entry->content.size() : 0, '\0');
    if (entry) {
        entry->content.read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
    }
    return text;
}

void FakeFiles::set_writable(bool writable) {
    Mount* mount = nullptr;
    {
        const std::lock_guard lock(mutex_);
        writable_ = writable;
        asked_left_.reset();
        mount = mount_;
    }
    if (mount != nullptr) {
        mount->status_changed();
    }
}

void FakeFiles::hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
}

void FakeFiles::release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
}

void FakeFiles::await_waiting(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.size() >= count; });
}

void FakeFiles::set_delay(std::chrono::microseconds delay) {
    const std::lock_guard lock(mutex_);
    delay_ = delay;
}

void FakeFiles::refuse_after(std::size_t applied, Refusal refusal) {
    const std::lock_guard lock(mutex_);
    before_refusing_ = applied;
    refusal_ = refusal;
}

std::uint64_t FakeFiles::parts_bytes() const {
    const std::lock_guard lock(mutex_);
    return parts_bytes_;
}

std::vector<std::size_t> FakeFiles::kinds() const {
    const std::lock_guard lock(mutex_);
    return kinds_;
}

Done FakeFiles::apply(const Asked& asked) {
    const OperationId id{asked.node, Life{7}, ++last_number_[asked.node]};
    const Applied applied = state_.apply(1, {id, asked.wish.time, asked.wish.change});
    const std::vector<Changed> changed = changed_of(state_.take_batch());
    auto view = std::make_shared<const TreeView>(state_.snapshot());
    Mount* mount = nullptr;
    {
        const std::lock_guard lock(mutex_);
        view_ = view;
        mount = mount_;
        parts_bytes_ = state_.parts().bytes();
    }
    if (mount != nullptr) {
        mount->published(view, changed);
    }
    return {Refusal::kNone, applied.outcome};
}

void FakeFiles::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] {
            const bool ready = !queue_.empty() && (!held_ || queue_.front().node != kHere);
            return stopping_ || ready;
        });
        if (stopping_) {
            return;
        }
        const Asked asked = std::move(queue_.front());
        queue_.pop_front();
        const auto delay = delay_;
        const bool refused = asked.node == kHere && before_refusing_ == 0;
        const Refusal refusal = refused ? refusal_ : Refusal::kNone;
        before_refusing_ -= before_refusing_ != 0 && asked.node == kHere ? 1 : 0;
        lock.unlock();
        if (delay.count() != 0) {
            std::this_thread::sleep_for(delay);
        }
        asked.completion(refusal == Refusal::kNone ? apply(asked) : Done{refusal, {}});
        lock.lock();
    }
}

}  // namespace cfs::testing
