// How what was written gets into the tree: at flush, fsync, and before the file's attributes are
// changed.
#include <algorithm>
#include <cerrno>

#include "cfs/fuse/refusal.h"
#include "cfs/fuse/server_detail.h"

namespace cfs {

namespace {

// Calls `then` with the first error of `count` calls, after the last of them.
Flushed when_all(std::size_t count, Flushed then) {
    struct Run {
        std::mutex mutex;
        std::size_t left = 0;
        int error = 0;
    };
    auto run = std::make_shared<Run>();
    run->left = count;
    return [run, then = std::move(then)](int error) {
        int first = 0;
        {
            const std::lock_guard lock(run->mutex);
            run->error = run->error == 0 ? error : run->error;
            first = run->error;
            if (--run->left != 0) {
                return;
            }
        }
        then(first);
    };
}

void tell(const std::vector<Flushed>& all, int error) {
    for (const Flushed& one : all) {
        one(error);
    }
}

}  // namespace

void Server::flush(fuse_req_t request, HandleId id) {
    HandleRef handle;
    {
        const std::lock_guard lock(mutex_);
        handle = open_.handle(id);
    }
    if (!handle) {
        fuse_reply_err(request, 0);  // a virtual file or a directory: nothing waits
        return;
    }
    const Ticket ticket = pending_.add(request);
    flush(handle, [this, ticket, handle](int error) {
        {
            // What failed on behalf of another, who changed the file's attributes, is told here.
            const std::lock_guard lock(mutex_);
            const int before = std::exchange(handle->failed, 0);
            error = error != 0 ? error : before;
        }
        pending_.answer_error(ticket, error);
    });
}

void Server::flush_all(Inode inode, Flushed done) {
    std::vector<HandleRef> dirty;
    {
        const std::lock_guard lock(mutex_);
        if (const auto file = open_.file(inode)) {
            for (Handle* handle : file->handles) {
                if (handle->buffer.dirty() || handle->buffer.sending()) {
                    dirty.push_back(handle->shared_from_this());
                }
            }
        }
    }
    if (dirty.empty()) {
        done(0);
        return;
    }
    const Flushed one = when_all(dirty.size(), std::move(done));
    for (const HandleRef& handle : dirty) {
        flush(handle, one);
    }
}

void Server::flush(const HandleRef& handle, Flushed done) {
    int error = 0;
    {
        const std::lock_guard lock(mutex_);
        OpenFile& file = *handle->file;
        if (handle->buffer.sending() || handle->queued) {
            handle->waiting.push_back(std::move(done));
            return;
        }
        if (handle->buffer.dirty() && !file.removed) {
            handle->flushing.push_back(std::move(done));
            if (handle->append && file.appending) {
                handle->queued = true;
                file.appends.push_back(handle);
                return;
            }
            file.appending = file.appending || handle->append;
            done = nullptr;
        } else if (handle->buffer.dirty()) {
            static_cast<void>(handle->buffer.take(std::nullopt));
            error = keep_privately(*handle);
        }
    }
    if (done) {
        done(error);
    } else {
        send(handle);
    }
}

// What is on its way goes into the content that only holders of the removed file see.
int Server::keep_privately(Handle& handle) {
    OpenFile& file = *handle.file;
    for (const auto& part : WriteBuffer::parts(handle.buffer.on_its_way())) {
        file.content = file.content.written(part);
    }
    handle.buffer.finished(false);
    handle.failed = std::exchange(handle.lost, false) ? ESTALE : 0;
    return handle.failed;
}

std::vector<Wish> Server::wishes_for(const Handle& handle,
                                     const std::shared_ptr<const WrittenRanges>& ranges) {
    const Inode inode = handle.file->entry->inode;
    std::vector<Ranges> parts = WriteBuffer::parts(*ranges);
    const std::uint64_t time = wall_clock();
    std::vector<Wish> wishes;
    if (parts.size() == 1) {
        wishes.push_back({time, Write{inode, std::move(parts.front())}, ranges});
        return wishes;
    }
    const std::uint64_t number = ++last_chunked_;
    std::uint32_t sequence = 0;
    for (Ranges& part : parts) {
        wishes.push_back({time, Chunk{number, sequence++, std::move(part)}, ranges});
    }
    wishes.push_back({time, CommitChunks{inode, number, sequence}});
    return wishes;
}

void Server::send(const HandleRef& handle) {
    forget_abandoned();
    std::vector<Wish> wishes;
    {
        const std::lock_guard lock(mutex_);
        handle->queued = false;
        const std::uint64_t end = handle->file->current().size();
        const auto ranges = handle->buffer.take(handle->append ? std::optional(end) : std::nullopt);
        wishes = wishes_for(*handle, ranges);
    }
    const std::optional<CommitChunks> commit =
        wishes.size() > 1 ? std::optional(std::get<CommitChunks>(wishes.back().change))
                          : std::nullopt;
    ask_all(std::move(wishes), [this, handle, commit](const std::vector<Done>& done) {
        if (commit && done.back().refusal != Refusal::kNone) {
            const std::lock_guard lock(mutex_);
            abandoned_.push_back(*commit);
        }
        on_sent(handle, done);
    });
}

// Parts of a write that was never committed stay with every replica until they are asked for by
// the wrong count.
void Server::forget_abandoned() {
    std::vector<CommitChunks> abandoned;
    {
        const std::lock_guard lock(mutex_);
        abandoned.swap(abandoned_);
    }
    for (CommitChunks& one : abandoned) {
        one.count = 0;
        files_.submit({wall_clock(), one}, [self = weak_from_this(), one](const Done& done) {
            const auto server = self.lock();
            if (server && done.refusal != Refusal::kNone) {
                const std::lock_guard lock(server->mutex_);
                server->abandoned_.push_back(one);
            }
        });
    }
}

// The errno of a whole write, whose parts were answered so; what was written is where it belongs
// then.
int Server::settle(Handle& handle, const std::vector<Done>& done) {
    const auto failed =
        std::find_if(done.begin(), done.end(), [](const Done& one) { return errno_of(one) != 0; });
    if (failed == done.end()) {
        handle.buffer.finished(false);
        return 0;
    }
    if (errno_of(*failed) == ESTALE && handle.file->removed) {
        handle.lost = !handle.file->removed_here;
        return keep_privately(handle);
    }
    handle.buffer.finished(may_be_repeated(*failed));
    handle.failed = handle.buffer.dirty() ? 0 : errno_of(*failed);
    return errno_of(*failed);
}

void Server::on_sent(const HandleRef& handle, const std::vector<Done>& done) {
    int error = 0;
    std::vector<Flushed> told;
    std::vector<Flushed> again;
    {
        const std::lock_guard lock(mutex_);
        error = settle(*handle, done);
        told.swap(handle->flushing);
        again.swap(handle->waiting);
        if (error != 0 || !handle->buffer.dirty()) {
            // Who asked meanwhile has written nothing since, and is content with the same answer.
            told.insert(told.end(), again.begin(), again.end());
            again.clear();
        }
    }
    tell(told, error);
    for (Flushed& one : again) {
        flush(handle, std::move(one));
    }
    if (handle->append) {
        next_append(handle->file);
    }
}

void Server::next_append(const std::shared_ptr<OpenFile>& file) {
    HandleRef next;
    std::vector<Flushed> told;
    bool removed = false;
    int error = 0;
    {
        const std::lock_guard lock(mutex_);
        if (file->appends.empty()) {
            file->appending = false;
            return;
        }
        next = file->appends.front();
        file->appends.pop_front();
        removed = file->removed;
        if (removed) {
            next->queued = false;
            static_cast<void>(next->buffer.take(std::nullopt));
            error = keep_privately(*next);
            told.swap(next->flushing);
            told.insert(told.end(), next->waiting.begin(), next->waiting.end());
            next->waiting.clear();
        }
    }
    if (!removed) {
        send(next);
        return;
    }
    tell(told, error);
    next_append(file);
}

}  // namespace cfs
