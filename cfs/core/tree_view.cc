#include "cfs/core/tree_view.h"

#include <algorithm>

namespace cfs {

EntryRef TreeView::find(Inode inode) const {
    const EntryRef* found = by_inode_.find(inode);
    return found != nullptr ? *found : nullptr;
}

EntryRef TreeView::child(Inode directory, std::string_view name) const {
    const EntryRef* found = by_name_.find({directory, name});
    return found != nullptr ? *found : nullptr;
}

EntryRef TreeView::resolve(std::string_view path) const {
    EntryRef at = find(kRootInode);
    auto [name, rest] = split_first(path);
    while (at && !name.empty()) {
        at = child(at->inode, name);
        const auto next = split_first(rest);
        name = next.first;
        rest = next.second;
    }
    return at;
}

bool TreeView::has_children(Inode directory) const {
    bool any = false;
    visit_children(directory, {}, [&any](const EntryRef& /*entry*/) {
        any = true;
        return false;
    });
    return any;
}

std::uint64_t TreeView::subdirectories(Inode directory) const {
    std::uint64_t count = 0;
    by_name_.cover(
        {directory, {}}, {Inode{raw(directory) + 1}, {}},
        [&count](const Directories& part) { count += part.count; },
        [&count](const Entry& entry) { count += entry.is_directory() ? 1 : 0; });
    return count;
}

std::string TreeView::path_of(Inode inode) const {
    std::vector<EntryRef> chain;
    EntryRef at = find(inode);
    while (at && at->inode != kRootInode) {
        chain.push_back(at);
        at = find(at->parent);
    }
    if (!at) {
        return {};
    }
    std::string path;
    for (auto entry = chain.rbegin(); entry != chain.rend(); ++entry) {
        path += '/';
        path += (*entry)->name;
    }
    return path.empty() ? "/" : path;
}

Summary TreeView::summary(Inode from, Inode to) const {
    Summary total;
    if (from < to) {
        by_inode_.cover(
            from, to, [&total](const Summary& part) { total += part; },
            [&total](const Entry& entry) { total.add(entry); });
    }
    return total;
}

std::vector<Guest> TreeView::guests() const {
    std::vector<Guest> found;
    const EntryRef nodes = child(kRootInode, "nodes");
    if (!nodes) {
        return found;
    }
    const auto in_type = [&](const EntryRef& node, const EntryRef& directory) {
        const auto type = guest_type(directory->name);
        if (!type || !directory->is_directory()) {
            return;
        }
        visit_children(directory->inode, {}, [&](const EntryRef& file) {
            const auto id = guest_id(file->name);
            if (id && !file->is_directory()) {
                found.push_back({*id, *type, node->name, file});
            }
            return true;
        });
    };
    visit_children(nodes->inode, {}, [&](const EntryRef& node) {
        if (is_node_name(node->name)) {
            visit_children(node->inode, {}, [&](const EntryRef& directory) {
                in_type(node, directory);
                return true;
            });
        }
        return true;
    });
    std::sort(found.begin(), found.end(),
              [](const Guest& a, const Guest& b) { return a.id < b.id; });
    return found;
}

}  // namespace cfs
