#include "totem/ipc/doors/cfg_door.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace totem::ipc {

namespace {

// Requests (ipc.md 8) and the size of the fixed part of each.
enum Request : std::uint32_t {
    kRingStatusGet = 0,
    kRingReenable = 1,
    kKillNode = 2,
    kTryShutdown = 3,
    kReplyToShutdown = 4,
    kGetNodeAddrs = 5,
    kLocalGet = 6,
    kReload = 7,
    kReopenLogs = 8,
    kNodeStatusGet = 9,
    kTrackStart = 10,
    kTrackStop = 11,
};
constexpr std::array<std::size_t, 12> kRequestBytes{16, 16, 288, 24, 24, 24,
                                                    16, 16, 16,  32, 24, 16};

enum Reply : std::uint32_t {
    kRingStatusReply = 0,
    kRingReenableReply = 1,
    kTrackStartReply = 2,
    kTrackStopReply = 3,
    kKillNodeReply = 8,
    kTryShutdownReply = 9,
    kTestShutdownEvent = 10,
    kGetNodeAddrsReply = 11,
    kLocalGetReply = 12,
    kReplyToShutdownReply = 13,
    kReloadReply = 14,
    kReopenLogsReply = 15,
    kNodeStatusReply = 16,
};

constexpr std::uint32_t kRegardless = 1;
constexpr std::uint32_t kImmediate = 2;

constexpr std::size_t kRingStatusBytes = 10272;
constexpr std::size_t kInterfacesMax = 16;
constexpr std::size_t kInterfaceNameBytes = 128;
constexpr std::size_t kInterfaceStatusBytes = 512;
constexpr std::size_t kInterfaceStatusOffset = 2080;

constexpr std::size_t kNodeStatusBytes = 4200;
constexpr std::size_t kNodeStatusLinks = 8;
constexpr std::size_t kNodeStatusLinkBytes = 520;
constexpr std::size_t kAddressTextBytes = 256;

constexpr std::size_t kAddressBytes = 16;
constexpr std::uint32_t kFamilyIpv4 = 2;
constexpr std::uint32_t kFamilyIpv6 = 10;

constexpr std::string_view kTimeoutKey = "cfg.shutdown_timeout";
constexpr std::chrono::milliseconds kTimeoutDefault{5000};

// The text with room for its NUL.
std::string_view cut(std::string_view text, std::size_t bytes) { return text.substr(0, bytes - 1); }

}  // namespace

CfgDoor::CfgDoor(group::CfgService& service, group::CmapStore& store)
    : service_(service), store_(store) {
    service_.observe(*this);
}

void CfgDoor::on_open(ConnectionId connection, std::uint32_t /*pid*/, Outbox& /*out*/) {
    clients_[connection] = {};
}

void CfgDoor::on_close(ConnectionId connection, Outbox& out) {
    if (clients_.erase(connection) == 0) {
        return;
    }
    std::erase_if(pending_, [connection](const auto& entry) {
        return entry.second.connection == connection;
    });
    if (question_ && question_->asker == connection) {
        question_.reset();
        service_.set_deadline(std::nullopt, out);
    }
    forget_tracker(connection, out);
}

bool CfgDoor::on_request(ConnectionId connection, std::span<const std::byte> bytes, Outbox& out) {
    if (!clients_.contains(connection)) {
        return true;  // closed meanwhile
    }
    const RequestHeader header = read_request_header(bytes);
    const StructReader request(bytes);
    if (header.id >= kRequestBytes.size() || !request.has(0, kRequestBytes.at(header.id))) {
        refuse_malformed(connection, header.id, "unknown request or wrong size", out);
        return true;
    }
    answer(connection, header.id, request, out);
    return true;
}

void CfgDoor::answer(ConnectionId connection, std::uint32_t id, const StructReader& request,
                     Outbox& out) {
    switch (id) {
        case kRingStatusGet:
            return ringstatus(connection, out);
        case kRingReenable:
            return out.send(bare_reply(connection, kRingReenableReply, CsError::kNotSupported));
        case kKillNode:
            return kill_node(connection, request, out);
        case kTryShutdown:
            return try_shutdown(connection, request.u32(16), out);
        case kReplyToShutdown:
            return reply_to_shutdown(connection, request.u32(16), out);
        case kGetNodeAddrs:
            return get_node_addrs(connection, NodeId{request.u32(16)}, out);
        case kLocalGet:
            return local_get(connection, out);
        case kReload:
            return reload(connection, out);
        case kReopenLogs:
            return reopen_logs(connection, out);
        case kNodeStatusGet:
            return node_status(connection, request, out);
        case kTrackStart:
            return track_start(connection, out);
        default:
            return track_stop(connection, out);
    }
}

// ---- facts
// ------------------------------------------------------------------------------------------

void CfgDoor::local_get(ConnectionId connection, Outbox& out) {
    MessageBuilder reply(connection, ClientMessage::Kind::kReply, kLocalGetReply, 32, out.pool());
    out.send(reply.u32(24, raw(service_.facts().self)).take());
}

void CfgDoor::get_node_addrs(ConnectionId connection, NodeId node, Outbox& out) {
    const group::ClusterFacts& facts = service_.facts();
    const group::NodeFacts* known = facts.find(node == kNoNode ? facts.self : node);
    const std::size_t count = known == nullptr ? 0 : known->addresses.size();
    MessageBuilder reply(connection, ClientMessage::Kind::kReply, kGetNodeAddrsReply,
                         32 + count * kAddressBytes, out.pool(),
                         known == nullptr ? CsError::kNotExist : CsError::kOk);
    if (count != 0) {
        reply.u32(24, known->addresses.front().ipv6 ? kFamilyIpv6 : kFamilyIpv4);
        reply.u32(28, static_cast<std::uint32_t>(count));
    }
    for (std::size_t i = 0; i < count; ++i) {
        reply.bytes(32 + i * kAddressBytes, known->addresses[i].bytes);
    }
    out.send(reply.take());
}

void CfgDoor::ringstatus(ConnectionId connection, Outbox& out) {
    const group::ClusterFacts& facts = service_.facts();
    const group::NodeFacts* self = facts.find(facts.self);
    MessageBuilder reply(connection, ClientMessage::Kind::kReply, kRingStatusReply,
                         kRingStatusBytes, out.pool());
    const std::size_t count =
        self == nullptr ? 0 : std::min(self->addresses.size(), kInterfacesMax);
    reply.u32(24, static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
        const group::NodeAddress& address = self->addresses[i];
        const std::string name =
            std::to_string(static_cast<unsigned>(address.link)) + " " + address.text;
        reply.text(32 + i * kInterfaceNameBytes, cut(name, kInterfaceNameBytes));
        reply.text(kInterfaceStatusOffset + i * kInterfaceStatusBytes, "OK");
    }
    out.send(reply.take());
}

// As with udp and udpu: a link is connected when its node is a member, the first address is that of
// the node asked about, and the second is empty.
void CfgDoor::node_status(ConnectionId connection, const StructReader& request, Outbox& out) {
    const NodeId node{request.u32(16)};
    if (request.u32(24) != 1) {
        MessageBuilder refusal(connection, ClientMessage::Kind::kReply, kNodeStatusReply, 32,
                               out.pool(), CsError::kNotSupported);
        return out.send(refusal.take());
    }
    const bool member = service_.is_member(node);
    MessageBuilder reply(connection, ClientMessage::Kind::kReply, kNodeStatusReply,
                         kNodeStatusBytes, out.pool());
    reply.u32(24, 1).u32(28, raw(node)).u8(32, member ? 1 : 0);
    if (const group::NodeFacts* known = service_.facts().find(node); known != nullptr) {
        for (const group::NodeAddress& address : known->addresses) {
            const auto link = static_cast<std::size_t>(address.link);
            if (link >= kNodeStatusLinks) {
                continue;
            }
            const std::size_t at = 40 + link * kNodeStatusLinkBytes;
            reply.u8(at, 1).u8(at + 1, member ? 1 : 0).u32(at + 4, service_.facts().mtu);
            reply.text(at + 8, cut(address.text, kAddressTextBytes));
        }
    }
    out.send(reply.take());
}

// ---- other nodes
// ------------------------------------------------------------------------------------

void CfgDoor::kill_node(ConnectionId connection, const StructReader& request, Outbox& out) {
    const NodeId victim{request.u32(16)};
    const std::size_t length = std::min<std::size_t>(request.u16(24), kNameTextMax);
    CsError error = CsError::kNotExist;
    if (service_.is_member(victim)) {
        const auto reason = group::as_text(request.bytes(26, length));
        error = service_.send_kill(victim, reason, out) ? CsError::kOk : CsError::kTryAgain;
    }
    out.send(bare_reply(connection, kKillNodeReply, error));
}

void CfgDoor::reload(ConnectionId connection, Outbox& out) {
    if (!service_.send_reload(static_cast<std::uint32_t>(connection), out)) {
        out.send(bare_reply(connection, kReloadReply, CsError::kTryAgain));
    }
}

void CfgDoor::on_own_reload(std::uint64_t asker, std::uint32_t token) {
    const ConnectionId connection{static_cast<std::uint32_t>(asker)};
    if (clients_.contains(connection)) {
        pending_[token] = {connection, kReloadReply};
    }
}

void CfgDoor::reopen_logs(ConnectionId connection, Outbox& out) {
    pending_[service_.reopen_logs(out)] = {connection, kReopenLogsReply};
}

void CfgDoor::on_host_reply(std::uint32_t token, std::uint32_t error, Outbox& out) {
    store_.flush(out);
    if (const auto waiting = pending_.extract(token); !waiting.empty()) {
        const Pending& pending = waiting.mapped();
        out.send(bare_reply(pending.connection, pending.reply_id, static_cast<CsError>(error)));
    }
}

// ---- shutdown
// ---------------------------------------------------------------------------------------

void CfgDoor::try_shutdown(ConnectionId connection, std::uint32_t flags, Outbox& out) {
    if (flags == kImmediate) {
        out.send(bare_reply(connection, kTryShutdownReply, CsError::kOk));
        return service_.shut_down(out);
    }
    if (question_) {
        return out.send(bare_reply(connection, kTryShutdownReply, CsError::kExist));
    }
    question_ = Question{connection, flags, {}};
    for (const auto& [tracker, client] : clients_) {
        if (client.tracks_shutdown && tracker != connection) {
            ask(tracker, out);
        }
    }
    const std::chrono::milliseconds timeout{
        store_.find_u32(kTimeoutKey).value_or(static_cast<std::uint32_t>(kTimeoutDefault.count()))};
    service_.set_deadline(out.now() + timeout, out);
    decide(false, out);
}

void CfgDoor::ask(ConnectionId connection, Outbox& out) {
    question_->answers[connection] = Answer::kNone;
    MessageBuilder event(connection, ClientMessage::Kind::kEvent, kTestShutdownEvent, 32,
                         out.pool());
    out.send(event.u32(24, question_->flags).take());
}

void CfgDoor::reply_to_shutdown(ConnectionId connection, std::uint32_t response, Outbox& out) {
    if (!question_) {
        return out.send(bare_reply(connection, kReplyToShutdownReply, CsError::kAccess));
    }
    const auto asked = question_->answers.find(connection);
    if (asked != question_->answers.end()) {
        asked->second = response == 1 ? Answer::kYes : Answer::kNo;
    }
    out.send(bare_reply(connection, kReplyToShutdownReply, CsError::kOk));
    decide(false, out);
}

void CfgDoor::decide(bool late, Outbox& out) {
    const auto gave = [this](Answer answer) {
        return std::ranges::any_of(question_->answers,
                                   [answer](const auto& entry) { return entry.second == answer; });
    };
    if (gave(Answer::kNone) && !late) {
        return;
    }
    const bool refused =
        question_->flags != kRegardless && (gave(Answer::kNo) || gave(Answer::kNone));
    const ConnectionId asker = question_->asker;
    question_.reset();
    service_.set_deadline(std::nullopt, out);
    out.send(bare_reply(asker, kTryShutdownReply, refused ? CsError::kBusy : CsError::kOk));
    if (!refused) {
        service_.shut_down(out);
    }
}

void CfgDoor::on_deadline(Outbox& out) {
    if (question_) {
        decide(true, out);
    }
}

void CfgDoor::track_start(ConnectionId connection, Outbox& out) {
    clients_[connection].tracks_shutdown = true;
    out.send(bare_reply(connection, kTrackStartReply, CsError::kOk));
    if (question_ && question_->asker != connection && !question_->answers.contains(connection)) {
        ask(connection, out);
    }
}

void CfgDoor::track_stop(ConnectionId connection, Outbox& out) {
    clients_[connection].tracks_shutdown = false;
    out.send(bare_reply(connection, kTrackStopReply, CsError::kOk));
    forget_tracker(connection, out);
}

// Who does not listen any more counts as a yes.
void CfgDoor::forget_tracker(ConnectionId connection, Outbox& out) {
    if (question_ && question_->answers.erase(connection) != 0) {
        decide(false, out);
    }
}

}  // namespace totem::ipc
