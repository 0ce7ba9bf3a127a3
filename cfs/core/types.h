// The identifiers, numbers and refusals of the replicated filesystem.
//
// Source: cfs.md sections 1 to 3; properties.md section 7.
#pragma once

#include <compare>
#include <cstdint>

#include "totem/core/types.h"

namespace cfs {

using totem::NodeId;

// Names a file or directory for its whole life, also across renames. The number of a new one is the
// version of the tree after the change that made it, so that numbers are unique and grow.
enum class Inode : std::uint64_t {};
inline constexpr Inode kRootInode{0};
[[nodiscard]] constexpr std::uint64_t raw(Inode inode) noexcept {
    return static_cast<std::uint64_t>(inode);
}

// Which of a node's daemon runs. Drawn at random at start and never compared but for equality: a
// counter kept on disk would repeat after the disk was rolled back.
enum class Life : std::uint64_t {};
[[nodiscard]] constexpr std::uint64_t raw(Life life) noexcept {
    return static_cast<std::uint64_t>(life);
}

// Names one operation, also when it is sent again. `number` grows within a life, from 1.
struct OperationId {
    NodeId node = totem::kNoNode;
    Life life{};
    std::uint64_t number = 0;
    friend constexpr bool operator==(const OperationId&, const OperationId&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const OperationId&,
                                                      const OperationId&) noexcept = default;
};

// The place of an operation in the one order. `index` counts the operations since the tree was made
// and goes on across epochs; the first is 1. {0, 0} is the place of an empty tree.
struct Position {
    std::uint64_t epoch = 0;
    std::uint64_t index = 0;
    friend constexpr bool operator==(const Position&, const Position&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const Position&,
                                                      const Position&) noexcept = default;
};

enum class FileType : std::uint8_t { kDirectory = 4, kRegular = 8 };

// Why an operation was refused; the numbers are Linux's and travel and are stored as such.
enum class Errno : std::uint8_t {
    kOk = 0,
    kNotFound = 2,       // ENOENT
    kAccess = 13,        // EACCES
    kExists = 17,        // EEXIST
    kNotDirectory = 20,  // ENOTDIR
    kIsDirectory = 21,   // EISDIR
    kInvalid = 22,       // EINVAL
    kFileTooBig = 27,    // EFBIG
    kNoSpace = 28,       // ENOSPC
    kNameTooLong = 36,   // ENAMETOOLONG
    kNotEmpty = 39,      // ENOTEMPTY
    kStale = 116,        // ESTALE: the inode is gone, or the operation is older than memory
};

// What one tree may hold. Part of the replicated state, since every replica must refuse the same
// operations: only an operation changes them (properties.md S14).
struct Limits {
    std::uint64_t file_bytes_max = std::uint64_t{1} << 20U;
    std::uint64_t total_bytes_max = std::uint64_t{128} << 20U;
    std::uint64_t inodes_max = 262144;  // with the root
    std::uint32_t name_bytes_max = 256;
    friend constexpr bool operator==(const Limits&, const Limits&) noexcept = default;
};

// Beyond these no limit can be set: what a file's list of blocks and a store's keys have room for.
inline constexpr std::uint64_t kFileBytesCeiling = std::uint64_t{64} << 20U;
inline constexpr std::uint32_t kNameBytesCeiling = 1024;
inline constexpr std::uint64_t kInodeCeiling = std::uint64_t{1} << 51U;

[[nodiscard]] constexpr bool valid(const Limits& limits) noexcept {
    return limits.file_bytes_max <= kFileBytesCeiling && limits.name_bytes_max >= 1 &&
           limits.name_bytes_max <= kNameBytesCeiling && limits.inodes_max >= 1;
}

}  // namespace cfs
