// Names and paths: which bytes may stand in them, and which places have a meaning of their own.
//
// Source: cfs.md sections 1 (names), 4.1 (guest configurations), 4.2 (locks), 5 (views).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "cfs/core/types.h"

namespace cfs {

// Any bytes but '/' and NUL, 1 to `bytes_max` of them. kAccess for "." and "..", kNameTooLong,
// else kInvalid.
[[nodiscard]] Errno check_name(std::string_view name, std::size_t bytes_max) noexcept;

// Files and links that the filesystem shows in its root and never stores (".version", "local",
// ...).
[[nodiscard]] bool is_view(std::string_view name) noexcept;

// The first component of a path and the rest; leading and repeated slashes do not count. An empty
// component means that there is none left.
[[nodiscard]] std::pair<std::string_view, std::string_view> split_first(
    std::string_view path) noexcept;

enum class GuestType : std::uint8_t { kQemu, kLxc, kOpenvz };

// "qemu-server", "lxc" and "openvz".
[[nodiscard]] std::optional<GuestType> guest_type(std::string_view directory) noexcept;

// N of "N.conf": 1 to 4294967295 without a leading zero.
[[nodiscard]] std::optional<std::uint32_t> guest_id(std::string_view file) noexcept;

// Letters, digits and hyphens, no hyphen first or last.
[[nodiscard]] bool is_node_name(std::string_view name) noexcept;

}  // namespace cfs
