// What a kernel that has cached the tree must forget after a change of it.
#pragma once

#include <vector>

#include "cfs/core/operation.h"
#include "cfs/core/replica.h"
#include "cfs/core/tree_view.h"

namespace cfs {

// Looks at what an operation may change, before it is applied and after.
class ChangeWatch {
  public:
    ChangeWatch(const TreeView& before, const Operation& operation);
    // `made`: the inode of the outcome. Appends.
    void finish(const TreeView& after, Inode made, std::vector<Changed>& out);

  private:
    std::vector<EntryRef> before_;
};

[[nodiscard]] Changed changed(const EntryRef& before, const EntryRef& after);

// Everything that differs between two trees. Appends, ascending by inode.
void compare_trees(const TreeView& before, const TreeView& after, std::vector<Changed>& out);

}  // namespace cfs
