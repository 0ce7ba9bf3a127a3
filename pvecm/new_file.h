// A file that was not there before: whole and durable, or not there.
//
// The bytes go to a file of another name in the same directory, which is synced and then linked to
// the wanted name. Linking fails when the name is taken, so nothing is ever replaced, not even what
// somebody else makes at the same moment.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace pvecm {

// Makes missing directories above it, readable by all. Empty, or why there is no such file:
// "cannot create '/etc/corosync/authkey' - Permission denied".
[[nodiscard]] std::optional<std::string> create_file(const std::string& path, unsigned mode,
                                                     std::span<const std::byte> bytes);

// Takes it away again, durably as far as it can.
void remove_file(const std::string& path) noexcept;

}  // namespace pvecm
