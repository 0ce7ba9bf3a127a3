// What the root of the mount shows and the tree does not store: files about the cluster and links
// to this node's directories.
//
// Source: cfs.md section 5. `.status` is ours: why nothing can be written, and who is waited for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

#include "cfs/fuse/attributes.h"

namespace cfs {

enum class ViewKind : std::uint8_t {
    kVersion,
    kMembers,
    kGuests,
    kClusterLog,
    kMetrics,
    kDebug,
    kStatus,
    kLocal,
    kQemu,
    kLxc,
    kOpenvz,
};

struct ViewEntry {
    ViewKind kind{};
    std::string_view name{};
    bool link = false;
};

// In order of name.
[[nodiscard]] const std::vector<ViewEntry>& views();
// Null when there is none of this name, or number.
[[nodiscard]] const ViewEntry* find_view(std::string_view name);
[[nodiscard]] const ViewEntry* find_view(KernelInode inode);
[[nodiscard]] KernelInode kernel_inode(ViewKind kind) noexcept;

// Where a link leads to: relative, and perhaps to nothing yet.
[[nodiscard]] std::string link_target(ViewKind kind, const std::string& node);

// `size`: of the text, or of the link's target. `started`: when the daemon was, s.
[[nodiscard]] struct stat view_attributes(const ViewEntry& view, std::size_t size,
                                          std::uint64_t started, Ownership ownership);

// What was written to .debug: "0\n" or "1\n" at offset 0; absent: anything else.
[[nodiscard]] std::optional<bool> parse_debug(std::string_view text, std::uint64_t offset);

}  // namespace cfs
