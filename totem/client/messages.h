// What clients and the daemon's doors say to each other: requests to bytes, replies and events to
// values. The counterpart of the doors, written from the same tables and not from their code.
//
// Source: ipc.md 5 to 11. All views into decoded messages live as long as the bytes decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "totem/client/fields.h"
#include "totem/core/result.h"
#include "totem/core/types.h"

namespace totem::client {

// The doors that a client connects to, by their number.
enum class Door : std::uint8_t { kCmap = 0, kCfg = 1, kCpg = 2, kQuorum = 3, kVotequorum = 5 };

// cs_error_t, as far as clients react to it; every other number is kept as it came.
enum class Error : std::uint32_t {
    kOk = 1,
    kLibrary = 2,
    kTryAgain = 6,
    kInvalidParam = 7,
    kBusy = 10,
    kAccess = 11,
    kNotExist = 12,
    kExist = 14,
    kNameNotFound = 17,
};

// Why bytes of the daemon could not be read.
using Malformed = std::string_view;
template <typename Value>
using Decoded = Result<Value, Malformed>;

// ---- requests -----------------------------------------------------------------------------------

struct Process {
    NodeId node = kNoNode;
    std::uint32_t pid = 0;
    friend bool operator==(const Process&, const Process&) = default;
    friend auto operator<=>(const Process&, const Process&) = default;
};

inline constexpr std::size_t kGroupNameMax = 128;
// The most bytes of one message; longer ones travel in parts.
inline constexpr std::size_t kMessageMax = std::size_t{1024} * 1024 - 1024;

// Group names are binary and their length counts. At most kGroupNameMax bytes (checked).
struct GroupRequest {
    std::string_view group;
    std::uint32_t pid = 0;
};
enum class InitialRing : std::uint8_t { kNotWanted, kWanted };
[[nodiscard]] Bytes cpg_join(const GroupRequest& group, InitialRing ring);
[[nodiscard]] Bytes cpg_leave(const GroupRequest& group);
// At most kMessageMax bytes (checked).
[[nodiscard]] Bytes cpg_multicast(Guarantee guarantee, ByteView message);
// Who is in a group, member of it or not.
[[nodiscard]] Bytes cpg_membership_get(std::string_view group);
[[nodiscard]] Bytes cpg_local_get();
[[nodiscard]] Bytes cpg_finalize();

inline constexpr std::uint32_t kTrackCurrent = 1;
inline constexpr std::uint32_t kTrackChanges = 2;
[[nodiscard]] Bytes quorum_get_quorate();
[[nodiscard]] Bytes quorum_get_type(std::uint32_t model);
[[nodiscard]] Bytes quorum_track_start(std::uint32_t flags);
[[nodiscard]] Bytes quorum_track_stop();

[[nodiscard]] Bytes votequorum_get_info(NodeId node);
[[nodiscard]] Bytes votequorum_set_expected(std::uint32_t expected);
[[nodiscard]] Bytes votequorum_track_start(std::uint32_t flags);

inline constexpr std::uint32_t kTrackDelete = 1;
inline constexpr std::uint32_t kTrackModify = 2;
inline constexpr std::uint32_t kTrackAdd = 4;
inline constexpr std::uint32_t kTrackPrefix = 8;
struct CmapTrack {
    std::string_view key;
    std::uint32_t what = 0;      // kTrackDelete | ...
    std::uint64_t instance = 0;  // the client's own, returned in events
};
// Keys have at most 255 characters (checked).
[[nodiscard]] Bytes cmap_get(std::string_view key, std::uint64_t value_bytes_max);
[[nodiscard]] Bytes cmap_track_add(const CmapTrack& track);
[[nodiscard]] Bytes cmap_track_delete(std::uint64_t handle);

[[nodiscard]] Bytes cfg_local_get();
// Every node reads its configuration anew.
[[nodiscard]] Bytes cfg_reload();

// ---- replies ------------------------------------------------------------------------------------

struct Header {
    std::uint32_t id = 0;
    Error error{};
};
[[nodiscard]] Decoded<Header> decode_header(ByteView message);

// Of cpg's and cfg's local_get.
[[nodiscard]] Decoded<NodeId> decode_local_get(ByteView reply);
[[nodiscard]] Decoded<std::vector<Process>> decode_membership_get(ByteView reply);
// Of quorum's getquorate, gettype and model_gettype: the one number that they hold.
[[nodiscard]] Decoded<std::uint32_t> decode_quorum_number(ByteView reply);
inline constexpr std::uint32_t kQuorumTypeSet = 1;

struct VoteInfo {
    NodeId node = kNoNode;
    std::uint32_t state = 0;  // 1 member, 2 dead, 3 leaving
    std::uint32_t votes = 0;
    std::uint32_t expected_votes = 0;
    std::uint32_t highest_expected = 0;
    std::uint32_t total_votes = 0;
    std::uint32_t quorum = 0;
    std::uint32_t flags = 0;
    std::uint32_t device_votes = 0;
    std::string device_name;
};
[[nodiscard]] Decoded<VoteInfo> decode_vote_info(ByteView reply);

struct CmapValue {
    std::uint8_t type = 0;  // 0 absent; ipc.md 11
    ByteView bytes;
};
[[nodiscard]] Decoded<CmapValue> decode_cmap_get(ByteView reply);
[[nodiscard]] Decoded<std::uint64_t> decode_cmap_track_add(ByteView reply);

// ---- events -------------------------------------------------------------------------------------

enum class Reason : std::uint32_t {
    kNone = 0,
    kJoin = 1,
    kLeave = 2,
    kNodeDown = 3,
    kNodeUp = 4,
    kProcessDown = 5,
};
struct Change {
    Process process;
    Reason reason = Reason::kNone;
    friend bool operator==(const Change&, const Change&) = default;
};

struct GroupMembership {
    std::string_view group;
    std::vector<Process> members;
    std::vector<Change> joined;
    std::vector<Change> left;
};
struct GroupMessage {
    std::string_view group;
    Process sender;
    ByteView bytes;
};
// A part of a message that was too long for one: 1 first, 2 continued, 3 last.
struct GroupMessagePart {
    std::string_view group;
    Process sender;
    std::uint32_t total_bytes = 0;
    std::uint32_t part = 0;
    ByteView bytes;
};
struct RingMembership {
    RingId ring;
    std::vector<NodeId> members;
};
using CpgEvent = std::variant<GroupMembership, GroupMessage, GroupMessagePart, RingMembership>;
[[nodiscard]] Decoded<CpgEvent> decode_cpg_event(ByteView event);

struct QuorumNotification {
    bool quorate = false;
    RingId ring;
    std::vector<NodeId> members;
};
struct NodelistNotification {
    RingId ring;
    std::vector<NodeId> members;
    std::vector<NodeId> joined;
    std::vector<NodeId> left;
};
// Those of model 1.
using QuorumEvent = std::variant<QuorumNotification, NodelistNotification>;
[[nodiscard]] Decoded<QuorumEvent> decode_quorum_event(ByteView event);

struct KeyChange {
    std::uint64_t instance = 0;
    std::string_view key;
    std::uint32_t what = 0;  // kTrackAdd, kTrackModify or kTrackDelete
    CmapValue now;
    CmapValue before;
};
[[nodiscard]] Decoded<KeyChange> decode_cmap_event(ByteView event);

}  // namespace totem::client
