// Finds where a tree differs from another one that can only be asked: by summaries of ranges, split
// into shares where they differ, until few enough entries are left to be listed.
//
// The shares of a range must amount to what the range was said to amount to, and so must its list;
// so a donor that contradicts itself is found at once, and what is listed is what the tree has
// whose summary came first.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "cfs/core/transfer_codec.h"
#include "cfs/core/transfer_error.h"
#include "cfs/core/tree_view.h"

namespace cfs {

class TreeComparison {
  public:
    using Problem = std::optional<TransferError>;

    // The other tree has inodes up to `version`, and amounts to `theirs`.
    void begin(const TreeView& own, const Summary& theirs, std::uint64_t version);

    // What can be asked now: at most kRangesPerQuestion ranges, or nothing.
    [[nodiscard]] std::optional<AskRanges> next();
    [[nodiscard]] Problem take(const TreeView& own, const AskRanges& asked,
                               const RangesAre& answer);
    // Nothing is to be asked, and nothing is under way.
    [[nodiscard]] bool done() const noexcept { return waiting_.empty() && asked_.empty(); }

    // The other tree's entries that are not in this one, found since the last call.
    [[nodiscard]] std::vector<Listed> take_wanted() { return std::exchange(wanted_, {}); }
    // Inodes that only this tree has, once done; ascending.
    [[nodiscard]] std::vector<Inode> gone() const;
    [[nodiscard]] std::size_t gone_count() const noexcept { return gone_.size(); }

  private:
    // A range that differs, and what it amounts to in the other tree.
    struct Open {
        InodeRange range;
        Summary theirs;
    };

    void classify(const TreeView& own, const InodeRange& range, const Summary& theirs);
    [[nodiscard]] Problem take(const TreeView& own, const Open& open, const RangeIs& is);
    void compare(const TreeView& own, const InodeRange& range, const std::vector<Listed>& listed);

    std::map<Inode, Open> waiting_;  // by the first inode
    std::map<Inode, Open> asked_;
    std::vector<Listed> wanted_;
    std::vector<Inode> gone_;
};

}  // namespace cfs
