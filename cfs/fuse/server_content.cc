// Requests about open files: create, open, read, write, release.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "cfs/fuse/refusal.h"
#include "cfs/fuse/server_detail.h"

namespace cfs {

namespace {

bool wants_to_write(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

}  // namespace

// ---- open ---------------------------------------------------------------------------------------

// Every read and write comes here, past the kernel's pages: those would be shared between a writer,
// who sees what it has written, and readers, who do not yet.
HandleId Server::open_handle(Inode inode, fuse_file_info& info) {
    const std::lock_guard lock(mutex_);
    const Found found = find_locked(inode);
    if (!found.entry) {
        return {};
    }
    const HandleId id = open_.open(found.entry, info.flags, found.removed);
    info.direct_io = 1;
    info.noflush = wants_to_write(info.flags) ? 0 : 1;
    info.fh = static_cast<std::uint64_t>(id);
    return id;
}

void Server::open_view(fuse_req_t request, const ViewEntry& entry, fuse_file_info info) {
    if ((info.flags & O_TRUNC) != 0 && entry.kind != ViewKind::kDebug) {
        fuse_reply_err(request, EIO);
        return;
    }
    OpenView open{entry.kind, text(entry.kind)};
    {
        const std::lock_guard lock(mutex_);
        info.fh = static_cast<std::uint64_t>(open_.open(std::move(open)));
    }
    info.direct_io = 1;
    fuse_reply_open(request, &info);
}

void Server::open(fuse_req_t request, KernelInode inode, const fuse_file_info& info) {
    if (const ViewEntry* shown = find_view(inode)) {
        open_view(request, *shown, info);
        return;
    }
    const bool write = wants_to_write(info.flags);
    const Found found = find(inode);
    if (!found.entry || (found.removed && !found.file && write)) {
        fuse_reply_err(request, ESTALE);  // the kernel looks the path up again
        return;
    }
    if (write && !files_.writable()) {
        fuse_reply_err(request, EACCES);
        return;
    }
    if ((info.flags & O_TRUNC) != 0 && !found.removed) {
        open_truncated(request, found.entry->inode, info);
        return;
    }
    fuse_file_info opened = info;
    const HandleId id = open_handle(found.entry->inode, opened);
    if (id == HandleId{}) {
        fuse_reply_err(request, ESTALE);
    } else if (fuse_reply_open(request, &opened) == -ENOENT) {
        release(id);  // the caller was killed meanwhile
    }
}

void Server::open_truncated(fuse_req_t request, Inode inode, const fuse_file_info& info) {
    ask(request, {wall_clock(), Truncate{inode, 0}},
        [this, inode, info](Ticket ticket, const Done& done) {
            if (const int error = errno_of(done); error != 0) {
                pending_.answer_error(ticket, error);
                return;
            }
            answer_open(ticket, inode, info);
        });
}

void Server::answer_open(Ticket ticket, Inode inode, fuse_file_info info) {
    HandleId unwanted{};
    pending_.answer(ticket, [&](fuse_req_t request) {
        const HandleId id = open_handle(inode, info);
        if (id == HandleId{}) {
            fuse_reply_err(request, ESTALE);
        } else if (fuse_reply_open(request, &info) == -ENOENT) {
            unwanted = id;
        }
    });
    release(unwanted);
}

void Server::create(fuse_req_t request, Place place, const fuse_file_info& info) {
    const Inode parent = from_kernel(place.parent);
    const bool exclusive = (info.flags & O_EXCL) != 0;
    ask(request,
        wish_of(Names{std::string(place.name)},
                [&](const Names& names) {
                    return Create{parent, names.name, exclusive};
                }),
        [this, info](Ticket ticket, const Done& done) {
            if (const int error = errno_of(done); error != 0) {
                pending_.answer_error(ticket, error);
                return;
            }
            const Inode inode = done.outcome.inode;
            const EntryRef entry = view()->find(inode);
            if ((info.flags & O_TRUNC) == 0 || !entry || entry->content.size() == 0) {
                answer_create(ticket, inode, info);
                return;
            }
            // Another node made it first, and wrote.
            ask_all({{wall_clock(), Truncate{inode, 0}}},
                    [this, ticket, inode, info](const std::vector<Done>& truncated) {
                        if (const int error = errno_of(truncated.front()); error != 0) {
                            pending_.answer_error(ticket, error);
                        } else {
                            answer_create(ticket, inode, info);
                        }
                    });
        });
}

void Server::answer_create(Ticket ticket, Inode inode, fuse_file_info info) {
    HandleId unwanted{};
    pending_.answer(ticket, [&](fuse_req_t request) {
        const HandleId id = open_handle(inode, info);
        const Found found = find(to_kernel(inode));
        if (id == HandleId{} || !found.entry) {
            fuse_reply_err(request, ESTALE);  // another node has removed it again
            return;
        }
        fuse_entry_param param{};
        param.ino = raw(to_kernel(inode));
        param.attr = found.removed ? removed_attributes(*found.entry, 0, ownership())
                                   : attributes(*found.view, *found.entry, ownership());
        if (fuse_reply_create(request, &param, &info) == -ENOENT) {
            unwanted = id;
        }
    });
    release(unwanted);
}

void Server::release(HandleId id) {
    const std::lock_guard lock(mutex_);
    open_.close(id);
}

// ---- read and write -----------------------------------------------------------------------------

void Server::read(fuse_req_t request, HandleId id, std::size_t size, std::uint64_t offset) {
    std::vector<std::byte> bytes;
    std::size_t count = 0;
    {
        const std::lock_guard lock(mutex_);
        if (const OpenViewRef open = open_.view(id)) {
            const std::size_t from = std::min<std::uint64_t>(offset, open->text.size());
            const auto rest = std::as_bytes(std::span(open->text)).subspan(from);
            bytes.assign(rest.begin(),
                         rest.begin() + static_cast<std::ptrdiff_t>(std::min(size, rest.size())));
            count = bytes.size();
        } else if (const HandleRef handle = open_.handle(id)) {
            const Content& content = handle->file->current();
            const std::uint64_t end = handle->buffer.size_over(content.size());
            bytes.resize(std::min<std::uint64_t>(size, end - std::min(end, offset)));
            count = handle->buffer.read(content, offset, bytes);
        }
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as libfuse has them
    fuse_reply_buf(request, reinterpret_cast<const char*>(bytes.data()), count);
}

// Checks what can be said without the cluster and puts it into the buffer. What goes past the limit
// of a file is cut off.
int Server::write_into(Handle& handle, Bytes& data, std::uint64_t offset) {
    const OpenFile& file = *handle.file;
    const std::uint64_t stored = file.current().size();
    const std::uint64_t at = handle.append ? handle.buffer.size_over(stored) : offset;
    const Limits& limits = view_->limits();
    const std::uint64_t most = std::max(limits.file_bytes_max, stored);
    if (at >= most) {
        return data.empty() ? 0 : EFBIG;
    }
    data = data.first(std::min<std::uint64_t>(data.size(), most - at));
    const std::uint64_t end = at + data.size();
    const bool grows = end > stored && !file.removed;
    if (grows && view_->summary().bytes + (end - stored) > limits.total_bytes_max) {
        return ENOSPC;
    }
    if (handle.append) {
        handle.buffer.append(stored, data);
    } else {
        handle.buffer.write(at, data);
    }
    return 0;
}

void Server::write_view(fuse_req_t request, const OpenView& open, Bytes data,
                        std::uint64_t offset) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as text
    const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    const auto on = open.kind == ViewKind::kDebug ? parse_debug(text, offset) : std::nullopt;
    if (!on) {
        fuse_reply_err(request, EIO);
        return;
    }
    files_.set_debug(*on);
    fuse_reply_write(request, data.size());
}

void Server::write(fuse_req_t request, HandleId id, Bytes data, std::uint64_t offset) {
    const bool writable = files_.writable();
    int error = 0;
    OpenViewRef shown;
    {
        const std::lock_guard lock(mutex_);
        shown = open_.view(id);
        const HandleRef handle = open_.handle(id);
        if (!handle) {
            error = EBADF;
        } else if (!writable && !handle->file->removed) {
            error = EACCES;
        } else {
            error = write_into(*handle, data, offset);
            handle->writer = fuse_req_ctx(request)->pid;
        }
    }
    if (shown) {
        write_view(request, *shown, data, offset);
    } else if (error != 0) {
        fuse_reply_err(request, error);
    } else {
        fuse_reply_write(request, data.size());
    }
}

}  // namespace cfs
