// What stands behind the names of the doors of a daemon whose files lie below another root, so that
// several daemons share a host's names.
#pragma once

#include <algorithm>
#include <string>

namespace totem::ipc {

// Empty for the real root. libqb makes names of files out of the names of doors, so there is no
// slash in it: a door with one can be listened on but never entered.
[[nodiscard]] inline std::string door_suffix(const std::string& root) {
    std::string suffix = root.empty() ? "" : "@" + root;
    std::ranges::replace(suffix, '/', ':');
    return suffix;
}

}  // namespace totem::ipc
