// The trace of the replicated filesystem: what its daemons, their callers and their disks do.
//
// `where.life` is the life of the node's cfsd. A place is a state of the tree: position and digest.
// Callers' wishes carry a ticket, unique in the run, that stands in the operation's time as well:
// so a record in a history names its wish.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cfs/core/replica.h"
#include "sim/record.h"

namespace sim {

// Tickets begin above every time that a replica's own operations carry.
inline constexpr std::uint64_t kTickets = std::uint64_t{1} << 32U;

struct FilePlace {
    cfs::Position position;
    cfs::Digest digest;
    friend bool operator==(const FilePlace&, const FilePlace&) = default;
};

// What a caller wants done, as the bytes of an operation (operation_codec.h).
using WishBytes = std::shared_ptr<const std::vector<std::byte>>;

// A cfsd starts with what its disk holds.
struct FilesStarted {
    Where where;
    FilePlace place;
    std::uint64_t promise = 0;
};
// It is gone; what the disk holds on stable storage from here on.
struct FilesFailed {
    Where where;
    DiskFate fate = DiskFate::kKept;
    FilePlace durable{};
    std::uint64_t promise = 0;
};
struct FileAsked {
    Where where;
    std::uint64_t ticket = 0;
    WishBytes bytes;
};
struct FileAnswered {
    Where where;
    std::uint64_t ticket = 0;
    cfs::Refusal refusal{};
    cfs::Outcome outcome;
    std::uint64_t epoch = 0;  // that the replica took to be the open one
};
// The ticket of the wish that a record is about; 0: the replica's own operation, whose time may be
// anybody's.
[[nodiscard]] constexpr std::uint64_t ticket_of(std::uint8_t kind, std::uint64_t time) noexcept {
    constexpr std::uint8_t kUnlock = 10;
    constexpr std::uint8_t kDiscardChunks = 13;
    return kind == kUnlock || kind == kDiscardChunks ? 0 : time;
}

// An operation became part of a replica's state.
struct FileApplied {
    Where where;
    FilePlace before;
    const cfs::Record* record = nullptr;  // valid while the event is published
};
// A replica gave up its state for another one.
struct FileAdopted {
    Where where;
    FilePlace before;
    FilePlace after;
    NodeMask members = 0;  // of its view
};
// A commit ended: what the disk holds on stable storage.
struct FileStored {
    Where where;
    FilePlace durable{};
    std::uint64_t promise = 0;
};
struct FileStoreFailed {
    Where where;
    cfs::StoreErrorKind kind{};
};
struct FileStatus {
    Where where;
    const cfs::Status* status = nullptr;  // valid while the event is published
};
struct FileNotice {
    Where where;
    cfs::Notice::Kind kind{};
    NodeId node{};
    std::uint64_t number = 0;
};
// A caller looked at the tree.
struct FileRead {
    Where where;
    std::uint32_t caller = 0;
    FilePlace place;
};
// An administrator lowered the expected votes, or this replica believes it.
struct FileVotes {
    Where where;
    std::uint32_t expected = 0;
    std::uint32_t total = 0;
};
// Long after a heal: these nodes are connected and can agree, and this is where one of them is.
struct FilesSettled {
    Where where;
    NodeMask members = 0;
    FilePlace place;
    bool quiet = false;  // nothing was asked for a while
};

}  // namespace sim
