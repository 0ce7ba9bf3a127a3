// The file that holds the number that no ring of this node has used yet: ringid_<nodeid>, 8 bytes
// in host order, in the state directory.
//
// It must never be forgotten what was written, so each number goes to a new file that is synced and
// then takes the old one's place. That can take seconds on a busy disk, so a thread of its own does
// it: the ring goes on, and the core asks early enough (effects.h, Persist).
//
// Source: config.md 15, totem.md 9 (16), properties.md M2.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "totem/core/result.h"
#include "totem/core/types.h"

namespace totem::daemon {

struct StoredRingId {
    std::uint64_t seq = 0;
    // There was no usable file: `seq` is a number made of the clock, beyond all that an earlier
    // life can have reached in steps of 4.
    bool invented = false;
};

[[nodiscard]] std::string ring_id_path(const std::string& directory, NodeId self);

// Reads the file in `directory`. The error is one line for the log.
[[nodiscard]] Result<StoredRingId, std::string> read_ring_id(
    const std::string& directory, NodeId self, std::chrono::system_clock::time_point now);

// Writes it, durable on return. Empty, or one line for the log.
[[nodiscard]] std::string write_ring_id(const std::string& directory, NodeId self,
                                        std::uint64_t seq);

class RingIdStore {
  public:
    static constexpr std::chrono::seconds kRetry{1};

    // `done` is called by the store's thread: with the number that is now durable, or with what
    // went wrong, once for each new reason while the store goes on trying every kRetry.
    using Done = std::function<void(std::uint64_t seq, const std::string& problem)>;
    RingIdStore(std::string directory, NodeId self, Done done);
    ~RingIdStore();  // what was asked for is still written, unless it cannot be
    RingIdStore(const RingIdStore&) = delete;
    RingIdStore& operator=(const RingIdStore&) = delete;
    RingIdStore(RingIdStore&&) = delete;
    RingIdStore& operator=(RingIdStore&&) = delete;

    // Never waits. A later number makes an earlier one that is still waiting unnecessary.
    void persist(std::uint64_t seq);

  private:
    void run();

    const std::string directory_;
    const NodeId self_;
    const Done done_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<std::uint64_t> wanted_;  // by mutex_
    bool stop_ = false;                    // by mutex_
    std::thread thread_;
};

}  // namespace totem::daemon
