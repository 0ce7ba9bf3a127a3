// The deadlines of the ring processor (totem.md 2.1), of which the host sees only the earliest.
//
// The pause timer of totem.md needs no deadline here: a late step shows in earliest(). The
// heartbeat does not exist.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "totem/core/hash.h"
#include "totem/core/types.h"

namespace totem {

// Of two that are due at the same moment the first here is taken. A join of sets that the consensus
// timer is about to change would call others into a gather from which the next join excludes them.
enum class TimerId : std::uint8_t {
    kTokenLoss,
    kTokenRetransmit,
    kHold,
    kConsensus,
    kJoin,
    kMerge,
    kCommit,
};

class Timers {
  public:
    void start(TimerId id, Instant now, Duration period) {
        slot(id) = {.at = now + period, .period = period};
    }
    void cancel(TimerId id) { slot(id).at.reset(); }
    void cancel_all() {
        for (Slot& timer : slots_) {
            timer.at.reset();
        }
    }
    // Gives every running timer its whole period again, after a pause of the process.
    void restart_all(Instant now) {
        for (Slot& timer : slots_) {
            if (timer.at) {
                timer.at = now + timer.period;
            }
        }
    }
    [[nodiscard]] bool running(TimerId id) const { return slots_.at(index(id)).at.has_value(); }

    [[nodiscard]] std::optional<Instant> earliest() const {
        std::optional<Instant> first;
        for (const Slot& timer : slots_) {
            if (timer.at && (!first || *timer.at < *first)) {
                first = timer.at;
            }
        }
        return first;
    }
    // Stops the timer that is due first and names it; absent when none is due.
    [[nodiscard]] std::optional<TimerId> take_due(Instant now) {
        std::optional<TimerId> due;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            const auto id = static_cast<TimerId>(i);
            const auto& at = slot(id).at;
            if (at && *at <= now && (!due || *at < *slot(*due).at)) {
                due = id;
            }
        }
        if (due) {
            cancel(*due);
        }
        return due;
    }
    void hash(Hasher& hasher) const {
        for (const Slot& timer : slots_) {
            hasher.add(timer.at);
        }
    }

  private:
    struct Slot {
        std::optional<Instant> at;
        Duration period{};
    };
    [[nodiscard]] static std::size_t index(TimerId id) { return static_cast<std::size_t>(id); }
    [[nodiscard]] Slot& slot(TimerId id) { return slots_.at(index(id)); }

    std::array<Slot, 7> slots_;
};

}  // namespace totem
