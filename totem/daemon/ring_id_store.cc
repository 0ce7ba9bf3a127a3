#include "totem/daemon/ring_id_store.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "totem/core/used_numbers.h"
#include "totem/process/process.h"

namespace totem::daemon {

namespace {

// A descriptor that is closed when it is left.
class File {
  public:
    File(const std::string& path, int flags, unsigned mode = 0)
        : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    File(File&&) = delete;
    File& operator=(File&&) = delete;
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  private:
    int fd_;
};

std::string problem(const std::string& doing, const std::string& path) {
    return "Couldn't " + doing + ' ' + path + ": " + std::generic_category().message(errno) + " (" +
           std::to_string(errno) + ")";
}

}  // namespace

std::string ring_id_path(const std::string& directory, NodeId self) {
    return directory + "/ringid_" + std::to_string(raw(self));
}

Result<StoredRingId, std::string> read_ring_id(const std::string& directory, NodeId self,
                                               std::chrono::system_clock::time_point now) {
    const std::string path = ring_id_path(directory, self);
    const File file(path, O_RDONLY);
    std::array<std::byte, 9> bytes{};  // one more than there should be
    ssize_t size = -1;
    if (file.is_open()) {
        size = ::read(file.fd(), bytes.data(), bytes.size());
    }
    if (size < 0 && (file.is_open() || errno != ENOENT)) {
        return Unexpected{problem("read", path)};
    }
    StoredRingId stored;
    if (size == sizeof stored.seq) {
        std::memcpy(&stored.seq, bytes.data(), sizeof stored.seq);
    }
    // Missing, torn, what a real peer leaves behind when it dies between truncating and writing, or
    // a number that no cluster lives to reach and no peer would believe.
    if (stored.seq == 0 || stored.seq > kRingNumberDamaged) {
        stored.invented = true;
        stored.seq = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    }
    return stored;
}

std::string write_ring_id(const std::string& directory, NodeId self, std::uint64_t seq) {
    const std::string path = ring_id_path(directory, self);
    const std::string fresh = path + ".new";
    {
        const File file(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0700);
        if (!file.is_open()) {
            return problem("create", fresh);
        }
        if (::write(file.fd(), &seq, sizeof seq) != sizeof seq || ::fsync(file.fd()) != 0) {
            return problem("write", fresh);
        }
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) {
        return problem("replace", path);
    }
    const File parent(directory, O_RDONLY | O_DIRECTORY);
    if (!parent.is_open() || ::fsync(parent.fd()) != 0) {
        return problem("sync", directory);
    }
    return {};
}

RingIdStore::RingIdStore(std::string directory, NodeId self, Done done)
    : directory_(std::move(directory)),
      self_(self),
      done_(std::move(done)),
      thread_([this] { run(); }) {}

RingIdStore::~RingIdStore() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void RingIdStore::persist(std::uint64_t seq) {
    {
        const std::lock_guard lock(mutex_);
        wanted_ = seq;
    }
    changed_.notify_one();
}

void RingIdStore::run() {
    process::become_helper("totemd-ringid");
    std::string last_problem;
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return wanted_.has_value() || stop_; });
        if (!wanted_) {
            return;
        }
        const std::uint64_t seq = *std::exchange(wanted_, std::nullopt);
        lock.unlock();
        const std::string went_wrong = write_ring_id(directory_, self_, seq);
        // The same trouble is told once, not at every attempt.
        if (went_wrong.empty() || went_wrong != last_problem) {
            done_(seq, went_wrong);
        }
        last_problem = went_wrong;
        lock.lock();
        if (went_wrong.empty()) {
            continue;
        }
        wanted_ = wanted_.value_or(seq);
        if (changed_.wait_for(lock, kRetry, [this] { return stop_; })) {
            return;
        }
    }
}

}  // namespace totem::daemon
