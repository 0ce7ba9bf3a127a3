// A state as plain values: what a store loads, what one replica adopts from another, and what is
// put aside when it does.
//
// Source: architecture.md decision 8; properties.md S7, S19.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cfs/core/history.h"
#include "cfs/core/parts.h"
#include "cfs/core/tree.h"

namespace cfs {

struct Image {
    std::vector<EntryRef> entries;  // whole: all; a difference: new and changed ones
    std::vector<Inode> gone;        // of a difference only
    Limits limits;
    std::vector<Record> records;  // always whole, as are the following
    std::vector<Floor> floors;
    std::vector<Part> parts;
};

// A file or directory as it was when it was put aside.
struct AsideEntry {
    std::string path;
    EntryRef entry;  // null: the tail had removed what the adopted state still has
};

// What a replica had done that is not part of the order it now follows: kept until somebody drops
// it.
struct Aside {
    std::uint64_t time = 0;  // s, of the clock of the host that put it aside
    std::string reason;
    std::vector<Record> tail;         // the operations that were not adopted, oldest first
    std::vector<AsideEntry> entries;  // what they had made of the tree, where that was not adopted
};

// What `changes`, which turn `old` into the adopted state, would lose of what was done after index
// `common`, the last operation that both histories have. 0: nothing is known to be common, and
// everything that changes is kept. Time and reason are the caller's.
[[nodiscard]] Aside make_aside(const TreeView& old, const History& history,
                               const std::vector<TreeChange>& changes, std::uint64_t common);

}  // namespace cfs
