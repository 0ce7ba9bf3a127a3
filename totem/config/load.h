// The text of a configuration file to a ClusterConfig, or to all its problems.
//
// Source: config.md 2 to 9.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "totem/config/cluster_config.h"
#include "totem/config/problem.h"

namespace totem::config {

// There is a config exactly when there are no problems.
struct LoadResult {
    std::optional<ClusterConfig> config;
    std::vector<Problem> problems;
    std::vector<Warning> warnings;
    // What could be read of a file with problems, so that examine() finds the others too. Absent,
    // like the warnings, when braces do not match: anything more would be a consequence of that.
    std::optional<ClusterConfig> draft;
};

// `file_name` only names the text in what is reported.
[[nodiscard]] LoadResult parse(std::string_view text, std::string_view file_name);

// A file of uidgid.d, which may hold nothing but uidgid sections.
struct UidGidResult {
    std::vector<UidGid> uidgid;
    std::vector<Problem> problems;
};
[[nodiscard]] UidGidResult parse_uidgid(std::string_view text, std::string_view file_name);

}  // namespace totem::config
