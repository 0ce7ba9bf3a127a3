// What all requests need, and what the daemon tells.
#include "cfs/fuse/server.h"

#include <cerrno>
#include <ctime>

#include "cfs/fuse/refusal.h"
#include "cfs/fuse/server_detail.h"
#include "cfs/fuse/view_text.h"

namespace cfs {

std::uint64_t wall_clock() noexcept { return static_cast<std::uint64_t>(std::time(nullptr)); }

Server::Server(Files& files, Notifier& notifier, Options options)
    : files_(files), notifier_(notifier), options_(options), view_(files.snapshot()) {}

Server::ViewRef Server::view() {
    const std::lock_guard lock(mutex_);
    return view_;
}

Ownership Server::ownership() const { return {options_.group, files_.writable()}; }

Server::Found Server::find_locked(Inode inode) const {
    Found found{view_->find(inode), false, view_, open_.file(inode)};
    if (!found.entry) {
        found.removed = true;
        found.entry = found.file ? found.file->entry : removed_.find(inode);
    }
    return found;
}

Server::Found Server::find(KernelInode inode) {
    const std::lock_guard lock(mutex_);
    return find_locked(from_kernel(inode));
}

// While somebody writes here the kernel's idea of the size may be the writer's or the tree's: it
// has to ask every time.
double Server::attribute_seconds(Inode inode) {
    const std::lock_guard lock(mutex_);
    const auto file = open_.file(inode);
    return file && file->has_writers() ? 0 : kAttributeSeconds;
}

std::optional<fuse_entry_param> Server::entry_of(Inode inode) {
    const ViewRef view = this->view();
    const EntryRef entry = view->find(inode);
    if (!entry) {
        return std::nullopt;
    }
    fuse_entry_param param{};
    param.ino = raw(to_kernel(inode));
    param.attr = attributes(*view, *entry, ownership());
    param.attr_timeout = attribute_seconds(inode);
    return param;
}

// ---- asking -------------------------------------------------------------------------------------

void Server::ask(fuse_req_t request, Wish wish, Then then) {
    if (!files_.writable()) {
        fuse_reply_err(request, EACCES);
        return;
    }
    const Ticket ticket = pending_.add(request);
    const auto decided = [self = weak_from_this(), ticket,
                          then = std::move(then)](const Done& done) {
        if (const auto server = self.lock()) {
            then(ticket, done);
        }
    };
    files_.submit(std::move(wish), decided);
}

void Server::ask_all(std::vector<Wish> wishes, std::function<void(const std::vector<Done>&)> then) {
    struct Run {
        std::mutex mutex;
        std::vector<Done> done;
        std::size_t left = 0;
        std::function<void(const std::vector<Done>&)> then;
    };
    auto run = std::make_shared<Run>();
    run->done.resize(wishes.size());
    run->left = wishes.size();
    run->then = std::move(then);
    for (std::size_t i = 0; i < wishes.size(); ++i) {
        files_.submit(std::move(wishes[i]), [self = weak_from_this(), run, i](const Done& done) {
            const auto server = self.lock();
            bool last = false;
            {
                const std::lock_guard lock(run->mutex);
                run->done[i] = done;
                last = --run->left == 0;
            }
            if (last && server) {
                run->then(run->done);
            }
        });
    }
}

void Server::answer_done(Ticket ticket, const Done& done) {
    pending_.answer_error(ticket, errno_of(done));
}

void Server::answer_entry(Ticket ticket, const Done& done) {
    const auto entry =
        errno_of(done) == 0 ? entry_of(done.outcome.inode) : std::optional<fuse_entry_param>{};
    if (!entry) {
        // Done, but another node has removed it again already.
        pending_.answer_error(ticket, errno_of(done) != 0 ? errno_of(done) : ESTALE);
        return;
    }
    pending_.answer(ticket, [&entry](fuse_req_t request) { fuse_reply_entry(request, &*entry); });
}

// ---- the daemon's side --------------------------------------------------------------------------

void Server::published(ViewRef view, const std::vector<Changed>& changed) {
    std::vector<Notifier::Forget> forget;
    {
        const std::lock_guard lock(mutex_);
        versions_.on_published(*view_, *view, changed);
        for (const Changed& change : changed) {
            const EntryRef was = view_->find(change.inode);
            const EntryRef is = view->find(change.inode);
            forget.push_back({to_kernel(change.inode), true});
            forget.push_back({to_kernel(change.parent_before)});
            forget.push_back({to_kernel(change.parent_after)});
            const auto file = open_.file(change.inode);
            if (file && is) {
                file->entry = is;
            }
            if (!was || is || was->is_directory()) {
                continue;
            }
            removed_.add(was);
            if (file) {
                file->entry = was;
                file->removed = true;
                file->removed_here = removing_.contains({was->parent, was->name});
                file->content = was->content;
                for (Handle* handle : file->handles) {
                    handle->lost = !file->removed_here && handle->buffer.dirty();
                }
            }
        }
        view_ = std::move(view);
    }
    notifier_.forget(forget);
}

void Server::status_changed() {
    std::vector<Notifier::Forget> forget{{kKernelRoot}};
    for (const ViewEntry& one : views()) {
        forget.push_back({kernel_inode(one.kind)});
    }
    {
        const std::lock_guard lock(mutex_);
        for (const Inode inode : open_.inodes()) {
            forget.push_back({to_kernel(inode)});
        }
    }
    notifier_.forget(forget);
}

void Server::close() { pending_.close(ETIMEDOUT); }

std::string Server::text(ViewKind kind) {
    const auto with_versions = [this](auto&& make) {
        const ViewRef view = this->view();
        const std::lock_guard lock(mutex_);
        return make(*view, versions_);
    };
    switch (kind) {
        case ViewKind::kVersion: {
            const ClusterInfo cluster = files_.cluster();
            return with_versions([&](const TreeView& /*view*/, const PathVersions& versions) {
                return version_text(options_.started, cluster, versions);
            });
        }
        case ViewKind::kMembers:
            return members_text(files_.node_name(), files_.cluster());
        case ViewKind::kGuests:
            return with_versions(guests_text);
        case ViewKind::kClusterLog: {
            const std::string log = files_.cluster_log();
            return log.empty() ? empty_log_text() : log;
        }
        case ViewKind::kMetrics:
            return files_.metrics();
        case ViewKind::kDebug:
            return files_.debug() ? "1\n" : "0\n";
        case ViewKind::kStatus:
            return status_text(files_.status(), *view());
        default:
            return link_target(kind, files_.node_name());
    }
}

}  // namespace cfs
