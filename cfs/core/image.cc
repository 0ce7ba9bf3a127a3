#include "cfs/core/image.h"

namespace cfs {

namespace {

std::string old_path(const TreeView& old, const TreeChange& change) {
    if (change.before) {
        return old.path_of(change.inode);
    }
    // What the tail removed is named by where it stood, as far as that is still there.
    const std::string directory = old.path_of(change.after->parent);
    return (directory == "/" ? "" : directory) + "/" + change.after->name;
}

}  // namespace

Aside make_aside(const TreeView& old, const History& history,
                 const std::vector<TreeChange>& changes, std::uint64_t common) {
    Aside aside;
    std::uint64_t version = 0;  // of the tree after the last common operation
    for (const Record& record : history.records()) {
        if (record.position.index > common) {
            aside.tail.push_back(record);
        } else if (record.position.index == common) {
            version = record.outcome.version;
        }
    }
    for (const TreeChange& change : changes) {
        const bool made = change.before && change.before->version > version;
        const bool removed = !change.before && change.after && change.after->version <= version;
        if (change.inode != kRootInode && (made || removed)) {
            aside.entries.push_back({old_path(old, change), change.before});
        }
    }
    return aside;
}

}  // namespace cfs
