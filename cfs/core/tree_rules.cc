// What each operation checks and does. The order of the checks is part of the contract: every
// replica must give the same answer.
#include <algorithm>
#include <utility>

#include "cfs/core/tree.h"

namespace cfs {

// ---- checks -------------------------------------------------------------------------------------

Errno Tree::check_directory(Inode inode) const {
    const EntryRef entry = view_.find(inode);
    if (!entry) {
        return Errno::kNotFound;
    }
    return entry->is_directory() ? Errno::kOk : Errno::kNotDirectory;
}

// Limits refuse growth only: when one was lowered, what is there may be kept and made smaller.
Errno Tree::check_growth(const EntryRef& file, std::uint64_t size) const {
    const std::uint64_t before = file->content.size();
    if (size <= before) {
        return Errno::kOk;
    }
    if (size > view_.limits().file_bytes_max) {
        return Errno::kFileTooBig;
    }
    const bool fits = view_.summary().bytes + (size - before) <= view_.limits().total_bytes_max;
    return fits ? Errno::kOk : Errno::kNoSpace;
}

bool Tree::is_lock_root(Inode inode) const {
    const EntryRef lock = view_.find(inode);
    if (!lock || lock->inode == kRootInode || lock->name != "lock") {
        return false;
    }
    const EntryRef priv = view_.find(lock->parent);
    return priv->inode != kRootInode && priv->name == "priv" && priv->parent == kRootInode;
}

bool Tree::is_lock(const Entry& entry) const {
    return entry.is_directory() && is_lock_root(entry.parent);
}

bool Tree::below_lock_root(const EntryRef& entry) const {
    for (EntryRef at = entry; at->inode != kRootInode; at = view_.find(at->parent)) {
        if (is_lock_root(at->parent)) {
            return true;
        }
    }
    return false;
}

// ---- names --------------------------------------------------------------------------------------

Outcome Tree::make(Inode parent, std::string_view name, FileType type, Author author) {
    if (const Errno error = check_directory(parent); error != Errno::kOk) {
        return refuse(error);
    }
    if (const Errno error = check_name(name, view_.limits().name_bytes_max); error != Errno::kOk) {
        return refuse(error);
    }
    if ((parent == kRootInode && is_view(name)) || view_.child(parent, name)) {
        return refuse(Errno::kExists);
    }
    if (type == FileType::kRegular && guest_taken(parent, name, nullptr)) {
        return refuse(Errno::kExists);
    }
    if (view_.summary().inodes >= view_.limits().inodes_max) {
        return refuse(Errno::kNoSpace);
    }
    const Stamp stamp = advance(author);
    Entry entry;
    entry.inode = Inode{stamp.version};
    entry.parent = parent;
    entry.type = type;
    entry.name = name;
    put(nullptr, stamped(std::move(entry), stamp));
    return {Errno::kOk, Inode{stamp.version}, stamp.version};
}

Outcome Tree::apply(const Create& change, Author author) {
    if (!change.exclusive) {
        const EntryRef there = view_.child(change.parent, change.name);
        if (there && !there->is_directory()) {
            return {Errno::kOk, there->inode, view_.version()};
        }
    }
    return make(change.parent, change.name, FileType::kRegular, author);
}

Outcome Tree::apply(const MakeDirectory& change, Author author) {
    return make(change.parent, change.name, FileType::kDirectory, author);
}

Outcome Tree::remove(const EntryRef& entry, Author author) {
    const Stamp stamp = advance(author);
    put(entry, nullptr);
    return {Errno::kOk, entry->inode, stamp.version};
}

// What stands under a name that is to go, or why it may not.
totem::Result<EntryRef, Errno> Tree::removable(Inode parent, std::string_view name) const {
    if (const Errno error = check_directory(parent); error != Errno::kOk) {
        return totem::Unexpected{error};
    }
    if (parent == kRootInode && is_view(name)) {
        return totem::Unexpected{Errno::kAccess};
    }
    EntryRef entry = view_.child(parent, name);
    if (!entry) {
        return totem::Unexpected{Errno::kNotFound};
    }
    return entry;
}

Outcome Tree::apply(const Unlink& change, Author author) {
    const auto found = removable(change.parent, change.name);
    if (!found) {
        return refuse(found.error());
    }
    const EntryRef& entry = *found;
    return entry->is_directory() ? refuse(Errno::kIsDirectory) : remove(entry, author);
}

Outcome Tree::apply(const RemoveDirectory& change, Author author) {
    const auto found = removable(change.parent, change.name);
    if (!found) {
        return refuse(found.error());
    }
    const EntryRef& entry = *found;
    if (!entry->is_directory()) {
        return refuse(Errno::kNotDirectory);
    }
    // A lock is released by who holds it; anybody else waits until it expires.
    if (is_lock(*entry) && entry->writer != author.node) {
        return refuse(Errno::kAccess);
    }
    if (view_.has_children(entry->inode)) {
        return refuse(Errno::kNotEmpty);
    }
    return remove(entry, author);
}

Errno Tree::check_move(const Rename& change, const EntryRef& source, const EntryRef& target) const {
    if (below_lock_root(source) || is_lock_root(change.new_parent) ||
        below_lock_root(view_.find(change.new_parent))) {
        return Errno::kAccess;
    }
    if (change.new_parent == source->inode) {
        return Errno::kInvalid;
    }
    if (target && source->is_directory() != target->is_directory()) {
        return target->is_directory() ? Errno::kIsDirectory : Errno::kNotDirectory;
    }
    // By design: no directory moves with what is in it, so that guests stay where they are.
    if (source->is_directory() && view_.has_children(source->inode)) {
        return Errno::kNotEmpty;
    }
    if (target && target->is_directory() && view_.has_children(target->inode)) {
        return Errno::kNotEmpty;
    }
    const bool file = !source->is_directory();
    return file && guest_taken(change.new_parent, change.new_name, source.get()) ? Errno::kExists
                                                                                 : Errno::kOk;
}

Outcome Tree::apply(const Rename& change, Author author) {
    for (const Inode directory : {change.parent, change.new_parent}) {
        if (const Errno error = check_directory(directory); error != Errno::kOk) {
            return refuse(error);
        }
    }
    if ((change.parent == kRootInode && is_view(change.name)) ||
        (change.new_parent == kRootInode && is_view(change.new_name))) {
        return refuse(Errno::kAccess);
    }
    const EntryRef source = view_.child(change.parent, change.name);
    if (!source) {
        return refuse(Errno::kNotFound);
    }
    const Errno name = check_name(change.new_name, view_.limits().name_bytes_max);
    if (name != Errno::kOk) {
        return refuse(name);
    }
    const EntryRef target = view_.child(change.new_parent, change.new_name);
    if (const Errno error = check_move(change, source, target); error != Errno::kOk) {
        return refuse(error);
    }
    if (target == source) {
        return {Errno::kOk, source->inode, view_.version()};
    }
    const Stamp stamp = advance(author);
    if (target) {
        put(target, nullptr);
    }
    Entry moved = *source;
    moved.parent = change.new_parent;
    moved.name = change.new_name;
    put(source, stamped(std::move(moved), stamp));
    return {Errno::kOk, source->inode, stamp.version};
}

// ---- content ------------------------------------------------------------------------------------

Outcome Tree::change_content(const EntryRef& file, Content content, Author author) {
    const Stamp stamp = advance(author);
    Entry changed = *file;
    changed.content = std::move(content);
    put(file, stamped(std::move(changed), stamp));
    return {Errno::kOk, file->inode, stamp.version};
}

Outcome Tree::write_parts(Inode inode, const std::vector<Ranges>& parts, Author author) {
    const EntryRef file = view_.find(inode);
    if (!file) {
        return refuse(Errno::kStale);
    }
    if (file->is_directory()) {
        return refuse(Errno::kIsDirectory);
    }
    std::uint64_t size = file->content.size();
    for (const Ranges& ranges : parts) {
        size = std::max(size, ranges.back().offset + ranges.back().data.size());
    }
    if (const Errno error = check_growth(file, size); error != Errno::kOk) {
        return refuse(error);
    }
    Content content = file->content;
    for (const Ranges& ranges : parts) {
        content = content.written(ranges);
    }
    return change_content(file, std::move(content), author);
}

Outcome Tree::apply(const Write& change, Author author) {
    return write_parts(change.inode, {change.ranges}, author);
}

Outcome Tree::apply(const Truncate& change, Author author) {
    const EntryRef file = view_.find(change.inode);
    if (!file) {
        return refuse(Errno::kStale);
    }
    if (file->is_directory()) {
        return refuse(Errno::kIsDirectory);
    }
    if (const Errno error = check_growth(file, change.size); error != Errno::kOk) {
        return refuse(error);
    }
    return change_content(file, file->content.resized(change.size), author);
}

// ---- times and locks ----------------------------------------------------------------------------

Outcome Tree::apply(const SetTime& change, Author author) {
    const EntryRef entry = view_.find(change.inode);
    if (!entry) {
        return refuse(Errno::kStale);
    }
    if (entry->inode == kRootInode) {
        return refuse(Errno::kAccess);
    }
    if (is_lock(*entry) && (entry->writer != author.node || change.mtime < entry->mtime)) {
        return refuse(Errno::kAccess);
    }
    const Stamp stamp = advance(author);
    put(entry, stamped(*entry, {stamp.version, {author.node, change.mtime}}));
    return {Errno::kOk, entry->inode, stamp.version};
}

Outcome Tree::apply(const RequestUnlock& /*change*/, Author /*author*/) {
    return refuse(Errno::kAccess);
}

Outcome Tree::apply(const Unlock& change, Author author) {
    const EntryRef entry = view_.find(change.inode);
    if (!entry || entry->version != change.version) {
        return refuse(Errno::kStale);
    }
    if (!is_lock(*entry)) {
        return refuse(Errno::kAccess);
    }
    return view_.has_children(entry->inode) ? refuse(Errno::kNotEmpty) : remove(entry, author);
}

Outcome Tree::apply(const SetLimits& change, Author author) {
    if (!valid(change.limits)) {
        return refuse(Errno::kInvalid);
    }
    const Stamp stamp = advance(author);
    view_.limits_ = change.limits;
    return {Errno::kOk, {}, stamp.version};
}

}  // namespace cfs
