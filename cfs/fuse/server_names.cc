// Requests about names: making, removing, renaming, listing.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "cfs/fuse/server_detail.h"

namespace cfs {

namespace {

// A name that is shown and not stored, or anything below it.
bool is_shown(Place place) {
    return find_view(place.parent) != nullptr ||
           (place.parent == kKernelRoot && find_view(place.name) != nullptr);
}

}  // namespace

// A name among removing_, until end() or, when nobody is asked after all, its own end.
class Server::Removing {
  public:
    Removing(Server& server, std::pair<Inode, std::string> name)
        : server_(server.weak_from_this()), name_(std::move(name)) {
        const std::lock_guard lock(server.mutex_);
        server.removing_.insert(name_);
    }
    ~Removing() { end(); }
    Removing(const Removing&) = delete;
    Removing& operator=(const Removing&) = delete;
    Removing(Removing&&) = delete;
    Removing& operator=(Removing&&) = delete;

    void end() {
        if (const auto server = std::exchange(server_, {}).lock()) {
            const std::lock_guard lock(server->mutex_);
            server->removing_.erase(server->removing_.find(name_));
        }
    }

  private:
    std::weak_ptr<Server> server_;
    const std::pair<Inode, std::string> name_;
};

void Server::make_node(fuse_req_t request, Place place, mode_t mode) {
    if (!S_ISREG(mode)) {
        fuse_reply_err(request, EPERM);
        return;
    }
    const Inode parent = from_kernel(place.parent);
    ask(request,
        wish_of(Names{std::string(place.name)},
                [parent](const Names& names) {
                    return Create{parent, names.name, true};
                }),
        [this](Ticket ticket, const Done& done) { answer_entry(ticket, done); });
}

void Server::make_directory(fuse_req_t request, Place place) {
    const Inode parent = from_kernel(place.parent);
    ask(request,
        wish_of(Names{std::string(place.name)},
                [parent](const Names& names) {
                    return MakeDirectory{parent, names.name};
                }),
        [this](Ticket ticket, const Done& done) { answer_entry(ticket, done); });
}

// `place` is the name that goes. As long as that is under way, a file that goes from there was
// removed by this node: whoever writes to it expects so.
void Server::ask_name(fuse_req_t request, Place place, Wish wish, Then then) {
    if (is_shown(place)) {
        fuse_reply_err(request, EACCES);
        return;
    }
    const auto going = std::make_shared<Removing>(
        *this, std::pair{from_kernel(place.parent), std::string(place.name)});
    ask(request, std::move(wish), [going, then = std::move(then)](Ticket ticket, const Done& done) {
        going->end();
        then(ticket, done);
    });
}

void Server::unlink(fuse_req_t request, Place place) {
    const Inode parent = from_kernel(place.parent);
    ask_name(request, place,
             wish_of(Names{std::string(place.name)},
                     [parent](const Names& names) {
                         return Unlink{parent, names.name};
                     }),
             [this](Ticket ticket, const Done& done) { answer_done(ticket, done); });
}

void Server::remove_directory(fuse_req_t request, Place place) {
    const Inode parent = from_kernel(place.parent);
    ask_name(request, place,
             wish_of(Names{std::string(place.name)},
                     [parent](const Names& names) {
                         return RemoveDirectory{parent, names.name};
                     }),
             [this](Ticket ticket, const Done& done) { answer_done(ticket, done); });
}

void Server::rename(fuse_req_t request, Place from, Place to, unsigned flags) {
    if (flags != 0) {
        // RENAME_NOREPLACE onto what is there was refused by the kernel; onto what is not, no
        // operation of ours can promise it.
        fuse_reply_err(request, EINVAL);
        return;
    }
    if (is_shown(from)) {
        fuse_reply_err(request, EACCES);
        return;
    }
    const Inode parent = from_kernel(from.parent);
    const Inode new_parent = from_kernel(to.parent);
    ask_name(request, to,
             wish_of(Names{std::string(from.name), std::string(to.name)},
                     [parent, new_parent](const Names& names) {
                         return Rename{parent, names.name, new_parent, names.new_name};
                     }),
             [this](Ticket ticket, const Done& done) { answer_done(ticket, done); });
}

void Server::open_directory(fuse_req_t request, KernelInode inode, fuse_file_info info) {
    if (!find(inode).entry) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        info.fh = static_cast<std::uint64_t>(open_.open(OpenDirectory{inode}));
    }
    fuse_reply_open(request, &info);
}

void Server::read_directory(fuse_req_t request, HandleId id, std::size_t size,
                            std::uint64_t offset) {
    OpenDirectoryRef open;
    {
        const std::lock_guard lock(mutex_);
        open = open_.directory(id);
    }
    if (!open) {
        fuse_reply_err(request, EBADF);
        return;
    }
    if (offset == 0) {
        const Found found = find(open->inode);
        const bool there = found.entry && !found.removed;
        open->entries = there ? list_directory(*found.view, *found.entry) : std::vector<Listed>{};
    }
    std::vector<char> reply(size);
    std::size_t used = 0;
    for (std::uint64_t at = offset; at < open->entries.size(); ++at) {
        const Listed& one = open->entries[at];
        struct stat st {};
        st.st_ino = raw(one.inode);
        st.st_mode = one.directory ? S_IFDIR : one.link ? S_IFLNK : S_IFREG;
        const std::size_t wanted =
            fuse_add_direntry(request, reply.data() + used, reply.size() - used, one.name.c_str(),
                              &st, static_cast<off_t>(at + 1));
        if (wanted > reply.size() - used) {
            break;
        }
        used += wanted;
    }
    fuse_reply_buf(request, reply.data(), used);
}

}  // namespace cfs
