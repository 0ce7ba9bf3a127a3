// When a lock may be taken away from who does not refresh it.
//
// The tree has no clock, so whether a lock has expired is measured outside of the order, by the
// node that answers RequestUnlock (the lowest synced member), and takes effect inside of it: Unlock
// names the version that was seen, and does nothing if the lock was refreshed or taken anew before
// its turn. Every member keeps the timers, so that another can answer as soon as the first is gone.
// They count monotonic time from when a version was first seen and go on across membership changes;
// after a restart they begin again, which only makes locks last longer.
//
// Source: cfs.md 4.2, section 11 row 15.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "cfs/core/tree_view.h"
#include "cfs/core/types.h"
#include "totem/core/types.h"

namespace cfs {

inline constexpr std::chrono::seconds kLockLifetime{120};

class LockTimers {
  public:
    // After every batch that was applied; `now` never goes back.
    void look(totem::Instant now, const TreeView& tree);

    // Whether the lock has been as it was at `version` for kLockLifetime.
    [[nodiscard]] bool expired(totem::Instant now, Inode inode, std::uint64_t version) const;

  private:
    struct Seen {
        std::uint64_t version = 0;
        totem::Instant since;
    };
    std::map<Inode, Seen> seen_;
};

}  // namespace cfs
