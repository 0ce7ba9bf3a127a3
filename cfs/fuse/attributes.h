// What stat(2) shows of a file or directory, and the kernel's numbers for it.
//
// Owner and mode are not stored: they follow from the place in the tree, and from whether anything
// can be written now (clients look at the owner's write bit of /etc/pve/local to know).
//
// Source: cfs.md sections 1 and 2.
#pragma once

#include <cstdint>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cfs/core/tree_view.h"

namespace cfs {

// An inode number as the kernel knows it. The tree's own numbers, but for two: the root, which the
// kernel calls 1, and the tree's 1, which only an imported tree can have.
enum class KernelInode : std::uint64_t {};
inline constexpr KernelInode kKernelRoot{1};
// From here on: what is shown and not stored (views.h). No inode of a tree reaches it.
inline constexpr std::uint64_t kFirstViewInode = std::uint64_t{1} << 52U;

[[nodiscard]] constexpr std::uint64_t raw(KernelInode inode) noexcept {
    return static_cast<std::uint64_t>(inode);
}
[[nodiscard]] KernelInode to_kernel(Inode inode) noexcept;
[[nodiscard]] Inode from_kernel(KernelInode inode) noexcept;

// What all attributes depend on besides the tree.
struct Ownership {
    gid_t group = 0;
    bool writable = false;
};

// `priv` and `nodes/NAME/priv` and all below them: for root only.
[[nodiscard]] bool is_private(const TreeView& view, const Entry& entry);
// The bits of the permissions alone.
[[nodiscard]] mode_t permissions(const TreeView& view, const Entry& entry, bool writable);

// `entry` is in `view`.
[[nodiscard]] struct stat attributes(const TreeView& view, const Entry& entry, Ownership ownership);
// The same for a file that was removed while it is open.
[[nodiscard]] struct stat removed_attributes(const Entry& entry, std::uint64_t size,
                                             Ownership ownership);

// chmod(2) and chown(2) change nothing; they are allowed when they ask for what is shown when
// writable, or for what pmxcfs allows (0640, below priv 0600, for directories too).
[[nodiscard]] bool mode_allowed(const TreeView& view, const Entry& entry, mode_t mode);

[[nodiscard]] struct statvfs statistics(const TreeView& view);

}  // namespace cfs
