#include "votequorum/ipc/quorum_door.h"

#include <string>
#include <vector>

#include "totem/ipc/doors/layout.h"
#include "votequorum/ipc/tracking.h"

namespace votequorum {

using totem::NodeId;
using totem::group::ClientMessage;
using totem::group::ConnectionId;
using totem::group::Outbox;
using totem::group::StructReader;
using totem::ipc::bare_reply;
using totem::ipc::CsError;
using totem::ipc::MessageBuilder;

namespace {

enum class Request : std::uint32_t {
    kGetQuorate = 0,
    kTrackStart = 1,
    kTrackStop = 2,
    kGetType = 3,
    kModelGetType = 4,
};

// Replies and notifications (ipc.md 9).
constexpr std::uint32_t kReplyGetQuorate = 0;
constexpr std::uint32_t kReplyTrackStart = 1;
constexpr std::uint32_t kReplyTrackStop = 2;
constexpr std::uint32_t kEventQuorumV0 = 3;
constexpr std::uint32_t kReplyGetType = 4;
constexpr std::uint32_t kReplyModelGetType = 5;
constexpr std::uint32_t kEventQuorumV1 = 6;
constexpr std::uint32_t kEventNodelistV1 = 7;

constexpr std::size_t kRequestBytes = 16;
constexpr std::size_t kRequestWithNumberBytes = 24;

std::uint32_t count_of(std::span<const NodeId> nodes) {
    return static_cast<std::uint32_t>(nodes.size());
}

std::size_t bytes_of(std::span<const NodeId> nodes) { return nodes.size() * sizeof(NodeId); }

ClientMessage nodelist_event(ConnectionId connection, const MembershipChange& change, Outbox& out) {
    // The lists begin unpadded, at 60.
    constexpr std::size_t kFixed = 60;
    const std::size_t members = bytes_of(change.members);
    const std::size_t joined = bytes_of(change.joined);
    MessageBuilder event(connection, ClientMessage::Kind::kEvent, kEventNodelistV1,
                         kFixed + members + joined + bytes_of(change.left), out.pool());
    event.ring(24, change.ring);
    event.u32(40, count_of(change.members));
    event.u32(48, count_of(change.joined));
    event.u32(56, count_of(change.left));
    event.bytes(kFixed, std::as_bytes(std::span(change.members)));
    event.bytes(kFixed + members, std::as_bytes(std::span(change.joined)));
    event.bytes(kFixed + members + joined, std::as_bytes(std::span(change.left)));
    return event.take();
}

}  // namespace

QuorumDoor::QuorumDoor(QuorumService& service) : service_(service) { service_.listen(this); }

QuorumDoor::~QuorumDoor() { service_.listen(nullptr); }

void QuorumDoor::on_open(ConnectionId connection, std::uint32_t pid, Outbox& out) {
    static_cast<void>(pid);
    static_cast<void>(out);
    clients_[connection] = {};
}

void QuorumDoor::on_close(ConnectionId connection, Outbox& out) {
    static_cast<void>(out);
    clients_.erase(connection);
}

bool QuorumDoor::on_request(ConnectionId connection, std::span<const std::byte> request,
                            Outbox& out) {
    const auto header = totem::ipc::read_request_header(request);
    const auto id = static_cast<Request>(header.id);
    const bool with_number = id == Request::kTrackStart || id == Request::kModelGetType;
    if (header.size < (with_number ? kRequestWithNumberBytes : kRequestBytes)) {
        totem::ipc::refuse_malformed(connection, header.id, "quorum: request too short", out);
        return true;
    }
    const std::uint32_t number = StructReader(request).u32(16);
    switch (id) {
        case Request::kGetQuorate:
            answer_number(connection, kReplyGetQuorate, service_.view().quorate ? 1 : 0, out);
            break;
        case Request::kTrackStart:
            track_start(connection, number, out);
            break;
        case Request::kTrackStop:
            clients_[connection].tracks = false;
            out.send(bare_reply(connection, kReplyTrackStop, CsError::kOk));
            break;
        case Request::kGetType:
            clients_[connection].model = 0;
            answer_number(connection, kReplyGetType, static_cast<std::uint32_t>(service_.model()),
                          out);
            break;
        case Request::kModelGetType:
            choose_model(connection, number, out);
            break;
        default:
            totem::ipc::refuse_malformed(connection, header.id, "quorum: unknown request", out);
            break;
    }
    return true;
}

void QuorumDoor::answer_number(ConnectionId connection, std::uint32_t id, std::uint32_t number,
                               Outbox& out) const {
    constexpr std::size_t kBytes = 32;
    MessageBuilder reply(connection, ClientMessage::Kind::kReply, id, kBytes, out.pool());
    out.send(reply.u32(24, number).take());
}

void QuorumDoor::choose_model(ConnectionId connection, std::uint32_t model, Outbox& out) {
    constexpr std::size_t kBytes = 32;
    constexpr std::uint32_t kNewestModel = 1;
    const bool known = model <= kNewestModel;
    if (known) {
        clients_[connection].model = model;
    }
    MessageBuilder reply(connection, ClientMessage::Kind::kReply, kReplyModelGetType, kBytes,
                         out.pool(), known ? CsError::kOk : CsError::kInvalidParam);
    out.send(reply.u32(24, static_cast<std::uint32_t>(service_.model())).take());
}

void QuorumDoor::track_start(ConnectionId connection, std::uint32_t flags, Outbox& out) {
    Client& client = clients_[connection];
    if (wants_current(flags)) {
        if (client.model == 1) {
            MembershipChange current = service_.membership();
            current.joined.clear();
            current.left.clear();
            out.send(nodelist_event(connection, current, out));
        }
        send_quorum(connection, client, service_.view(), out);
    }
    const bool already = client.tracks;
    client.tracks = already || wants_changes(flags);
    out.send(bare_reply(connection, kReplyTrackStart, already ? CsError::kExist : CsError::kOk));
}

void QuorumDoor::send_quorum(ConnectionId connection, const Client& client, const QuorumView& view,
                             Outbox& out) const {
    // The lists begin unpadded: at 44 in model 0, which tells of the ring only its number, and
    // at 52.
    const bool with_ring = client.model == 1;
    const std::size_t fixed = with_ring ? 52 : 44;
    MessageBuilder event(connection, ClientMessage::Kind::kEvent,
                         with_ring ? kEventQuorumV1 : kEventQuorumV0,
                         fixed + bytes_of(view.members), out.pool());
    event.u32(24, view.quorate ? 1 : 0);
    if (with_ring) {
        event.ring(32, view.ring).u32(48, count_of(view.members));
    } else {
        event.u64(32, view.ring.seq).u32(40, count_of(view.members));
    }
    out.send(event.bytes(fixed, std::as_bytes(std::span(view.members))).take());
}

void QuorumDoor::on_membership(const MembershipChange& change, Outbox& out) {
    for (const auto& [connection, client] : clients_) {
        if (client.tracks && client.model == 1) {
            out.send(nodelist_event(connection, change, out));
        }
    }
}

void QuorumDoor::on_quorum(const QuorumView& view, Outbox& out) {
    for (const auto& [connection, client] : clients_) {
        if (client.tracks) {
            send_quorum(connection, client, view, out);
        }
    }
}

}  // namespace votequorum
