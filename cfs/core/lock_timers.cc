#include "cfs/core/lock_timers.h"

#include <utility>

namespace cfs {

void LockTimers::look(totem::Instant now, const TreeView& tree) {
    std::map<Inode, Seen> seen;
    const auto see = [&](const EntryRef& lock) {
        const auto before = seen_.find(lock->inode);
        const bool same = before != seen_.end() && before->second.version == lock->version;
        if (lock->is_directory()) {
            seen.emplace(lock->inode, same ? before->second : Seen{lock->version, now});
        }
        return true;
    };
    if (const EntryRef locks = tree.resolve("priv/lock")) {
        tree.visit_children(locks->inode, {}, see);
    }
    seen_ = std::move(seen);
}

bool LockTimers::expired(totem::Instant now, Inode inode, std::uint64_t version) const {
    const auto found = seen_.find(inode);
    return found != seen_.end() && found->second.version == version &&
           now - found->second.since >= kLockLifetime;
}

}  // namespace cfs
