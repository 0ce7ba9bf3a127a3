// What can be done to the tree, as values. Every node applies the same operations in the same
// order.
//
// Operations name what exists by inode and what is looked up by (directory, name), so that an
// operation that was on its way while something was renamed still means what its sender meant.
// Names and data are views: they live as long as the bytes they were decoded from, or as what the
// sender built them on. The bytes are in operation_codec.h, the rules in apply.h.
//
// Source: architecture.md decision 10; cfs.md sections 2 to 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "cfs/core/types.h"

namespace cfs {

using Bytes = std::span<const std::byte>;

// A regular file, empty. Where one is already: kExists if `exclusive`, else it is taken as it is.
struct Create {
    Inode parent{};
    std::string_view name{};
    bool exclusive = false;
};

struct MakeDirectory {
    Inode parent{};
    std::string_view name{};
};

// Bytes from `offset` on.
struct Range {
    std::uint64_t offset = 0;
    Bytes data{};
};

// Ascending, none empty, none overlapping another. A gap that this leaves reads as zeros.
using Ranges = std::vector<Range>;

// All ranges become visible together.
struct Write {
    Inode inode{};
    Ranges ranges{};
};

struct Truncate {
    Inode inode{};
    std::uint64_t size = 0;
};

// Takes the place of what is at the new name.
struct Rename {
    Inode parent{};
    std::string_view name{};
    Inode new_parent{};
    std::string_view new_name{};
};

struct Unlink {
    Inode parent{};
    std::string_view name{};
};

struct RemoveDirectory {
    Inode parent{};
    std::string_view name{};
};

// Of a lock (a directory in priv/lock): refreshes it, which only its last writer may, and only
// forward.
struct SetTime {
    Inode inode{};
    std::uint64_t mtime = 0;  // s
};

// "Is this lock, as it was at `version`, still held?" Changes nothing and is always answered
// kAccess; who keeps the time (lock_timers.h) answers it with an Unlock if the lock has expired.
struct RequestUnlock {
    Inode inode{};
    std::uint64_t version = 0;
};

// Removes the lock if it was not touched since `version`.
struct Unlock {
    Inode inode{};
    std::uint64_t version = 0;
};

// A part of a write that is too large for one message: kept aside, in every replica, until
// CommitChunks. `write` is the sender's own number for it, `sequence` counts its parts from 0.
struct Chunk {
    std::uint64_t write = 0;
    std::uint32_t sequence = 0;
    Ranges ranges{};
};

// All `count` parts become visible together, the later over the earlier.
struct CommitChunks {
    Inode inode{};
    std::uint64_t write = 0;
    std::uint32_t count = 0;
};

// Forgets parts of `node` that nobody will commit: those of every life but `kept`.
struct DiscardChunks {
    NodeId node = totem::kNoNode;
    Life kept{};
};

struct SetLimits {
    Limits limits{};
};

using Change =
    std::variant<Create, MakeDirectory, Write, Truncate, Rename, Unlink, RemoveDirectory, SetTime,
                 RequestUnlock, Unlock, Chunk, CommitChunks, DiscardChunks, SetLimits>;

struct Operation {
    OperationId id{};
    std::uint64_t time = 0;  // s, of the sender's clock: becomes the mtime of what it changes
    Change change{};
};

// The most data in one operation; a write of more goes in chunks (architecture.md decision 10).
inline constexpr std::size_t kOperationDataMax = std::size_t{256} * 1024;

}  // namespace cfs
