// What is open on this node: files, virtual files, directories, each by the number that the kernel
// keeps for it.
//
// An open file follows its inode: it reads what the tree has now. When the inode is removed, or
// another takes its name, whoever has it open keeps the last content, as a file of its own that no
// other node sees. So nothing needs to be hidden in the tree as long as it is open.
//
// Not for more than one thread at a time: Server has the lock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cfs/core/entry.h"
#include "cfs/fuse/views.h"
#include "cfs/fuse/write_buffer.h"

namespace cfs {

// Told with an errno, 0 for success, when what was written is in the tree or will not be.
using Flushed = std::function<void(int error)>;

struct Handle;
using HandleRef = std::shared_ptr<Handle>;

// An inode that is open here, once however often it is.
struct OpenFile {
    EntryRef entry;             // the newest, or the last one there was
    bool removed = false;       // not in the tree any more
    bool removed_here = false;  // by a process of this node
    Content content{};          // of a removed file
    std::vector<Handle*> handles{};
    // Appends go one after another: each must know where the last one ended.
    bool appending = false;
    std::deque<HandleRef> appends{};

    [[nodiscard]] const Content& current() const noexcept {
        return removed ? content : entry->content;
    }
    [[nodiscard]] bool has_writers() const noexcept;
};

// One open(2) of it.
struct Handle : public std::enable_shared_from_this<Handle> {
    std::shared_ptr<OpenFile> file;
    bool write = false;
    bool append = false;
    WriteBuffer buffer{};
    pid_t writer = 0;                 // the thread that wrote last
    int failed = 0;                   // errno that its holder was not told yet
    bool lost = false;                // was dirty when another node removed the file
    bool queued = false;              // waits among the file's appends
    std::vector<Flushed> flushing{};  // told when what is on its way has arrived
    std::vector<Flushed> waiting{};   // asked for since
};

// The text is made when the file is opened, and stays.
struct OpenView {
    ViewKind kind{};
    std::string text{};
};
struct Listed {
    std::string name{};
    KernelInode inode{};
    bool directory = false, link = false;
};
// The listing is made when it is read from its beginning, and stays: its offsets are places in it.
struct OpenDirectory {
    KernelInode inode{};
    std::vector<Listed> entries{};
};
using OpenDirectoryRef = std::shared_ptr<OpenDirectory>;
using OpenViewRef = std::shared_ptr<const OpenView>;

enum class HandleId : std::uint64_t {};  // 0: none

class OpenFiles {
  public:
    // Opens what the tree has, or (`removed`) had.
    [[nodiscard]] HandleId open(const EntryRef& entry, int flags, bool removed);
    [[nodiscard]] HandleId open(OpenView view);
    [[nodiscard]] HandleId open(OpenDirectory directory);
    void close(HandleId id);

    // Null when it is something else.
    [[nodiscard]] HandleRef handle(HandleId id) const;
    [[nodiscard]] OpenViewRef view(HandleId id) const;
    [[nodiscard]] OpenDirectoryRef directory(HandleId id) const;
    // Null when the inode is not open.
    [[nodiscard]] std::shared_ptr<OpenFile> file(Inode inode) const;
    [[nodiscard]] std::vector<Inode> inodes() const;

  private:
    using Opened = std::variant<HandleRef, OpenViewRef, OpenDirectoryRef>;

    HandleId keep(Opened opened);

    std::map<HandleId, Opened> opened_;
    std::map<Inode, std::shared_ptr<OpenFile>> files_;
    std::uint64_t last_ = 0;
};

// What is in a directory, in order of name, "." and ".." first. In the root with the views, which
// hide what the tree has under their names.
[[nodiscard]] std::vector<Listed> list_directory(const TreeView& view, const Entry& directory);

}  // namespace cfs
