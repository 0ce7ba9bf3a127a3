#include "cfs/fuse/path_versions.h"

#include <algorithm>
#include <optional>
#include <string>

#include "cfs/core/name.h"

namespace cfs {

namespace {

// N of nodes/NAME/TYPE/N.conf.
std::optional<std::uint32_t> guest_of(const TreeView& view, const Entry& entry) {
    const EntryRef type = view.find(entry.parent);
    const auto id = guest_id(entry.name);
    if (entry.is_directory() || !id || !type || !guest_type(type->name)) {
        return std::nullopt;
    }
    const EntryRef node = view.find(type->parent);
    const EntryRef nodes = node ? view.find(node->parent) : nullptr;
    const bool in_place = nodes && nodes->parent == kRootInode && nodes->inode != kRootInode &&
                          nodes->name == "nodes" && node->inode != kRootInode &&
                          is_node_name(node->name);
    return in_place ? id : std::nullopt;
}

}  // namespace

void PathVersions::on_entry(const TreeView& view, const Entry& entry) {
    if (const auto guest = guest_of(view, entry)) {
        guest_[*guest] = ++guests_;
        return;
    }
    if (entry.is_directory()) {
        return;
    }
    const std::string path = view.path_of(entry.inode);
    const auto* const found = std::find(kWatched.begin(), kWatched.end(),
                                        std::string_view(path).substr(path.empty() ? 0 : 1));
    if (found != kWatched.end()) {
        ++counts_.at(static_cast<std::size_t>(found - kWatched.begin()));
    }
}

void PathVersions::on_published(const TreeView& before, const TreeView& after,
                                const std::vector<Changed>& changed) {
    for (const Changed& change : changed) {
        const EntryRef was = before.find(change.inode);
        const EntryRef is = after.find(change.inode);
        if (is) {
            on_entry(after, *is);
        }
        // What went from a place changed that place too; what stayed there was counted.
        if (was && (!is || is->parent != was->parent || is->name != was->name)) {
            on_entry(before, *was);
        }
        if (was && !is) {
            if (const auto guest = guest_of(before, *was)) {
                guest_.erase(*guest);
            }
        }
    }
}

std::uint64_t PathVersions::guest(std::uint32_t id) const {
    const auto found = guest_.find(id);
    return found == guest_.end() ? 1 : found->second;
}

}  // namespace cfs
