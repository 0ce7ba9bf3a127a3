// The tree's own housekeeping: both indexes, the register of guests, what changed, replacing.
#include "cfs/core/tree.h"

#include <algorithm>
#include <set>
#include <utility>

#include "totem/core/check.h"

namespace cfs {

namespace {

constexpr std::uint64_t kFirstVersion = 1;

}  // namespace

const char* to_string(TreeProblem problem) noexcept {
    switch (problem) {
        case TreeProblem::kNone:
            return "none";
        case TreeProblem::kNoRoot:
            return "there is no root directory";
        case TreeProblem::kTwice:
            return "an inode or a name is there twice";
        case TreeProblem::kNoParent:
            return "an entry is in no directory";
        case TreeProblem::kBadName:
            return "an entry has a name that is none";
        case TreeProblem::kNewerThanTree:
            return "an entry is newer than the tree";
        case TreeProblem::kGuestTwice:
            return "a guest has two configurations";
        case TreeProblem::kUnreachable:
            return "a directory is inside of itself";
    }
    return "unknown";
}

Tree::Tree() {
    Entry root;
    root.version = kFirstVersion;
    root.type = FileType::kDirectory;
    put(nullptr, sealed(std::move(root)));
}

TreeView Tree::share() {
    TreeView shared;
    shared.by_inode_ = view_.by_inode_.share();
    shared.by_name_ = view_.by_name_.share();
    shared.limits_ = view_.limits_;
    return shared;
}

Tree Tree::fork() {
    Tree second(Forked{});
    second.view_ = share();
    second.guests_ = guests_;
    return second;
}

// ---- changes ------------------------------------------------------------------------------------

Tree::Stamp Tree::advance(Author author) {
    const EntryRef before = view_.find(kRootInode);
    Entry root = *before;
    const Stamp stamp{root.version + 1, author};
    TOTEM_CHECK(stamp.version < kInodeCeiling);
    put(before, stamped(std::move(root), stamp));
    return stamp;
}

EntryRef Tree::stamped(Entry entry, const Stamp& stamp) {
    entry.version = stamp.version;
    entry.writer = stamp.author.node;
    entry.mtime = stamp.author.time;
    return sealed(std::move(entry));
}

// Keeps both indexes, the guests and the list of changes in step. `before` is what is there now.
void Tree::put(const EntryRef& before, const EntryRef& after) {
    const Inode inode = before ? before->inode : after->inode;
    const bool moved =
        before && after && (before->parent != after->parent || before->name != after->name);
    if (before && inode != kRootInode && (!after || moved)) {
        if (const auto guest = guest_of(*before)) {
            guests_.erase(*guest);
        }
        view_.by_name_.erase({before->parent, before->name});
    }
    if (after) {
        view_.by_inode_.put(after);
        if (inode != kRootInode) {
            view_.by_name_.put(after);
        }
        if (!before || moved) {
            if (const auto guest = guest_of(*after)) {
                guests_[*guest] = inode;
            }
        }
    } else {
        view_.by_inode_.erase(inode);
    }
    changes_.push_back({inode, before, after});
}

std::vector<TreeChange> Tree::take_changes() {
    std::vector<TreeChange> all = std::exchange(changes_, {});
    std::stable_sort(all.begin(), all.end(),
                     [](const TreeChange& a, const TreeChange& b) { return a.inode < b.inode; });
    std::vector<TreeChange> merged;
    for (TreeChange& change : all) {
        if (!merged.empty() && merged.back().inode == change.inode) {
            merged.back().after = std::move(change.after);
        } else {
            merged.push_back(std::move(change));
        }
    }
    std::erase_if(merged, [](const TreeChange& change) { return change.before == change.after; });
    return merged;
}

// ---- guests -------------------------------------------------------------------------------------

// nodes/NAME/TYPE, where `N.conf` is a guest's configuration (cfs.md 4.1).
bool Tree::in_guest_place(Inode parent) const {
    const EntryRef type = view_.find(parent);
    if (!type || type->inode == kRootInode || !guest_type(type->name)) {
        return false;
    }
    const EntryRef node = view_.find(type->parent);
    if (node->inode == kRootInode || !is_node_name(node->name)) {
        return false;
    }
    const EntryRef nodes = view_.find(node->parent);
    return nodes->inode != kRootInode && nodes->name == "nodes" && nodes->parent == kRootInode;
}

std::optional<std::uint32_t> Tree::guest_of(const Entry& entry) const {
    const auto id = guest_id(entry.name);
    if (!id || entry.is_directory() || !in_guest_place(entry.parent)) {
        return std::nullopt;
    }
    return id;
}

// Whether a file put at this place would give a guest a second configuration. What is at the place
// now does not count, nor does `source`, which would be moved there.
bool Tree::guest_taken(Inode parent, std::string_view name, const Entry* source) const {
    const auto id = guest_id(name);
    if (!id || !in_guest_place(parent)) {
        return false;
    }
    const auto taken = guests_.find(*id);
    if (taken == guests_.end() || (source != nullptr && taken->second == source->inode)) {
        return false;
    }
    const EntryRef here = view_.child(parent, name);
    return !here || here->inode != taken->second;
}

bool Tree::index_guests() {
    guests_.clear();
    return std::ranges::all_of(view_.guests(), [&](const Guest& guest) {
        return guests_.emplace(guest.id, guest.file->inode).second;
    });
}

// ---- replacing ----------------------------------------------------------------------------------

TreeProblem Tree::replace(const std::vector<EntryRef>& put_entries, const std::vector<Inode>& gone,
                          const Limits& limits) {
    view_.limits_ = limits;
    std::vector<TreeChange> changes;
    // First everything old goes, so that names can change hands in any order.
    const auto take_out = [&](Inode inode) {
        const EntryRef before = view_.find(inode);
        changes.push_back({inode, before, nullptr});
        if (before) {
            view_.by_inode_.erase(inode);
            if (inode != kRootInode) {
                view_.by_name_.erase({before->parent, before->name});
            }
        }
    };
    std::set<Inode> seen;
    for (const EntryRef& entry : put_entries) {
        if (!seen.insert(entry->inode).second) {
            return TreeProblem::kTwice;
        }
        take_out(entry->inode);
        changes.back().after = entry;
    }
    for (const Inode inode : gone) {
        if (!seen.insert(inode).second) {
            return TreeProblem::kTwice;
        }
        take_out(inode);
    }
    for (const EntryRef& entry : put_entries) {
        view_.by_inode_.put(entry);
        if (entry->inode == kRootInode) {
            continue;
        }
        if (view_.by_name_.find({entry->parent, entry->name}) != nullptr) {
            return TreeProblem::kTwice;
        }
        view_.by_name_.put(entry);
    }
    changes_.insert(changes_.end(), changes.begin(), changes.end());
    const TreeProblem problem = check_changed(put_entries);
    if (problem != TreeProblem::kNone) {
        return problem;
    }
    return index_guests() ? TreeProblem::kNone : TreeProblem::kGuestTwice;
}

TreeProblem Tree::check_entry(const Entry& entry) const {
    if (entry.inode == kRootInode) {
        const bool good = entry.is_directory() && entry.parent == kRootInode && entry.name.empty();
        return good ? TreeProblem::kNone : TreeProblem::kNoRoot;
    }
    const EntryRef parent = view_.find(entry.parent);
    if (!parent || !parent->is_directory()) {
        return TreeProblem::kNoParent;
    }
    if (check_name(entry.name, kNameBytesCeiling) != Errno::kOk) {
        return TreeProblem::kBadName;
    }
    const std::uint64_t version = view_.version();
    const bool old = raw(entry.inode) <= version && entry.version <= version;
    return old ? TreeProblem::kNone : TreeProblem::kNewerThanTree;
}

// Whole trees and differences alike: also what kept its place may have lost its parent.
TreeProblem Tree::check_changed(const std::vector<EntryRef>& put_entries) const {
    if (!view_.find(kRootInode)) {
        return TreeProblem::kNoRoot;
    }
    for (const EntryRef& entry : put_entries) {
        const TreeProblem problem = check_entry(*entry);
        if (problem != TreeProblem::kNone) {
            return problem;
        }
    }
    // Every entry must be met on the way down from the root.
    std::uint64_t reached = 1;
    std::vector<Inode> directories{kRootInode};
    while (!directories.empty()) {
        const Inode directory = directories.back();
        directories.pop_back();
        view_.visit_children(directory, {}, [&](const EntryRef& entry) {
            ++reached;
            if (entry->is_directory()) {
                directories.push_back(entry->inode);
            }
            return true;
        });
    }
    return reached == view_.summary().inodes ? TreeProblem::kNone : TreeProblem::kUnreachable;
}

}  // namespace cfs
