// The tree as a reader sees it: one version of it, whole, for as long as the reader wants.
//
// A view that Tree::share() gave never changes and may be read in any thread, without locks.
// Everything is found in logarithmic time; a directory is listed in order of name, in time
// proportional to what is listed.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/core/entry.h"
#include "cfs/core/entry_index.h"
#include "cfs/core/name.h"
#include "cfs/core/types.h"

namespace cfs {

// What a set of entries amounts to.
struct Summary {
    std::uint64_t inodes = 0;
    std::uint64_t bytes = 0;  // sizes of the files
    Digest digest;            // sum of the entries' digests: equal sets, equal digests
    friend bool operator==(const Summary&, const Summary&) = default;

    Summary& operator+=(const Summary& other) noexcept {
        inodes += other.inodes;
        bytes += other.bytes;
        digest += other.digest;
        return *this;
    }
    void add(const Entry& entry) noexcept {
        inodes += 1;
        bytes += entry.content.size();
        digest += entry.digest;
    }
    // As EntryIndex wants it.
    void set(const Summary* left, const Entry& entry, const Summary* right) noexcept {
        *this = left != nullptr ? *left : Summary{};
        add(entry);
        if (right != nullptr) {
            *this += *right;
        }
    }
};

// A guest's configuration file, `nodes/NODE/TYPE/ID.conf`.
struct Guest {
    std::uint32_t id = 0;
    GuestType type{};
    std::string node;
    EntryRef file;
};

class TreeView {
  public:
    // Null when there is none.
    [[nodiscard]] EntryRef find(Inode inode) const;
    [[nodiscard]] EntryRef child(Inode directory, std::string_view name) const;
    // By path from the root; "" and "/" are the root.
    [[nodiscard]] EntryRef resolve(std::string_view path) const;

    // Calls visit(const EntryRef&) for what is in the directory, in order of name (bytes), after
    // the name `after`, until it returns false.
    template <typename Visit>
    void visit_children(Inode directory, std::string_view after, Visit&& visit) const {
        by_name_.visit_from(NameKey{directory, after}, [&](const EntryRef& entry) {
            if (entry->parent != directory) {
                return false;
            }
            return entry->name == after || visit(entry);
        });
    }
    [[nodiscard]] bool has_children(Inode directory) const;
    // How many directories are in it.
    [[nodiscard]] std::uint64_t subdirectories(Inode directory) const;

    // Calls visit(const EntryRef&) for every entry from inode `from` on, ascending, until it
    // returns false. The root is the first.
    template <typename Visit>
    void visit_entries(Inode from, Visit&& visit) const {
        by_inode_.visit_from(from, visit);
    }

    // "/a/b"; "/" for the root, "" for what is not there.
    [[nodiscard]] std::string path_of(Inode inode) const;

    [[nodiscard]] const Summary& summary() const noexcept { return by_inode_.total(); }
    // Of the inodes in [from, to). Two trees differ in a range exactly when these differ, so
    // halving ranges finds the differences in a number of steps proportional to how many there are.
    [[nodiscard]] Summary summary(Inode from, Inode to) const;

    [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
    // The version of the tree: the root's.
    [[nodiscard]] std::uint64_t version() const { return find(kRootInode)->version; }

    // Ascending by id.
    [[nodiscard]] std::vector<Guest> guests() const;

  private:
    friend class Tree;

    struct ByInode {
        using Key = Inode;
        using Total = Summary;
        static Key key(const Entry& entry) noexcept { return entry.inode; }
    };
    struct NameKey {
        Inode parent{};
        std::string_view name{};
        friend bool operator<(const NameKey& a, const NameKey& b) noexcept {
            return a.parent != b.parent ? a.parent < b.parent : a.name < b.name;
        }
    };
    struct Directories {
        std::uint64_t count = 0;
        void set(const Directories* left, const Entry& entry, const Directories* right) noexcept {
            count = (left != nullptr ? left->count : 0) + (right != nullptr ? right->count : 0) +
                    (entry.is_directory() ? 1 : 0);
        }
    };
    struct ByName {
        using Key = NameKey;
        using Total = Directories;
        static Key key(const Entry& entry) noexcept { return {entry.parent, entry.name}; }
    };

    EntryIndex<ByInode> by_inode_;
    EntryIndex<ByName> by_name_;  // all but the root
    Limits limits_;
};

}  // namespace cfs
