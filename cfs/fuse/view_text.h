// The texts of the virtual files, byte for byte as clients parse them.
//
// Source: cfs.md section 5.
#pragma once

#include <cstdint>
#include <string>

#include "cfs/core/tree_view.h"
#include "cfs/fuse/files.h"
#include "cfs/fuse/path_versions.h"

namespace cfs {

// `started`: when the daemon was, s.
[[nodiscard]] std::string version_text(std::uint64_t started, const ClusterInfo& cluster,
                                       const PathVersions& versions);
[[nodiscard]] std::string members_text(const std::string& node, const ClusterInfo& cluster);
[[nodiscard]] std::string guests_text(const TreeView& view, const PathVersions& versions);
[[nodiscard]] std::string status_text(const Status& status, const TreeView& view);
// What .clusterlog shows as long as nothing keeps a log.
[[nodiscard]] std::string empty_log_text();

// With the quotes; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string json_quoted(const std::string& text);

}  // namespace cfs
