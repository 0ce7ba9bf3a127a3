#include "votequorum/ipc/votequorum_door.h"

#include <algorithm>
#include <array>
#include <limits>

#include "totem/ipc/doors/layout.h"
#include "votequorum/ipc/tracking.h"

namespace votequorum {

using totem::NodeId;
using totem::RingId;
using totem::group::ClientMessage;
using totem::group::ConnectionId;
using totem::group::Outbox;
using totem::group::StructReader;
using totem::ipc::bare_reply;
using totem::ipc::CsError;
using totem::ipc::MessageBuilder;

namespace {

enum class Request : std::uint32_t {
    kGetInfo = 0,
    kSetExpected = 1,
    kSetVotes = 2,
    kTrackStart = 3,
    kTrackStop = 4,
    kDeviceRegister = 5,
    kDeviceUnregister = 6,
    kDeviceUpdate = 7,
    kDevicePoll = 8,
    kDeviceMasterWins = 9,
};

// Bytes of each request, by its number.
constexpr std::array<std::size_t, 10> kRequestBytes{24, 24, 24, 32, 16, 272, 272, 528, 296, 280};

constexpr std::uint32_t kReplyStatus = 0;
constexpr std::uint32_t kReplyGetInfo = 1;
constexpr std::uint32_t kEventQuorum = 3;
constexpr std::uint32_t kEventExpected = 4;
constexpr std::uint32_t kEventNodelist = 5;

// Flags of getinfo.
constexpr std::uint32_t kInfoTwoNode = 1;
constexpr std::uint32_t kInfoQuorate = 2;
constexpr std::uint32_t kInfoWaitForAll = 4;

std::uint32_t clamped(Votes votes) {
    return static_cast<std::uint32_t>(
        std::min<Votes>(votes, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

VotequorumDoor::VotequorumDoor(VoteQuorum& service) : service_(service) { service_.listen(this); }

VotequorumDoor::~VotequorumDoor() { service_.listen(nullptr); }

void VotequorumDoor::on_open(ConnectionId connection, std::uint32_t pid, Outbox& out) {
    static_cast<void>(pid);
    static_cast<void>(out);
    clients_[connection] = {};
}

void VotequorumDoor::on_close(ConnectionId connection, Outbox& out) {
    static_cast<void>(out);
    clients_.erase(connection);
}

bool VotequorumDoor::on_request(ConnectionId connection, std::span<const std::byte> request,
                                Outbox& out) {
    const auto header = totem::ipc::read_request_header(request);
    if (header.id >= kRequestBytes.size() || header.size < kRequestBytes[header.id]) {
        totem::ipc::refuse_malformed(connection, header.id, "votequorum: unknown or short request",
                                     out);
        return true;
    }
    const StructReader reader(request);
    switch (static_cast<Request>(header.id)) {
        case Request::kGetInfo:
            get_info(connection, NodeId{reader.u32(16)}, out);
            return true;
        case Request::kSetExpected:
            return answer(connection, service_.set_expected(reader.u32(16), out), out);
        case Request::kSetVotes:
            return answer(connection,
                          service_.set_votes(NodeId{reader.u32(20)}, reader.u32(16), out), out);
        case Request::kTrackStart:
            track_start(connection, request, out);
            return true;
        case Request::kTrackStop:
            track_stop(connection, out);
            return true;
        case Request::kDeviceRegister:
            out.send(bare_reply(connection, kReplyStatus, CsError::kAccess));
            return true;
        case Request::kDeviceUnregister:
        case Request::kDeviceUpdate:
        case Request::kDevicePoll:
        case Request::kDeviceMasterWins:
            out.send(bare_reply(connection, kReplyStatus, CsError::kNotExist));
            return true;
    }
    return true;
}

bool VotequorumDoor::answer(ConnectionId connection, Outcome outcome, Outbox& out) const {
    switch (outcome) {
        case Outcome::kNoRoom:
            return false;
        case Outcome::kSent:
            out.send(bare_reply(connection, kReplyStatus, CsError::kOk));
            break;
        case Outcome::kRefused:
            out.send(bare_reply(connection, kReplyStatus, CsError::kInvalidParam));
            break;
        case Outcome::kUnknownNode:
            out.send(bare_reply(connection, kReplyStatus, CsError::kNameNotFound));
            break;
    }
    return true;
}

void VotequorumDoor::get_info(ConnectionId connection, NodeId node, Outbox& out) const {
    constexpr std::size_t kBytes = 320;
    const Ballot& ballot = service_.ballot();
    const NodeId asked = node == totem::kNoNode ? ballot.options().self : node;
    const auto voter = ballot.voters().find(asked);
    if (voter == ballot.voters().end()) {
        MessageBuilder reply(connection, ClientMessage::Kind::kReply, kReplyGetInfo, kBytes,
                             out.pool(), CsError::kNotExist);
        out.send(reply.take());
        return;
    }
    const Tally tally = ballot.tally();
    std::uint32_t flags = 0;
    flags |= ballot.two_node() ? kInfoTwoNode : 0;
    flags |= ballot.quorate() ? kInfoQuorate : 0;
    flags |= ballot.options().waits_for_all() ? kInfoWaitForAll : 0;
    MessageBuilder reply(connection, ClientMessage::Kind::kReply, kReplyGetInfo, kBytes,
                         out.pool());
    reply.u32(24, raw(asked))
        .u32(28, static_cast<std::uint32_t>(voter->second.state))
        .u32(32, voter->second.votes)
        .u32(36, voter->second.expected_votes)
        .u32(40, clamped(tally.highest_expected))
        .u32(44, clamped(tally.total))
        .u32(48, clamped(ballot.threshold()))
        .u32(52, flags)
        .u32(56, ballot.device_votes());
    out.send(reply.take());
}

void VotequorumDoor::track_start(ConnectionId connection, std::span<const std::byte> request,
                                 Outbox& out) {
    const StructReader reader(request);
    const std::uint32_t flags = reader.u32(24);
    Client& client = clients_[connection];
    Client asked{reader.u64(16), client.tracks};
    if (wants_current(flags)) {
        send_nodelist(connection, asked, service_.ring(), service_.members(), out);
        send_quorum(connection, asked, out);
    }
    if (client.tracks) {
        out.send(bare_reply(connection, kReplyStatus, CsError::kExist));
        return;
    }
    asked.tracks = wants_changes(flags);
    client = asked;
    out.send(bare_reply(connection, kReplyStatus, CsError::kOk));
}

void VotequorumDoor::track_stop(ConnectionId connection, Outbox& out) {
    Client& client = clients_[connection];
    const CsError error = client.tracks ? CsError::kOk : CsError::kNotExist;
    client = {};
    out.send(bare_reply(connection, kReplyStatus, error));
}

void VotequorumDoor::send_nodelist(ConnectionId connection, const Client& client,
                                   const RingId& ring, std::span<const NodeId> nodes,
                                   Outbox& out) const {
    constexpr std::size_t kFixed = 56;
    MessageBuilder event(connection, ClientMessage::Kind::kEvent, kEventNodelist,
                         kFixed + nodes.size_bytes(), out.pool());
    event.u64(24, client.context).ring(32, ring);
    event.u32(48, static_cast<std::uint32_t>(nodes.size()));
    out.send(event.bytes(kFixed, std::as_bytes(nodes)).take());
}

void VotequorumDoor::send_quorum(ConnectionId connection, const Client& client, Outbox& out) const {
    constexpr std::size_t kFixed = 48;
    constexpr std::size_t kEntry = 8;
    const auto& voters = service_.ballot().voters();
    MessageBuilder event(connection, ClientMessage::Kind::kEvent, kEventQuorum,
                         kFixed + kEntry * voters.size(), out.pool());
    event.u32(24, service_.ballot().quorate() ? 1 : 0).u64(32, client.context);
    event.u32(40, static_cast<std::uint32_t>(voters.size()));
    std::size_t at = kFixed;
    for (const auto& [node, voter] : voters) {
        event.u32(at, raw(node)).u32(at + 4, static_cast<std::uint32_t>(voter.state));
        at += kEntry;
    }
    out.send(event.take());
}

void VotequorumDoor::on_nodelist(const RingId& ring, std::span<const NodeId> nodes, Outbox& out) {
    for (const auto& [connection, client] : clients_) {
        if (client.tracks) {
            send_nodelist(connection, client, ring, nodes, out);
        }
    }
}

void VotequorumDoor::on_votes(Outbox& out) {
    for (const auto& [connection, client] : clients_) {
        if (client.tracks) {
            send_quorum(connection, client, out);
        }
    }
}

void VotequorumDoor::on_expected(std::uint32_t expected, Outbox& out) {
    constexpr std::size_t kBytes = 40;
    for (const auto& [connection, client] : clients_) {
        if (client.tracks) {
            MessageBuilder event(connection, ClientMessage::Kind::kEvent, kEventExpected, kBytes,
                                 out.pool());
            out.send(event.u64(24, client.context).u32(32, expected).take());
        }
    }
}

}  // namespace votequorum
