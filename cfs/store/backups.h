// The copies of the database that were made before it was replaced: their names, and how many stay.
//
// Whoever was away for a moment catches up by adopting, and each adoption begins with a copy of
// all. Without an end to them the copies would fill the disk that they are there to save.
#pragma once

#include <cstddef>
#include <string>

namespace cfs {

inline constexpr std::size_t kBackupsKept = 10;

// "DIRECTORY/NAME.20261128T072400Z", with ".1", ".2" ... behind it when that is there already.
[[nodiscard]] std::string new_backup_path(const std::string& directory, const std::string& name);

// Removes the oldest, so that with one more there are kBackupsKept; only what has such a name.
void make_room_for_backup(const std::string& directory, const std::string& name);

}  // namespace cfs
