// What a service above the ring is, and what it may ask for.
//
// A service is a pure state machine: the stack calls it with ordered messages, configuration
// changes and the turns of the synchronisation that follows each of them (wire.md section 7), and
// it answers through the Outbox. A door is the other side of a service: it turns the requests of
// local clients (bytes as in ipc.md sections 6 to 11) into calls and the service's news into
// events. Neither knows time other than as Outbox::now(), sockets, files or threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "totem/core/effects.h"
#include "totem/core/frame.h"
#include "totem/core/types.h"

namespace totem::group {

// Services by their number on the wire and in the handshake of clients (wire.md 6.1, ipc.md 1).
enum class ServiceId : std::uint8_t {
    kCmap = 0,
    kCfg = 1,
    kCpg = 2,
    kQuorum = 3,
    kPload = 4,
    kVotequorum = 5
};

// One client of one door, from its connect to its disconnect; the host numbers them and never
// reuses a number while the process lives.
enum class ConnectionId : std::uint32_t {};

// One message to one client: `head`, then `body`; together exactly the bytes of ipc.md.
struct ClientMessage {
    enum class Kind : std::uint8_t { kReply, kEvent };
    ConnectionId connection{};
    Kind kind = Kind::kReply;
    std::uint16_t head_size = 0;
    std::array<std::byte, 208> head{};
    FrameRef body;
};

// What happened, for the log and the administrator; the host words it (samples/log-*.txt).
struct Notice {
    enum class Kind : std::uint8_t {
        kMembershipFormed,  // ring, joined = nodes, left = others
        kSyncStarted,    // nodes = members (quorum's "Sync members"), others = joined, more = left
        kSyncCompleted,  // "Completed service synchronization, ready to provide service."
        kSyncWaiting,    // nodes = members whose barrier is missing, a = milliseconds waited
        kQuorumMembers,  // nodes = members ("Members[n]: ...")
        kQuorumGained,   // "This node is within the primary component and will provide service."
        kQuorumLost,     // "This node is within the non-primary component and will NOT provide..."
        kWaitForAllCleared,
        kKilledByNode,         // node, text = reason
        kNodeShutDown,         // node: "Node N was shut down by sysadmin"
        kConfigVersionTooOld,  // a = highest version received, b = own version
        kMalformedMessage,     // node = sender, a = service, b = function, text = what was wrong
        kMalformedRequest,     // a = connection, b = request id, text = what was wrong
        kConfigurationError,   // text
        kReloadRequested,      // node: "Config reload requested by node N"
        kKeyChangeWaiting,     // nodes = members without the new key of the ring
    };
    Kind kind{};
    NodeId node = kNoNode;
    RingId ring;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::vector<NodeId> nodes;
    std::vector<NodeId> others;
    std::vector<NodeId> more;
    std::string text;
};

// What only the host can do.
struct HostRequest {
    enum class Kind : std::uint8_t {
        kStop,    // leave the ring and end with `exit_status`
        kReload,  // read the configuration again; answer with Stack's HostReply of the same token
        kReopenLogs,  // likewise
        kForceGather,
        kUseKeys,  // those that CfgService::keys() names, from now on
    };
    Kind kind{};
    int exit_status = 0;
    std::uint32_t token = 0;
};

class Outbox {
  public:
    Outbox() = default;
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    Outbox(Outbox&&) = delete;
    Outbox& operator=(Outbox&&) = delete;
    virtual ~Outbox() = default;

    [[nodiscard]] virtual Instant now() const = 0;
    [[nodiscard]] virtual FramePool& pool() = 0;

    // Sends one service message in total order. `parts` are the bytes behind the 16-byte service
    // header of wire.md 6.1, which the stack writes (id, size over everything, pads 0). From inside
    // sync_step() it travels in the synchronisation's own queue, otherwise in the clients' queue.
    // False: no room, nothing was queued; never inside sync_step(), where room is kept.
    [[nodiscard]] virtual bool multicast(ServiceId service, std::uint16_t function,
                                         std::span<const std::span<const std::byte>> parts,
                                         Guarantee guarantee) = 0;
    // True when a message of `bytes` behind the service header would be accepted now.
    [[nodiscard]] virtual bool has_room(std::size_t bytes) const = 0;

    virtual void send(ClientMessage message) = 0;
    virtual void notice(Notice notice) = 0;
    virtual void request_host(HostRequest request) = 0;
    // Calls on_wake() of the caller's service not before `when`; one per service, the last one
    // counts.
    virtual void wake_at(ServiceId service, Instant when) = 0;
};

// Whether a service's turn in a synchronisation is finished.
enum class SyncStep : std::uint8_t { kDone, kWaiting };

class Service {
  public:
    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    Service(Service&&) = delete;
    Service& operator=(Service&&) = delete;
    virtual ~Service() = default;

    [[nodiscard]] virtual ServiceId id() const = 0;
    // Takes part in synchronisation (its id is in our service_build).
    [[nodiscard]] virtual bool synchronises() const { return true; }

    // Every configuration change, in ascending order of service id.
    virtual void on_configuration(const Configuration& change, Outbox& out) = 0;
    // A synchronisation of ring `ring` begins; called for all services before the first
    // sync_step(). `transitional` came along from this node's old ring; `members` is the new ring.
    virtual void sync_begin(const RingId& ring, std::span<const NodeId> transitional,
                            std::span<const NodeId> members, Outbox& out) = 0;
    // This service's turn: send what the others must know. Called again after on_wake() or a
    // request of a client while it answers kWaiting; a barrier is sent when it answers kDone.
    virtual SyncStep sync_step(Outbox& out) = 0;
    // Every member's barrier for this service has arrived: what was learnt is in force.
    virtual void sync_activate(Outbox& out) = 0;
    // The synchronisation was overtaken by a new configuration: forget what was learnt in it.
    virtual void sync_abort(Outbox& out) = 0;
    // All services of this ring are activated. Told to every service: whoever has nothing to
    // synchronise may have something to say in a new ring.
    virtual void on_sync_complete(Outbox& out) = 0;

    // A message of this service in total order. `message` starts with the 16-byte header, whose
    // size field has been checked against the bytes really present; it may be malformed in every
    // other way.
    virtual void on_message(NodeId sender, std::uint16_t function, const FrameRef& message,
                            Outbox& out) = 0;
    virtual void on_wake(Outbox& out) { static_cast<void>(out); }

    // Hash of everything that decides future behaviour.
    [[nodiscard]] virtual std::uint64_t state_hash() const = 0;
};

class Door {
  public:
    Door() = default;
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    Door(Door&&) = delete;
    Door& operator=(Door&&) = delete;
    virtual ~Door() = default;

    [[nodiscard]] virtual ServiceId id() const = 0;
    virtual void on_open(ConnectionId connection, std::uint32_t pid, Outbox& out) = 0;
    // The client is gone (asked, died, or was thrown out). No reply or event may follow.
    virtual void on_close(ConnectionId connection, Outbox& out) = 0;
    // One request: header and all, private copy, any length, any content. False: it cannot be taken
    // now (no room in the send queue) and changed nothing; the host offers it again later and
    // nothing else of this connection before it.
    [[nodiscard]] virtual bool on_request(ConnectionId connection,
                                          std::span<const std::byte> request, Outbox& out) = 0;
    // The host's answer to the HostRequest of `token`; `error` is a cs_error_t (ipc.md 5). Only the
    // door of cfg asks for any.
    virtual void on_host_reply(std::uint32_t token, std::uint32_t error, Outbox& out) {
        static_cast<void>(token);
        static_cast<void>(error);
        static_cast<void>(out);
    }
};

}  // namespace totem::group
