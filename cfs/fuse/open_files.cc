#include "cfs/fuse/open_files.h"

#include <algorithm>
#include <fcntl.h>
#include <utility>

namespace cfs {

bool OpenFile::has_writers() const noexcept {
    return std::any_of(handles.begin(), handles.end(),
                       [](const Handle* one) { return one->write; });
}

HandleId OpenFiles::keep(Opened opened) {
    const HandleId id{++last_};
    opened_.emplace(id, std::move(opened));
    return id;
}

HandleId OpenFiles::open(const EntryRef& entry, int flags, bool removed) {
    std::shared_ptr<OpenFile>& file = files_[entry->inode];
    if (!file) {
        file = std::make_shared<OpenFile>();
        file->entry = entry;
        file->removed = removed;
        file->content = removed ? entry->content : Content{};
    }
    const auto handle = std::make_shared<Handle>();
    handle->file = file;
    handle->write = (flags & O_ACCMODE) != O_RDONLY;
    handle->append = (flags & O_APPEND) != 0;
    file->handles.push_back(handle.get());
    return keep(handle);
}

HandleId OpenFiles::open(OpenView view) {
    return keep(std::make_shared<const OpenView>(std::move(view)));
}

HandleId OpenFiles::open(OpenDirectory directory) {
    return keep(std::make_shared<OpenDirectory>(std::move(directory)));
}

void OpenFiles::close(HandleId id) {
    if (const HandleRef closed = handle(id)) {
        std::erase(closed->file->handles, closed.get());
        if (closed->file->handles.empty()) {
            files_.erase(closed->file->entry->inode);
        }
    }
    opened_.erase(id);
}

HandleRef OpenFiles::handle(HandleId id) const {
    const auto found = opened_.find(id);
    const auto* one = found == opened_.end() ? nullptr : std::get_if<HandleRef>(&found->second);
    return one != nullptr ? *one : nullptr;
}

OpenViewRef OpenFiles::view(HandleId id) const {
    const auto found = opened_.find(id);
    const auto* one = found == opened_.end() ? nullptr : std::get_if<OpenViewRef>(&found->second);
    return one != nullptr ? *one : nullptr;
}

OpenDirectoryRef OpenFiles::directory(HandleId id) const {
    const auto found = opened_.find(id);
    const auto* one =
        found == opened_.end() ? nullptr : std::get_if<OpenDirectoryRef>(&found->second);
    return one != nullptr ? *one : nullptr;
}

std::shared_ptr<OpenFile> OpenFiles::file(Inode inode) const {
    const auto found = files_.find(inode);
    return found == files_.end() ? nullptr : found->second;
}

std::vector<Inode> OpenFiles::inodes() const {
    std::vector<Inode> all;
    all.reserve(files_.size());
    for (const auto& [inode, file] : files_) {
        all.push_back(inode);
    }
    return all;
}

std::vector<Listed> list_directory(const TreeView& view, const Entry& directory) {
    std::vector<Listed> entries;
    const bool root = directory.inode == kRootInode;
    if (root) {
        for (const ViewEntry& one : views()) {
            entries.push_back({std::string(one.name), kernel_inode(one.kind), false, one.link});
        }
    }
    view.visit_children(directory.inode, {}, [&](const EntryRef& entry) {
        if (!root || find_view(entry->name) == nullptr) {
            entries.push_back({entry->name, to_kernel(entry->inode), entry->is_directory(), false});
        }
        return true;
    });
    if (root) {
        std::sort(entries.begin(), entries.end(),
                  [](const Listed& a, const Listed& b) { return a.name < b.name; });
    }
    const Listed self{".", to_kernel(directory.inode), true, false};
    const Listed above{"..", to_kernel(directory.parent), true, false};
    entries.insert(entries.begin(), {self, above});
    return entries;
}

}  // namespace cfs
