// The tree as operations change it: the rules of every operation, and what a store must write.
//
// An operation either changes everything it is to change or nothing, and answers the same on every
// replica: it looks at the tree and at itself only. Readers get a TreeView by share().
//
// Every change adds one to the version of the tree (the root's version, whose mtime and writer it
// sets too); what was changed gets that version, the operation's sender as writer and its time as
// mtime. The directory around it keeps its own.
//
// Source: cfs.md sections 2 to 4; docs/files.md lists where we differ.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "cfs/core/operation.h"
#include "cfs/core/tree_view.h"
#include "cfs/core/types.h"
#include "totem/core/result.h"

namespace cfs {

// What became of an operation.
struct Outcome {
    Errno error = Errno::kOk;
    Inode inode{};              // what it made or changed; 0 where nothing was
    std::uint64_t version = 0;  // of the tree, after it
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Who asked, and when by its clock.
struct Author {
    NodeId node = totem::kNoNode;
    std::uint64_t time = 0;  // s
};

// One inode before and after: null where it was not there.
struct TreeChange {
    Inode inode{};
    EntryRef before;
    EntryRef after;
};

enum class TreeProblem : std::uint8_t {
    kNone,
    kNoRoot,
    kTwice,          // an inode, or a name in a directory, is there twice
    kNoParent,       // the parent is missing or a file
    kBadName,        // the name is none
    kNewerThanTree,  // an inode or a version above the tree's version
    kGuestTwice,     // a guest's id in two places
    kUnreachable,    // a directory that is its own ancestor
};
[[nodiscard]] const char* to_string(TreeProblem problem) noexcept;

class Tree {
  public:
    // Nothing but the root, version 1.
    Tree();

    [[nodiscard]] Outcome apply(const Create& change, Author author);
    [[nodiscard]] Outcome apply(const MakeDirectory& change, Author author);
    [[nodiscard]] Outcome apply(const Write& change, Author author);
    [[nodiscard]] Outcome apply(const Truncate& change, Author author);
    [[nodiscard]] Outcome apply(const Rename& change, Author author);
    [[nodiscard]] Outcome apply(const Unlink& change, Author author);
    [[nodiscard]] Outcome apply(const RemoveDirectory& change, Author author);
    [[nodiscard]] Outcome apply(const SetTime& change, Author author);
    [[nodiscard]] Outcome apply(const RequestUnlock& change, Author author);
    [[nodiscard]] Outcome apply(const Unlock& change, Author author);
    [[nodiscard]] Outcome apply(const SetLimits& change, Author author);
    // The parts of one large write, in order, all or none of them.
    [[nodiscard]] Outcome write_parts(Inode inode, const std::vector<Ranges>& parts, Author author);

    [[nodiscard]] const TreeView& view() const noexcept { return view_; }
    [[nodiscard]] TreeView share();

    // A second tree, both free to change: for trying what may turn out wrong.
    [[nodiscard]] Tree fork();
    // Puts entries in place of what is there, without regard to the rules of operations, then looks
    // whether that is a tree. If not, this tree is broken: use it on a fork.
    [[nodiscard]] TreeProblem replace(const std::vector<EntryRef>& put,
                                      const std::vector<Inode>& gone, const Limits& limits);

    // What changed since the last call, one entry per inode, ascending.
    [[nodiscard]] std::vector<TreeChange> take_changes();

  private:
    struct Stamp {
        std::uint64_t version = 0;
        Author author;
    };
    struct Forked {};
    explicit Tree(Forked /*tag*/) {}

    [[nodiscard]] Outcome refuse(Errno error) const { return {error, {}, view_.version()}; }
    [[nodiscard]] Outcome make(Inode parent, std::string_view name, FileType type, Author author);
    [[nodiscard]] Outcome remove(const EntryRef& entry, Author author);
    [[nodiscard]] Outcome change_content(const EntryRef& file, Content content, Author author);
    [[nodiscard]] Errno check_directory(Inode inode) const;
    [[nodiscard]] totem::Result<EntryRef, Errno> removable(Inode parent,
                                                           std::string_view name) const;
    [[nodiscard]] Errno check_growth(const EntryRef& file, std::uint64_t size) const;
    [[nodiscard]] Errno check_move(const Rename& change, const EntryRef& source,
                                   const EntryRef& target) const;
    [[nodiscard]] bool is_lock_root(Inode inode) const;
    [[nodiscard]] bool is_lock(const Entry& entry) const;
    [[nodiscard]] bool below_lock_root(const EntryRef& entry) const;
    [[nodiscard]] bool in_guest_place(Inode parent) const;
    [[nodiscard]] std::optional<std::uint32_t> guest_of(const Entry& entry) const;
    [[nodiscard]] bool guest_taken(Inode parent, std::string_view name, const Entry* source) const;

    [[nodiscard]] Stamp advance(Author author);
    EntryRef stamped(Entry entry, const Stamp& stamp);
    void put(const EntryRef& before, const EntryRef& after);
    [[nodiscard]] TreeProblem check_entry(const Entry& entry) const;
    [[nodiscard]] TreeProblem check_changed(const std::vector<EntryRef>& put) const;
    [[nodiscard]] bool index_guests();

    TreeView view_;
    std::map<std::uint32_t, Inode> guests_;
    std::vector<TreeChange> changes_;  // in order, an inode as often as it changed
};

}  // namespace cfs
