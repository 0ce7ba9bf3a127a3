#include "totem/ipc/doors/cpg_door.h"

#include <algorithm>
#include <array>
#include <utility>

#include "totem/core/check.h"

namespace totem::ipc {

using group::CpgAddress;
using group::CpgChange;
using group::CpgMessage;
using group::CpgPart;
using group::CpgProcess;
using group::CpgReason;
using group::CpgService;
using group::GroupName;

namespace {

// Requests (ipc.md 7) and the size of the fixed part of each.
enum Request : std::uint32_t {
    kJoin = 0,
    kLeave = 1,
    kMcast = 2,
    kMembershipGet = 3,
    kLocalGet = 4,
    kIterationInitialize = 5,
    kIterationNext = 6,
    kIterationFinalize = 7,
    kFinalize = 8,
    kZeroCopyAlloc = 9,
    kZeroCopyFree = 10,
    kZeroCopyExecute = 11,
    kPartialMcast = 12,
};
constexpr std::array<std::size_t, 13> kRequestBytes{168, 160, 40,  152, 16, 160, 24,
                                                    24,  16,  152, 32,  24, 56};

enum Reply : std::uint32_t {
    kJoinReply = 0,
    kLeaveReply = 1,
    kMcastReply = 2,
    kMembershipReply = 3,
    kChangeEvent = 4,
    kDeliverEvent = 5,
    kLocalGetReply = 7,
    kIterationInitializeReply = 9,
    kIterationNextReply = 10,
    kIterationFinalizeReply = 11,
    kFinalizeReply = 12,
    kRingEvent = 13,
    kPartialDeliverEvent = 17,
    kPartialSendReply = 18,
};

constexpr std::size_t kAddressBytes = 24;
constexpr std::size_t kMembershipEntries = 384;
constexpr std::size_t kMembershipBytes = 9248;
constexpr std::size_t kChangeHeadBytes = 184;
constexpr std::size_t kDeliverHeadBytes = 184;
constexpr std::size_t kPartialDeliverHeadBytes = 200;
constexpr std::size_t kRingListOffset = 44;
constexpr std::size_t kRingHeadBytes = 48;
constexpr std::size_t kIterationReplyBytes = 168;

constexpr std::uint32_t kGuaranteeSafe = 3;
constexpr std::uint32_t kFlagInitialRing = 1;
// A client that opens iterations and never ends them is stopped here.
constexpr std::size_t kIterationsMax = 256;

enum IterationType : std::uint32_t { kNamesOnly = 1, kOneGroup = 2, kAll = 3 };

Guarantee guarantee_of(std::uint32_t asked) {
    return asked == kGuaranteeSafe ? Guarantee::kSafe : Guarantee::kAgreed;
}

void put_group(MessageBuilder& message, std::size_t offset, const GroupName& group) {
    message.u32(offset, group.length()).bytes(offset + 8, group.bytes());
}

void put_address(MessageBuilder& message, std::size_t offset, CpgProcess process,
                 std::uint32_t reason) {
    message.u32(offset, raw(process.node)).u32(offset + 8, process.pid).u32(offset + 16, reason);
}

// Lists longer than the clients' library has room for are cut rather than let it overrun.
template <typename Item>
std::span<const Item> bounded(std::span<const Item> list) {
    return list.first(std::min(list.size(), group::kCpgMembersMax));
}

ClientMessage change_event(const CpgChange& change, FramePool& pool) {
    const auto members = bounded(change.members);
    const auto left = bounded(change.left);
    const auto joined = bounded(change.joined);
    const std::size_t count = members.size() + left.size() + joined.size();
    MessageBuilder event({}, ClientMessage::Kind::kEvent, kChangeEvent,
                         kChangeHeadBytes + count * kAddressBytes, pool);
    put_group(event, 24, change.group);
    event.u32(160, static_cast<std::uint32_t>(members.size()));
    event.u32(168, static_cast<std::uint32_t>(joined.size()));
    event.u32(176, static_cast<std::uint32_t>(left.size()));
    std::size_t at = kChangeHeadBytes;
    for (const CpgProcess process : members) {
        put_address(event, at, process, 0);
        at += kAddressBytes;
    }
    for (const auto list : {left, joined}) {
        for (const CpgAddress& address : list) {
            put_address(event, at, address.process, static_cast<std::uint32_t>(address.reason));
            at += kAddressBytes;
        }
    }
    return event.take();
}

ClientMessage message_event(const CpgMessage& message) {
    std::array<std::byte, kPartialDeliverHeadBytes> head{};
    message.group.write(head, 24);
    group::StructWriter writer(head);
    writer.u32(160, message.total_bytes);
    if (message.part == CpgPart::kWhole) {
        writer.u32(168, raw(message.sender.node));
        writer.u32(176, message.sender.pid);
        return event_with_body({}, kDeliverEvent, std::span(head).first(kDeliverHeadBytes),
                               message.payload);
    }
    writer.u32(168, static_cast<std::uint32_t>(message.payload.size()));
    writer.u32(176, raw(message.sender.node));
    writer.u32(184, message.sender.pid);
    writer.u32(192, static_cast<std::uint32_t>(message.part));
    return event_with_body({}, kPartialDeliverEvent, head, message.payload);
}

}  // namespace

CpgDoor::CpgDoor(CpgService& service) : service_(service) { service_.observe(*this); }

void CpgDoor::on_open(ConnectionId connection, std::uint32_t /*pid*/, Outbox& /*out*/) {
    clients_[connection].connection = connection;
}

void CpgDoor::on_close(ConnectionId connection, Outbox& out) {
    const auto at = clients_.find(connection);
    if (at == clients_.end()) {
        return;
    }
    const Client client = std::move(at->second);
    clients_.erase(at);
    forget_listener(client);
    if (client.may_send()) {
        service_.leave(client.group, client.pid,
                       stopping_ ? CpgReason::kLeave : CpgReason::kProcDown, out);
    }
}

bool CpgDoor::on_request(ConnectionId connection, std::span<const std::byte> bytes, Outbox& out) {
    const auto at = clients_.find(connection);
    if (at == clients_.end()) {
        return true;  // closed meanwhile
    }
    const RequestHeader header = read_request_header(bytes);
    const StructReader request(bytes);
    if (header.id >= kRequestBytes.size() || !request.has(0, kRequestBytes.at(header.id))) {
        // A multicast has no reply, so its sender must not find one in its way.
        if (StructReader(bytes).u32(0) == kMcast) {
            note_malformed(connection, kMcast, "multicast shorter than its header", out);
        } else {
            refuse_malformed(connection, header.id, "unknown request or wrong size", out);
        }
        return true;
    }
    if (header.id == kMcast) {
        return mcast(at->second, request, out);
    }
    answer(at->second, header.id, request, out);
    return true;
}

void CpgDoor::answer(Client& client, std::uint32_t id, const StructReader& request, Outbox& out) {
    switch (id) {
        case kJoin:
            return join(client, request, out);
        case kLeave:
            return leave(client, request, out);
        case kMembershipGet:
            return membership_get(client, request, out);
        case kLocalGet:
            return local_get(client, out);
        case kIterationInitialize:
            return iteration_initialize(client, request, out);
        case kIterationNext:
            return iteration_next(client, request, out);
        case kIterationFinalize:
            return iteration_finalize(client, request, out);
        case kFinalize:
            // No more events; the groups are told when the connection closes.
            client.finalized = true;
            forget_listener(client);
            return out.send(bare_reply(client.connection, kFinalizeReply, CsError::kOk));
        case kZeroCopyExecute:
            return out.send(bare_reply(client.connection, kMcastReply, CsError::kNotSupported));
        case kPartialMcast:
            return partial_mcast(client, request, out);
        default:  // zero-copy alloc and free; peers answer these with id 0, too
            return out.send(bare_reply(client.connection, 0, CsError::kNotSupported));
    }
}

// ---- joining and leaving
// ----------------------------------------------------------------------------

void CpgDoor::join(Client& client, const StructReader& request, Outbox& out) {
    const CsError error = try_join(client, request, out);
    const std::uint32_t id = error == CsError::kTryAgain ? 0 : std::uint32_t{kJoinReply};
    out.send(bare_reply(client.connection, id, error));
}

CsError CpgDoor::try_join(Client& client, const StructReader& request, Outbox& out) {
    const auto group = GroupName::read(request, 16);
    const std::uint32_t pid = request.u32(152);
    if (!group) {
        return CsError::kNameTooLong;
    }
    if (client.state == State::kLeaveStarted) {
        return CsError::kBusy;
    }
    if (client.may_send() || find_local(*group, pid) != nullptr) {
        return CsError::kExist;
    }
    if (service_.table().members(*group).size() >= group::kCpgMembersMax) {
        return CsError::kNoResources;
    }
    if (service_.join(*group, pid, out) != CpgService::Join::kSent) {
        return CsError::kTryAgain;
    }
    client.state = State::kJoinStarted;
    client.group = *group;
    client.pid = pid;
    client.wants_ring = (request.u32(160) & kFlagInitialRing) != 0;
    client.part_total = 0;
    client.part_sent = 0;
    return CsError::kOk;
}

void CpgDoor::leave(Client& client, const StructReader& request, Outbox& out) {
    const auto group = GroupName::read(request, 16);
    CsError error = CsError::kNotExist;
    if (client.state == State::kJoinStarted) {
        error = CsError::kBusy;
    } else if (client.state == State::kJoinCompleted && group == client.group) {
        error = CsError::kOk;
        client.state = State::kLeaveStarted;
        service_.leave(client.group, client.pid, CpgReason::kLeave, out);
    }
    out.send(bare_reply(client.connection, kLeaveReply, error));
}

CpgDoor::Client* CpgDoor::find_local(const GroupName& group, std::uint32_t pid) {
    const auto at = std::ranges::find_if(clients_, [&](const auto& entry) {
        const Client& client = entry.second;
        return client.state != State::kUnjoined && client.pid == pid && client.group == group;
    });
    return at == clients_.end() ? nullptr : &at->second;
}

void CpgDoor::forget_listener(const Client& client) {
    const auto at = listeners_.find(client.group);
    if (at != listeners_.end()) {
        std::erase(at->second, client.connection);
        if (at->second.empty()) {
            listeners_.erase(at);
        }
    }
}

// ---- messages
// ---------------------------------------------------------------------------------------

// No reply, whatever happens. Without room it stays with the host, so that nothing is lost.
bool CpgDoor::mcast(const Client& client, const StructReader& request, Outbox& out) {
    const std::size_t size = request.u32(32);
    if (!request.has(40, size) || size > group::kCpgPayloadMax) {
        note_malformed(client.connection, kMcast, "message size", out);
        return true;
    }
    if (!client.may_send()) {
        return true;
    }
    return service_.send(client.group, client.pid, request.bytes(40, size),
                         guarantee_of(request.u32(24)), out);
}

void CpgDoor::partial_mcast(Client& client, const StructReader& request, Outbox& out) {
    const CsError error = try_partial_mcast(client, request, out);
    if (error == CsError::kInvalidParam) {
        return refuse_malformed(client.connection, kPartialMcast, "part of a message", out);
    }
    const std::uint32_t id = error == CsError::kTryAgain ? 0 : std::uint32_t{kPartialSendReply};
    out.send(bare_reply(client.connection, id, error));
}

// Receivers reserve room for the whole at the first part, so parts beyond it must not get out.
CsError CpgDoor::try_partial_mcast(Client& client, const StructReader& request, Outbox& out) {
    const std::uint32_t total = request.u32(32);
    const std::uint32_t size = request.u32(40);
    const std::uint32_t type = request.u32(48);
    if (!request.has(56, size) || size > group::kCpgPayloadMax || type < 1 || type > 3) {
        return CsError::kInvalidParam;
    }
    if (!client.may_send()) {
        return CsError::kNotExist;
    }
    const auto part = static_cast<CpgPart>(type);
    const bool first = part == CpgPart::kFirst;
    const std::uint64_t sent = (first ? 0U : std::uint64_t{client.part_sent}) + size;
    if (sent > total || (!first && total != client.part_total)) {
        return CsError::kInvalidParam;
    }
    const CpgService::Part out_part{part, total, request.bytes(56, size)};
    if (!service_.send_part(client.group, client.pid, out_part, guarantee_of(request.u32(24)),
                            out)) {
        return CsError::kTryAgain;
    }
    client.part_total = part == CpgPart::kLast ? 0 : total;
    client.part_sent = part == CpgPart::kLast ? 0 : static_cast<std::uint32_t>(sent);
    return CsError::kOk;
}

void CpgDoor::on_group_message(const CpgMessage& message, Outbox& out) {
    const auto at = listeners_.find(message.group);
    if (at == listeners_.end()) {
        return;
    }
    ClientMessage event = message_event(message);
    for (const ConnectionId connection : at->second) {
        event.connection = connection;
        out.send(event);
    }
}

// ---- changes
// ----------------------------------------------------------------------------------------

void CpgDoor::on_group_change(const CpgChange& change, Outbox& out) {
    Client* newcomer = nullptr;
    for (const CpgAddress& address : change.joined) {
        Client* client = address.process.node == service_.self()
                             ? find_local(change.group, address.process.pid)
                             : nullptr;
        if (client != nullptr && client->state == State::kJoinStarted) {
            client->state = State::kJoinCompleted;
            if (client->finalized) {
                continue;
            }
            auto& listening = listeners_[change.group];
            listening.insert(std::ranges::lower_bound(listening, client->connection),
                             client->connection);
            newcomer = client;
        }
    }
    const auto at = listeners_.find(change.group);
    if (at == listeners_.end()) {
        return;
    }
    ClientMessage event = change_event(change, out.pool());
    for (const ConnectionId connection : at->second) {
        event.connection = connection;
        out.send(event);
    }
    if (newcomer != nullptr && newcomer->wants_ring) {
        send_ring(*newcomer, service_.ring(), service_.ring_members(), out);
    }
    for (const CpgAddress& address : change.left) {
        Client* client = address.process.node == service_.self()
                             ? find_local(change.group, address.process.pid)
                             : nullptr;
        if (client != nullptr && client->state == State::kLeaveStarted) {
            forget_listener(*client);
            client->state = State::kUnjoined;
        }
    }
}

void CpgDoor::on_groups_settled(const RingId& ring, std::span<const NodeId> members, Outbox& out) {
    for (const auto& [connection, client] : clients_) {
        if (client.is_listening()) {
            send_ring(client, ring, members, out);
        }
    }
}

void CpgDoor::send_ring(const Client& client, const RingId& ring, std::span<const NodeId> members,
                        Outbox& out) {
    const auto listed = bounded(members);
    // The list begins inside the padding of the fixed part, so the last 4 bytes carry nothing.
    const std::size_t size = kRingHeadBytes + 4 * listed.size();
    MessageBuilder event(client.connection, ClientMessage::Kind::kEvent, kRingEvent, size,
                         out.pool());
    event.ring(24, ring).u32(40, static_cast<std::uint32_t>(listed.size()));
    for (std::size_t i = 0; i < listed.size(); ++i) {
        event.u32(kRingListOffset + 4 * i, raw(listed[i]));
    }
    out.send(event.take());
}

// ---- questions
// --------------------------------------------------------------------------------------

void CpgDoor::membership_get(const Client& client, const StructReader& request, Outbox& out) {
    const auto group = GroupName::read(request, 16);
    if (!group) {
        return refuse_malformed(client.connection, kMembershipGet, "group name", out);
    }
    const auto members = service_.table().members(*group);
    const std::size_t count = std::min(members.size(), kMembershipEntries);
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kMembershipReply,
                         kMembershipBytes, out.pool());
    reply.u32(24, static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
        put_address(reply, 32 + i * kAddressBytes, members[i], 0);
    }
    out.send(reply.take());
}

void CpgDoor::local_get(const Client& client, Outbox& out) {
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kLocalGetReply, 32,
                         out.pool());
    out.send(reply.u32(24, raw(service_.self())).take());
}

void CpgDoor::iteration_initialize(Client& client, const StructReader& request, Outbox& out) {
    const auto group = GroupName::read(request, 16);
    const std::uint32_t type = request.u32(152);
    CsError error = CsError::kOk;
    std::uint64_t handle = 0;
    if (type < kNamesOnly || type > kAll || (type == kOneGroup && !group)) {
        error = CsError::kInvalidParam;
    } else if (client.iterations.size() >= kIterationsMax) {
        error = CsError::kNoResources;
    } else {
        handle = ++client.last_iteration;
        auto& entries = client.iterations[handle].entries;
        entries = service_.table().listing();
        if (type == kOneGroup) {
            std::erase_if(entries, [&](const auto& entry) { return entry.group != *group; });
        } else if (type == kNamesOnly) {
            const auto same = [](const auto& a, const auto& b) { return a.group == b.group; };
            entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
            std::ranges::for_each(entries, [](auto& entry) { entry.process = {}; });
        }
    }
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kIterationInitializeReply,
                         32, out.pool(), error);
    out.send(reply.u64(24, handle).take());
}

void CpgDoor::iteration_next(Client& client, const StructReader& request, Outbox& out) {
    const auto at = client.iterations.find(request.u64(16));
    CsError error = CsError::kLibrary;
    if (at != client.iterations.end()) {
        const bool more = at->second.next < at->second.entries.size();
        error = more ? CsError::kOk : CsError::kNoSections;
    }
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kIterationNextReply,
                         kIterationReplyBytes, out.pool(), error);
    if (error == CsError::kOk) {
        const auto& entry = at->second.entries[at->second.next++];
        put_group(reply, 24, entry.group);
        reply.u32(24 + GroupName::kStructBytes, raw(entry.process.node));
        reply.u32(24 + GroupName::kStructBytes + 4, entry.process.pid);
    }
    out.send(reply.take());
}

void CpgDoor::iteration_finalize(Client& client, const StructReader& request, Outbox& out) {
    const bool known = client.iterations.erase(request.u64(16)) != 0;
    out.send(bare_reply(client.connection, kIterationFinalizeReply,
                        known ? CsError::kOk : CsError::kLibrary));
}

}  // namespace totem::ipc
