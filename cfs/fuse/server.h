// The filesystem as the kernel asks for it: each request is answered from what was published last,
// or asks the cluster for a change and is answered when that is done.
//
// Requests come in one thread (Mount's loop), which never waits: a change that takes long holds up
// nothing but its own caller. Answers are given in any thread. The lock is never held while Files
// or the kernel are called for something that could wait or call back.
//
// What the kernel may keep, and why that never shows an old state as a new one, is in
// docs/mount.md.
//
// Source: architecture.md decision 10; cfs.md sections 2 to 5.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cfs/fuse/attributes.h"
#include "cfs/fuse/files.h"
#include "cfs/fuse/low_level.h"
#include "cfs/fuse/notifier.h"
#include "cfs/fuse/open_files.h"
#include "cfs/fuse/path_versions.h"
#include "cfs/fuse/pending.h"
#include "cfs/fuse/removed_files.h"

namespace cfs {

// A name in a directory.
struct Place {
    KernelInode parent{};
    std::string_view name{};
};

class Server : public std::enable_shared_from_this<Server> {
  public:
    struct Options {
        gid_t group = 0;            // of everything
        std::uint64_t started = 0;  // s, wall clock
    };
    Server(Files& files, Notifier& notifier, Options options);

    // ---- requests: each is answered once --------------------------------------------------------
    void lookup(fuse_req_t request, Place place);
    void get_attributes(fuse_req_t request, KernelInode inode, HandleId id);
    void set_attributes(fuse_req_t request, KernelInode inode, const struct stat& wanted,
                        int which);
    void read_link(fuse_req_t request, KernelInode inode);
    void statistics(fuse_req_t request);

    void make_node(fuse_req_t request, Place place, mode_t mode);
    void make_directory(fuse_req_t request, Place place);
    void unlink(fuse_req_t request, Place place);
    void remove_directory(fuse_req_t request, Place place);
    void rename(fuse_req_t request, Place from, Place to, unsigned flags);

    void create(fuse_req_t request, Place place, const fuse_file_info& info);
    void open(fuse_req_t request, KernelInode inode, const fuse_file_info& info);
    void read(fuse_req_t request, HandleId id, std::size_t size, std::uint64_t offset);
    void write(fuse_req_t request, HandleId id, Bytes data, std::uint64_t offset);
    void flush(fuse_req_t request, HandleId id);
    void release(HandleId id);

    void open_directory(fuse_req_t request, KernelInode inode, fuse_file_info info);
    void read_directory(fuse_req_t request, HandleId id, std::size_t size, std::uint64_t offset);

    // ---- the daemon's side ----------------------------------------------------------------------
    void published(std::shared_ptr<const TreeView> view, const std::vector<Changed>& changed);
    void status_changed();
    // Answers everything that waits, and from here on everything: nobody knows whether what waited
    // has happened.
    void close();
    // What the virtual file shows now.
    [[nodiscard]] std::string text(ViewKind kind);

  private:
    using ViewRef = std::shared_ptr<const TreeView>;
    using Then = std::function<void(Ticket, const Done&)>;
    struct Names;  // what a change's views point at
    struct Found;  // an inode that a request names
    class Removing;

    [[nodiscard]] ViewRef view();
    [[nodiscard]] Ownership ownership() const;
    [[nodiscard]] struct stat stat_of(const ViewEntry& entry);
    [[nodiscard]] Found find(KernelInode inode);
    [[nodiscard]] Found find_locked(Inode inode) const;
    [[nodiscard]] double attribute_seconds(Inode inode);
    [[nodiscard]] std::optional<fuse_entry_param> entry_of(Inode inode);

    // Asks for a change on behalf of a request, and calls `then` when it was decided.
    void ask(fuse_req_t request, Wish wish, Then then);
    // Asks for several in order, and calls `then` with the first that failed, or the last.
    void ask_all(std::vector<Wish> wishes, std::function<void(const std::vector<Done>&)> then);
    void answer_done(Ticket ticket, const Done& done);
    void answer_entry(Ticket ticket, const Done& done);
    // A change of a name, or EACCES, EINVAL ... for the names that are none of the tree's.
    void ask_name(fuse_req_t request, Place place, Wish wish, Then then);

    void set_view_attributes(fuse_req_t request, const ViewEntry& entry, const struct stat& wanted,
                             int which);
    void set_removed_size(fuse_req_t request, OpenFile& file, std::uint64_t size);
    void change_attributes(Ticket ticket, const EntryRef& entry, std::vector<Wish> wishes);
    void answer_attributes(fuse_req_t request, KernelInode inode, HandleId id);
    [[nodiscard]] std::uint64_t size_for(const Found& found, HandleId id, pid_t asking);
    void open_view(fuse_req_t request, const ViewEntry& entry, fuse_file_info info);
    void open_truncated(fuse_req_t request, Inode inode, const fuse_file_info& info);
    void answer_open(Ticket ticket, Inode inode, fuse_file_info info);
    void answer_create(Ticket ticket, Inode inode, fuse_file_info info);
    [[nodiscard]] HandleId open_handle(Inode inode, fuse_file_info& info);
    [[nodiscard]] int write_into(Handle& handle, Bytes& data, std::uint64_t offset);
    void write_view(fuse_req_t request, const OpenView& open, Bytes data, std::uint64_t offset);

    // server_flush.cc
    void flush(const HandleRef& handle, Flushed done);
    void flush_all(Inode inode, Flushed done);
    void send(const HandleRef& handle);
    [[nodiscard]] std::vector<Wish> wishes_for(const Handle& handle,
                                               const std::shared_ptr<const WrittenRanges>& ranges);
    void on_sent(const HandleRef& handle, const std::vector<Done>& done);
    [[nodiscard]] int settle(Handle& handle, const std::vector<Done>& done);
    [[nodiscard]] int keep_privately(Handle& handle);
    void next_append(const std::shared_ptr<OpenFile>& file);
    void forget_abandoned();

    Files& files_;
    Notifier& notifier_;
    const Options options_;
    Pending pending_;

    std::mutex mutex_;
    ViewRef view_;
    OpenFiles open_;
    RemovedFiles removed_;
    PathVersions versions_;
    // Names that processes of this node are removing.
    std::multiset<std::pair<Inode, std::string>> removing_;
    std::uint64_t last_chunked_ = 0;
    // Chunked writes that were given up halfway: their parts must be forgotten by all.
    std::vector<CommitChunks> abandoned_;
};

}  // namespace cfs
