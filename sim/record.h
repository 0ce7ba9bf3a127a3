// The trace of a run: typed events that checkers read (properties.md section 1).
//
// `at` is the world's time, which no node ever sees. A process is (node, life): the life counts the
// starts of the node. Rings and sequence numbers are those of the ring protocol.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/schedule.h"
#include "totem/core/codec.h"
#include "totem/core/trace.h"
#include "totem/core/types.h"

namespace sim {

using totem::Guarantee;
using totem::Instant;
using totem::NodeId;
using totem::RingId;
using totem::Seq;

struct Where {
    Instant at{};
    std::uint32_t node = 0;  // index; the node's id is index + 1
    std::uint32_t life = 0;
};

[[nodiscard]] constexpr NodeId id_of(std::uint32_t node) noexcept { return NodeId{node + 1}; }
// False for an id that is no node of the world.
[[nodiscard]] constexpr bool index_of(NodeId id, std::uint32_t nodes, std::uint32_t& out) noexcept {
    out = totem::raw(id) - 1;
    return totem::raw(id) >= 1 && totem::raw(id) <= nodes;
}
// Of those that are nodes of the world.
[[nodiscard]] constexpr NodeMask mask_of_ids(std::span<const NodeId> ids) noexcept {
    NodeMask mask = 0;
    for (const NodeId id : ids) {
        std::uint32_t node = 0;
        mask |= index_of(id, kNodesMax, node) ? mask_of(node) : 0;
    }
    return mask;
}

struct Started {
    Where where;
    std::uint64_t stored_ring_seq = 0;
    DiskFate disk = DiskFate::kKept;
};
// The process is gone, silently.
struct Failed {
    Where where;
};
// A message got its place in the order, or (recovery) carries a message of an older ring.
struct Originated {
    Where where;
    RingId ring;
    Seq seq;
    Guarantee guarantee{};
    bool recovery = false;
    bool bytes_known = false;  // hash and size hold
    std::uint64_t hash = 0;
    std::uint32_t size = 0;
};
// A node has a message in its hands (its own, or received).
struct Held {
    Where where;
    RingId ring;
    Seq seq;
};
struct Delivered {
    Where where;
    RingId ring;
    Seq seq;
    NodeId sender{};
    Guarantee guarantee{};
    std::uint64_t hash = 0;
    std::uint32_t size = 0;
};
struct Configured {
    Where where;
    bool regular = false;
    RingId ring;  // the new ring, also in a transitional configuration
    NodeMask members = 0;
    NodeMask left = 0;
    NodeMask joined = 0;
    bool listed = true;  // every member is a node of the world, ascending, named once
};
struct StateChanged {
    Where where;
    totem::State from{};
    totem::State to{};
    totem::GatherReason reason{};
};
// Messages of `ring` up to `upto` were forgotten.
struct Released {
    Where where;
    RingId ring;
    Seq upto;
};
// A regular token was accepted.
struct TokenTaken {
    Where where;
    RingId ring;
    std::uint32_t token_seq = 0;
    Seq seq;
};
// A regular token left the node, or left it again. `backlog` is what the node still has to send.
struct TokenSent {
    Where where;
    const totem::OrfToken* token = nullptr;  // valid while the event is published
    std::size_t backlog = 0;
};
// The safe line of a node moved: it believes every member to hold the messages of `ring` up to it.
struct SafeLine {
    Where where;
    RingId ring;
    Seq upto;
};
// Whether a node holds the idle token back, and whether it has something to send on this ring.
struct Idle {
    Where where;
    RingId ring;
    bool holds = false;
    bool news = false;
};
// A node heard that somebody wants the idle token of `ring`.
struct TokenWanted {
    Where where;
    RingId ring;
};
// A frame left the node. `ring_seq` is the number of the ring it speaks for.
struct Spoke {
    Where where;
    std::uint8_t kind = 0;  // totem::FrameType
    RingId ring;
    Seq seq;
};
struct Durable {
    Where where;
    std::uint64_t ring_seq = 0;
};
// A frame that must not matter was processed; the two hashes are of the part of the node's state
// that it must leave alone.
struct Ignorable {
    Where where;
    const char* property = "";
    const char* why = "";
    std::uint64_t before = 0;
    std::uint64_t after = 0;
};
// A sealed frame arrived and was opened, or not.
struct FrameOpened {
    Where where;
    bool damaged = false;
    bool accepted = false;
    std::uint64_t name = 0;  // the same for every copy
};
// What a node's votequorum says, whenever it changes.
struct QuorumView {
    Where where;
    bool quorate = false;
    bool synchronising = false;
    RingId ring;           // as votequorum names it
    RingId node_ring;      // as the node's configurations name it
    NodeMask members = 0;  // of node_ring
};
// A synchronisation waits for the barriers of these nodes.
struct SyncWaits {
    Where where;
    NodeMask waiting_for = 0;
    NodeMask members = 0;
    bool listed = true;
};
// Long after a heal: these nodes are connected, and were for long enough to agree about everything.
struct Settled {
    Where where;
    NodeMask members = 0;
    bool quiet = false;  // nothing was sent for a while
};

// ---- clients: members of closed process groups
// ---------------------------------------------------

struct GroupWhere {
    Where where;  // its life is the client's
    std::uint32_t client = 0;
    std::uint32_t pid = 0;
    RingId ring;  // of the daemon when it sent what the client hears now
};
struct GroupMember {
    NodeId node{};
    std::uint32_t pid = 0;
    friend bool operator==(const GroupMember&, const GroupMember&) = default;
    friend auto operator<=>(const GroupMember&, const GroupMember&) = default;
};
struct GroupStarted {
    GroupWhere at;
};
struct GroupFailed {
    GroupWhere at;
};
// The connection is gone and with it the membership.
struct GroupExpelled {
    GroupWhere at;
};
// The application gave the client its message `number`, counted from 1.
struct GroupSaid {
    GroupWhere at;
    std::uint64_t number = 0;
};
struct GroupHeard {
    GroupWhere at;
    GroupMember sender;
    std::uint64_t number = 0;
    bool intact = true;
    bool own = false;  // the client says that it sent this
};
struct GroupView {
    GroupWhere at;
    std::vector<GroupMember> members;
    std::uint64_t hash = 0;  // of the whole event
};
// The daemon said which ring orders what follows: when the ring's groups are settled, and behind
// the client's own join.
struct GroupRing {
    GroupWhere at;
    RingId ring;
    NodeMask members = 0;
};
// The daemon refused, or said what the client cannot understand.
struct GroupTrouble {
    GroupWhere at;
    std::string text;
};

}  // namespace sim
