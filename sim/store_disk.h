// The stable storage of a simulated cfsd: the contract of cfs/core/store.h in virtual time.
//
// A commit is written, then synced; both take the disk's time. What was written outlives the
// process, what was synced outlives a power cut too. A full disk refuses a batch whole; a failed
// one may have stored it, says so once, and refuses everything until it is opened again.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "cfs/core/replica.h"
#include "sim/schedule.h"
#include "sim/store_log.h"

namespace sim {

using totem::Instant;

class StoreDisk {
  public:
    using Answer = std::variant<cfs::Stored, cfs::StoreFailed>;

    // The file is opened, and what is in it loaded: also what an earlier process wrote and did not
    // live to sync, which is durable with the next commit only.
    [[nodiscard]] cfs::Store::Loaded open();

    // At most one commit at a time. It takes `write` until the system has it, and `sync` more until
    // it is durable.
    struct Takes {
        Duration write{};
        Duration sync{};
    };
    void commit(Instant now, cfs::Batch batch, Takes takes);
    // When something happens next.
    [[nodiscard]] std::optional<Instant> due() const { return due_; }
    // What is due by now happens. The answer, when a commit has ended by it.
    [[nodiscard]] std::optional<Answer> settle(Instant now);
    [[nodiscard]] bool busy() const noexcept { return commit_.has_value(); }

    void set_full(bool full) noexcept { full_ = full; }
    // It has room and does not fail; what is under way is soon done.
    void heal(Instant now);
    // The next sync fails; whether the batch is there all the same is drawn by `h`.
    void fail_once(std::uint64_t h) noexcept { failure_ = h; }
    void drop_aside(std::uint64_t id) { dropped_.push_back(id); }

    // The process is gone, and with a fate other than kKept the machine was off. `other` is the
    // disk that a clone is made from, `h` chooses what may be either way.
    void crash(DiskFate fate, const StoreDisk& other, std::uint64_t h);
    // The same with a choice: of what was not synced the first `kept` batches are there.
    void cut_power(std::size_t kept);

    [[nodiscard]] const StoreLog& log() const noexcept { return log_; }
    // How many batches of the log are on stable storage.
    [[nodiscard]] std::size_t durable() const noexcept { return durable_; }
    // What was put aside and not dropped, oldest first.
    [[nodiscard]] std::vector<std::pair<std::uint64_t, const cfs::Aside*>> asides() const;

  private:
    struct Commit {
        BatchRef batch;
        bool written = false;
        bool refused = false;  // no room
        Duration sync{};
    };

    [[nodiscard]] Answer end_commit();

    StoreLog log_;
    std::size_t durable_ = 0;
    std::vector<std::uint64_t> dropped_;
    std::optional<Commit> commit_;
    std::optional<Instant> due_;
    bool full_ = false;
    bool broken_ = false;
    std::optional<std::uint64_t> failure_;
};

}  // namespace sim
