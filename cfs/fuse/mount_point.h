// The directory that the filesystem is mounted on: what stands there now, and what may be done
// about it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace cfs {

struct MountPointRules {
    bool over_content = false;  // also onto a directory that is not empty
    // A filesystem that is mounted there is given so long to answer.
    std::chrono::milliseconds patience{2000};
};

// Makes `path` an absolute, real directory to mount on: makes it if it is missing, and takes away
// what a daemon of ours that is dead left mounted. Says what is wrong in one line, or nothing.
[[nodiscard]] std::optional<std::string> prepare_mount_point(const std::string& path,
                                                             const MountPointRules& rules);

// The type of the topmost filesystem mounted exactly at `path`, in /proc/self/mountinfo's words.
[[nodiscard]] std::optional<std::string> mounted_type(const std::string& path);

}  // namespace cfs
