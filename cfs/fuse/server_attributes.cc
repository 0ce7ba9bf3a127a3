// Requests about attributes: lookup, stat, chmod, chown, truncate, utimens, statfs.
#include <cerrno>

#include "cfs/fuse/refusal.h"
#include "cfs/fuse/server_detail.h"

namespace cfs {

namespace {

constexpr int kOwner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
constexpr int kTimes = FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW;

bool owner_allowed(const struct stat& wanted, int which, gid_t group) {
    const bool user = (which & FUSE_SET_ATTR_UID) == 0 || wanted.st_uid == 0;
    return user && ((which & FUSE_SET_ATTR_GID) == 0 || wanted.st_gid == group);
}

// A directory in priv/lock.
bool is_lock(const TreeView& view, const Entry& entry) {
    return entry.is_directory() && entry.inode != kRootInode &&
           view.path_of(entry.parent) == "/priv/lock";
}

std::vector<Wish> attribute_wishes(const TreeView& view, const Entry& entry,
                                   const struct stat& wanted, int which) {
    std::vector<Wish> wishes;
    const std::uint64_t now = wall_clock();
    if ((which & FUSE_SET_ATTR_SIZE) != 0) {
        wishes.push_back({now, Truncate{entry.inode, static_cast<std::uint64_t>(wanted.st_size)}});
    }
    if ((which & kTimes) == 0) {
        return wishes;
    }
    const bool to_now = (which & FUSE_SET_ATTR_MTIME_NOW) != 0;
    const std::uint64_t time = to_now ? now : static_cast<std::uint64_t>(wanted.st_mtim.tv_sec);
    if (time == 0 && is_lock(view, entry)) {
        wishes.push_back({now, RequestUnlock{entry.inode, entry.version}});
    } else {
        wishes.push_back({now, SetTime{entry.inode, time}});
    }
    return wishes;
}

}  // namespace

struct stat Server::stat_of(const ViewEntry& entry) {
    return view_attributes(entry, text(entry.kind).size(), options_.started, ownership());
}

void Server::lookup(fuse_req_t request, Place place) {
    const ViewEntry* shown = place.parent == kKernelRoot ? find_view(place.name) : nullptr;
    if (shown != nullptr) {
        fuse_entry_param param{};
        param.ino = raw(kernel_inode(shown->kind));
        param.attr = stat_of(*shown);
        fuse_reply_entry(request, &param);
        return;
    }
    const ViewRef view = this->view();
    if (place.name.size() > view->limits().name_bytes_max) {
        fuse_reply_err(request, ENAMETOOLONG);
        return;
    }
    const EntryRef child = view->child(from_kernel(place.parent), place.name);
    const auto entry = child ? entry_of(child->inode) : std::optional<fuse_entry_param>{};
    if (entry) {
        fuse_reply_entry(request, &*entry);
    } else {
        fuse_reply_err(request, ENOENT);
    }
}

// A writer finds what it has written, though nobody else does yet. fstat(2) does not tell the
// kernel which handle it is about, so the thread that wrote last stands for it.
std::uint64_t Server::size_for(const Found& found, HandleId id, pid_t asking) {
    const std::lock_guard lock(mutex_);
    const bool removed = found.file && found.file->removed;
    std::uint64_t size = removed ? found.file->content.size() : found.entry->content.size();
    if (const HandleRef handle = open_.handle(id)) {
        return handle->buffer.size_over(size);
    }
    if (found.file) {
        for (const Handle* handle : found.file->handles) {
            size = handle->writer == asking ? handle->buffer.size_over(size) : size;
        }
    }
    return size;
}

void Server::answer_attributes(fuse_req_t request, KernelInode inode, HandleId id) {
    const Found found = find(inode);
    if (!found.entry) {
        fuse_reply_err(request, ESTALE);  // the kernel looks the path up again
        return;
    }
    struct stat st = found.removed ? removed_attributes(*found.entry, 0, ownership())
                                   : attributes(*found.view, *found.entry, ownership());
    if (!found.entry->is_directory()) {
        st.st_size = static_cast<off_t>(size_for(found, id, fuse_req_ctx(request)->pid));
    }
    fuse_reply_attr(request, &st, attribute_seconds(found.entry->inode));
}

void Server::get_attributes(fuse_req_t request, KernelInode inode, HandleId id) {
    const ViewEntry* shown = find_view(inode);
    if (shown == nullptr) {
        answer_attributes(request, inode, id);
        return;
    }
    struct stat st = stat_of(*shown);
    const std::lock_guard lock(mutex_);
    if (const OpenViewRef open = open_.view(id)) {
        st.st_size = static_cast<off_t>(open->text.size());
    }
    fuse_reply_attr(request, &st, 0);
}

void Server::read_link(fuse_req_t request, KernelInode inode) {
    const ViewEntry* shown = find_view(inode);
    if (shown == nullptr || !shown->link) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    fuse_reply_readlink(request, text(shown->kind).c_str());
}

void Server::statistics(fuse_req_t request) {
    const struct statvfs st = cfs::statistics(*view());
    fuse_reply_statfs(request, &st);
}

void Server::set_view_attributes(fuse_req_t request, const ViewEntry& entry,
                                 const struct stat& wanted, int which) {
    struct stat st = stat_of(entry);
    const auto same_mode = (wanted.st_mode & ALLPERMS) == (st.st_mode & ALLPERMS);
    int error = 0;
    if (((which & FUSE_SET_ATTR_MODE) != 0 && !same_mode) ||
        ((which & kOwner) != 0 && !owner_allowed(wanted, which, options_.group))) {
        error = EPERM;
    } else if ((which & FUSE_SET_ATTR_SIZE) != 0 &&
               (entry.kind != ViewKind::kDebug || wanted.st_size != 0)) {
        error = EIO;
    } else if ((which & kTimes) != 0) {
        error = EACCES;
    }
    if (error != 0) {
        fuse_reply_err(request, error);
    } else {
        fuse_reply_attr(request, &st, 0);
    }
}

void Server::set_removed_size(fuse_req_t request, OpenFile& file, std::uint64_t size) {
    bool fits = false;
    {
        const std::lock_guard lock(mutex_);
        fits = size <= std::max(view_->limits().file_bytes_max, file.content.size());
        if (fits) {
            file.content = file.content.resized(size);
        }
    }
    if (fits) {
        answer_attributes(request, to_kernel(file.entry->inode), {});
    } else {
        fuse_reply_err(request, EFBIG);
    }
}

void Server::set_attributes(fuse_req_t request, KernelInode inode, const struct stat& wanted,
                            int which) {
    if (const ViewEntry* shown = find_view(inode)) {
        set_view_attributes(request, *shown, wanted, which);
        return;
    }
    const Found found = find(inode);
    if (!found.entry) {
        fuse_reply_err(request, ESTALE);
        return;
    }
    const bool mode_changes = (which & FUSE_SET_ATTR_MODE) != 0 && !found.removed &&
                              !mode_allowed(*found.view, *found.entry, wanted.st_mode);
    if (mode_changes || !owner_allowed(wanted, which, options_.group)) {
        fuse_reply_err(request, EPERM);
        return;
    }
    const bool resize = (which & FUSE_SET_ATTR_SIZE) != 0;
    const bool retime = (which & kTimes) != 0;
    if (found.removed && resize && found.file) {
        set_removed_size(request, *found.file, static_cast<std::uint64_t>(wanted.st_size));
        return;
    }
    if (found.removed || (!resize && !retime)) {
        answer_attributes(request, inode, {});
        return;
    }
    if (retime && (which & FUSE_SET_ATTR_MTIME_NOW) == 0 && wanted.st_mtim.tv_sec < 0) {
        fuse_reply_err(request, EINVAL);
    } else if (!files_.writable()) {
        fuse_reply_err(request, EACCES);
    } else {
        change_attributes(pending_.add(request), found.entry,
                          attribute_wishes(*found.view, *found.entry, wanted, which));
    }
}

// What processes of this node have written comes first, though it may be in buffers yet: else it
// would undo the change when it is flushed.
void Server::change_attributes(Ticket ticket, const EntryRef& entry, std::vector<Wish> wishes) {
    const auto decided = [this, ticket, inode = entry->inode](const std::vector<Done>& all) {
        for (const Done& done : all) {
            if (const int error = errno_of(done); error != 0) {
                pending_.answer_error(ticket, error);
                return;
            }
        }
        pending_.answer(
            ticket, [&](fuse_req_t request) { answer_attributes(request, to_kernel(inode), {}); });
    };
    flush_all(entry->inode, [this, ticket, wishes = std::move(wishes), decided](int error) {
        if (error != 0) {
            pending_.answer_error(ticket, error);
        } else {
            ask_all(wishes, decided);
        }
    });
}

}  // namespace cfs
