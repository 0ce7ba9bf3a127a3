// One file or directory: an immutable value. A change makes a new Entry of the same inode.
//
// Source: cfs.md section 2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cfs/core/content.h"
#include "cfs/core/digest.h"
#include "cfs/core/types.h"

namespace cfs {

struct Entry {
    Inode inode{};
    Inode parent{};                  // the root's is the root
    std::uint64_t version = 0;       // of the tree after the entry's last change
    NodeId writer = totem::kNoNode;  // whose operation that was
    std::uint64_t mtime = 0;         // s, by that node's clock
    FileType type = FileType::kRegular;
    std::string name{};  // empty for the root
    Content content{};   // empty for a directory
    Digest digest{};     // of all of the above: sealed()

    [[nodiscard]] bool is_directory() const noexcept { return type == FileType::kDirectory; }
};
using EntryRef = std::shared_ptr<const Entry>;

// The entry as it is shared from here on, with its digest.
[[nodiscard]] EntryRef sealed(Entry entry);

}  // namespace cfs
