#include "cfs/core/replica_changes.h"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace cfs {

ChangeWatch::ChangeWatch(const TreeView& before, const Operation& operation) {
    const auto watch = [&](const EntryRef& entry) {
        if (entry) {
            before_.push_back(entry);
        }
    };
    std::visit(
        [&](const auto& change) {
            if constexpr (requires { change.inode; }) {
                watch(before.find(change.inode));
            }
            if constexpr (requires { change.parent; }) {
                watch(before.child(change.parent, change.name));
            }
            if constexpr (requires { change.new_parent; }) {
                watch(before.child(change.new_parent, change.new_name));
            }
        },
        operation.change);
}

void ChangeWatch::finish(const TreeView& after, Inode made, std::vector<Changed>& out) {
    bool known = made == kRootInode;
    for (const EntryRef& entry : before_) {
        known = known || entry->inode == made;
        const EntryRef now = after.find(entry->inode);
        if (now != entry) {
            out.push_back(changed(entry, now));
        }
    }
    const EntryRef fresh = known ? nullptr : after.find(made);
    if (fresh) {
        out.push_back(changed(nullptr, fresh));
    }
}

Changed changed(const EntryRef& before, const EntryRef& after) {
    Changed change;
    if (before) {
        change.inode = before->inode;
        change.parent_before = before->parent;
        change.name_before = before->name;
    }
    if (after) {
        change.inode = after->inode;
        change.parent_after = after->parent;
        change.name_after = after->name;
    }
    return change;
}

void compare_trees(const TreeView& before, const TreeView& after, std::vector<Changed>& out) {
    std::vector<EntryRef> old;
    before.visit_entries(kRootInode, [&](const EntryRef& entry) {
        old.push_back(entry);
        return true;
    });
    auto next = old.begin();
    after.visit_entries(kRootInode, [&](const EntryRef& entry) {
        for (; next != old.end() && (*next)->inode < entry->inode; ++next) {
            out.push_back(changed(*next, nullptr));
        }
        const bool both = next != old.end() && (*next)->inode == entry->inode;
        const EntryRef was = both ? *next : nullptr;
        if (!was || was->digest != entry->digest) {
            out.push_back(changed(was, entry));
        }
        next += both ? 1 : 0;
        return true;
    });
    for (; next != old.end(); ++next) {
        out.push_back(changed(*next, nullptr));
    }
}

}  // namespace cfs
