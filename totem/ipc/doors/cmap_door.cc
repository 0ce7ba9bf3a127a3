#include "totem/ipc/doors/cmap_door.h"

#include <algorithm>
#include <array>
#include <utility>

namespace totem::ipc {

using group::CmapChange;
using group::CmapEvent;
using group::CmapStore;
using group::CmapValue;

namespace {

// Requests (ipc.md 11) and the size of the fixed part of each.
enum Request : std::uint32_t {
    kSet = 0,
    kDelete = 1,
    kGet = 2,
    kAdjustInt = 3,
    kIterInit = 4,
    kIterNext = 5,
    kIterFinalize = 6,
    kTrackAdd = 7,
    kTrackDelete = 8,
    kSetCurrentMap = 9,
};
constexpr std::array<std::size_t, 10> kRequestBytes{296, 280, 288, 288, 280, 24, 24, 296, 24, 24};

// A reply has the id of its request, but for this one; 9 is the event.
constexpr std::uint32_t kSetCurrentMapReply = 10;
constexpr std::uint32_t kNotifyEvent = 9;

constexpr std::size_t kNameOffset = 16;
constexpr std::size_t kSetHeadBytes = 296;
constexpr std::size_t kGetHeadBytes = 40;
constexpr std::size_t kIterNextBytes = 304;
constexpr std::size_t kNotifyHeadBytes = 336;

// So that an event with the old and the new value fits into what a client can receive.
constexpr std::size_t kValueMax = std::size_t{256} * 1024;
// A client that opens iterations or trackers and never ends them is stopped here.
constexpr std::size_t kHandlesMax = 1024;

constexpr std::uint32_t kMapIcmap = 0;
constexpr std::uint32_t kMapStats = 1;
constexpr std::string_view kStatsClear = "stats.clear.";

CsError error_of(CmapStore::Status status) {
    switch (status) {
        case CmapStore::Status::kOk:
            return CsError::kOk;
        case CmapStore::Status::kNoKey:
            return CsError::kNotExist;
        case CmapStore::Status::kReadOnly:
            return CsError::kAccess;
        case CmapStore::Status::kBadKey:
            return CsError::kNameTooLong;
        case CmapStore::Status::kBadValue:
            return CsError::kInvalidParam;
    }
    return CsError::kLibrary;
}

}  // namespace

CmapDoor::~CmapDoor() {
    for (const auto& [id, tracked] : trackers_) {
        icmap_.untrack(*this, id);
    }
}

void CmapDoor::on_open(ConnectionId connection, std::uint32_t /*pid*/, Outbox& out) {
    Client& client = clients_[connection];
    client.connection = connection;
    client.map = &icmap_;
    refresh_stats(out);
}

void CmapDoor::on_close(ConnectionId connection, Outbox& out) {
    const auto at = clients_.find(connection);
    if (at == clients_.end()) {
        return;
    }
    const auto trackers = at->second.trackers;
    for (const std::uint64_t id : trackers) {
        forget_tracker(at->second, id);
    }
    clients_.erase(at);
    refresh_stats(out);
}

bool CmapDoor::on_request(ConnectionId connection, std::span<const std::byte> bytes, Outbox& out) {
    const auto at = clients_.find(connection);
    if (at == clients_.end()) {
        return true;  // closed meanwhile
    }
    const RequestHeader header = read_request_header(bytes);
    const StructReader request(bytes);
    if (header.id >= kRequestBytes.size() || !request.has(0, kRequestBytes.at(header.id))) {
        refuse_malformed(connection, header.id, "unknown request or wrong size", out);
        return true;
    }
    icmap_.flush(out);
    answer(at->second, header.id, request, out);
    return true;
}

void CmapDoor::answer(Client& client, std::uint32_t id, const StructReader& request, Outbox& out) {
    switch (id) {
        case kSet:
            return set(client, request, out);
        case kDelete:
            return erase(client, request, out);
        case kGet:
            return get(client, request, out);
        case kAdjustInt:
            return adjust(client, request, out);
        case kIterInit:
            return iter_init(client, request, out);
        case kIterNext:
            return iter_next(client, request, out);
        case kIterFinalize:
            return iter_finalize(client, request, out);
        case kTrackAdd:
            return track_add(client, request, out);
        case kTrackDelete:
            return track_delete(client, request, out);
        default:
            return set_current_map(client, request, out);
    }
}

// ---- values
// -----------------------------------------------------------------------------------------

void CmapDoor::set(Client& client, const StructReader& request, Outbox& out) {
    const CsError error = try_set(client, request, out);
    client.map->flush(out);
    out.send(bare_reply(client.connection, kSet, error));
}

CsError CmapDoor::try_set(Client& client, const StructReader& request, Outbox& out) {
    const std::string_view key = read_name(request, kNameOffset);
    const std::uint64_t size = request.u64(280);
    if (!request.has(kSetHeadBytes, size)) {
        note_malformed(client.connection, kSet, "value longer than the request", out);
        return CsError::kInvalidParam;
    }
    if (client.map == &stats_) {
        return try_set_stats(key);
    }
    if (CmapStore::is_read_only(key)) {
        return CsError::kAccess;
    }
    auto value = CmapValue::from(request.u8(288), request.bytes(kSetHeadBytes, size));
    if (!value || size > kValueMax) {
        return CsError::kInvalidParam;
    }
    return error_of(icmap_.set(key, *std::move(value)));
}

CsError CmapDoor::try_set_stats(std::string_view key) {
    constexpr std::array<std::string_view, 5> kClearable{"totem", "knet", "ipc", "schedmiss",
                                                         "all"};
    if (!key.starts_with(kStatsClear)) {
        return CsError::kAccess;
    }
    key.remove_prefix(kStatsClear.size());
    if (std::ranges::find(kClearable, key) == kClearable.end()) {
        return CsError::kAccess;
    }
    if (stats_source_ != nullptr) {
        stats_source_->clear(key);
    }
    return CsError::kOk;
}

void CmapDoor::erase(Client& client, const StructReader& request, Outbox& out) {
    const std::string_view key = read_name(request, kNameOffset);
    const CsError error = client.map == &stats_ ? CsError::kAccess : error_of(icmap_.erase(key));
    client.map->flush(out);
    out.send(bare_reply(client.connection, kDelete, error));
}

void CmapDoor::adjust(Client& client, const StructReader& request, Outbox& out) {
    const std::string_view key = read_name(request, kNameOffset);
    const auto step = static_cast<std::int32_t>(request.u32(280));
    const CsError error =
        client.map == &stats_ ? CsError::kAccess : error_of(icmap_.adjust(key, step));
    client.map->flush(out);
    out.send(bare_reply(client.connection, kAdjustInt, error));
}

// The reply is as long as the client's buffer. A length of 0 asks for size and type only.
void CmapDoor::get(Client& client, const StructReader& request, Outbox& out) {
    fill_stats(client);
    const std::uint64_t room = request.u64(280);
    const CmapValue* value = client.map->find(read_name(request, kNameOffset));
    CsError error = CsError::kOk;
    if (value == nullptr) {
        error = CsError::kNotExist;
    } else if (room != 0 && room < value->bytes.size()) {
        error = CsError::kInvalidParam;
    }
    const bool with_value = error == CsError::kOk && room != 0;
    // A value of the host may be longer than what a client may set.
    const std::size_t tail =
        with_value ? std::max(std::min<std::uint64_t>(room, kValueMax), value->bytes.size()) : 0;
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kGet, kGetHeadBytes + tail,
                         out.pool(), error);
    if (error == CsError::kOk) {
        reply.u64(24, value->bytes.size()).u8(32, static_cast<std::uint8_t>(value->type));
    }
    if (with_value) {
        reply.text(kGetHeadBytes, value->bytes);
    }
    out.send(reply.take());
}

// ---- iterations
// -------------------------------------------------------------------------------------

void CmapDoor::iter_init(Client& client, const StructReader& request, Outbox& out) {
    fill_stats(client);
    CsError error = CsError::kNoResources;
    std::uint64_t handle = 0;
    if (client.iterations.size() < kHandlesMax) {
        error = CsError::kOk;
        handle = ++client.last_iteration;
        client.iterations[handle].prefix = read_name(request, kNameOffset);
    }
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kIterInit, 32, out.pool(),
                         error);
    out.send(reply.u64(24, handle).take());
}

void CmapDoor::iter_next(Client& client, const StructReader& request, Outbox& out) {
    const auto at = client.iterations.find(request.u64(16));
    std::optional<CmapStore::Item> item;
    CsError error = CsError::kBadHandle;
    if (at != client.iterations.end()) {
        item = client.map->next(at->second.prefix, at->second.last);
        error = item ? CsError::kOk : CsError::kNoSections;
    }
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kIterNext, kIterNextBytes,
                         out.pool(), error);
    if (item) {
        reply.name(24, item->key).u64(288, item->value->bytes.size());
        reply.u8(296, static_cast<std::uint8_t>(item->value->type));
        at->second.last = std::string(item->key);
    }
    out.send(reply.take());
}

void CmapDoor::iter_finalize(Client& client, const StructReader& request, Outbox& out) {
    const bool known = client.iterations.erase(request.u64(16)) != 0;
    out.send(
        bare_reply(client.connection, kIterFinalize, known ? CsError::kOk : CsError::kBadHandle));
}

// ---- trackers
// ---------------------------------------------------------------------------------------

void CmapDoor::track_add(Client& client, const StructReader& request, Outbox& out) {
    const std::uint32_t flags = request.u32(280);
    CsError error = CsError::kOk;
    std::uint64_t id = 0;
    if ((flags & ~group::kCmapTrackAll) != 0) {
        error = CsError::kInvalidParam;
    } else if (client.trackers.size() >= kHandlesMax) {
        error = CsError::kNoResources;
    } else {
        fill_stats(client);
        id = ++last_tracker_;
        // Numbers of the statistics change all the time; only keys that come and go are told.
        const auto modify = static_cast<std::uint32_t>(CmapEvent::kModify);
        const std::uint32_t told = client.map == &stats_ ? flags & ~modify : flags;
        client.map->track({std::string(read_name(request, kNameOffset)), told, id}, *this);
        client.trackers.push_back(id);
        trackers_[id] = {client.connection, request.u64(288)};
    }
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kTrackAdd, 32, out.pool(),
                         error);
    out.send(reply.u64(24, id).take());
}

void CmapDoor::track_delete(Client& client, const StructReader& request, Outbox& out) {
    const std::uint64_t id = request.u64(16);
    const bool own = std::ranges::find(client.trackers, id) != client.trackers.end();
    const std::uint64_t instance = own ? trackers_[id].instance : 0;
    if (own) {
        forget_tracker(client, id);
    }
    MessageBuilder reply(client.connection, ClientMessage::Kind::kReply, kTrackDelete, 32,
                         out.pool(), own ? CsError::kOk : CsError::kBadHandle);
    out.send(reply.u64(24, instance).take());
}

void CmapDoor::forget_tracker(Client& client, std::uint64_t id) {
    client.map->untrack(*this, id);
    std::erase(client.trackers, id);
    trackers_.erase(id);
    std::erase_if(events_, [id](const Event& event) { return event.tracker == id; });
}

void CmapDoor::on_change(std::uint64_t id, const CmapChange& change) {
    Event event{id, change.event, std::string(change.key), std::nullopt, std::nullopt};
    if (change.old_value != nullptr) {
        event.old_value = *change.old_value;
    }
    if (change.new_value != nullptr) {
        event.new_value = *change.new_value;
    }
    events_.push_back(std::move(event));
}

void CmapDoor::flush(Outbox& out) {
    for (const Event& event : std::exchange(events_, {})) {
        const auto tracker = trackers_.find(event.tracker);
        if (tracker == trackers_.end()) {
            continue;
        }
        const Tracked& tracked = tracker->second;
        const std::size_t new_size = event.new_value ? event.new_value->bytes.size() : 0;
        const std::size_t old_size = event.old_value ? event.old_value->bytes.size() : 0;
        MessageBuilder message(tracked.connection, ClientMessage::Kind::kEvent, kNotifyEvent,
                               kNotifyHeadBytes + new_size + old_size, out.pool());
        message.u64(24, tracked.instance).name(32, event.key);
        message.u32(296, static_cast<std::uint32_t>(event.event));
        message.u64(320, new_size).u64(328, old_size);
        if (event.new_value) {
            message.u8(304, static_cast<std::uint8_t>(event.new_value->type));
            message.text(kNotifyHeadBytes, event.new_value->bytes);
        }
        if (event.old_value) {
            message.u8(312, static_cast<std::uint8_t>(event.old_value->type));
            message.text(kNotifyHeadBytes + new_size, event.old_value->bytes);
        }
        out.send(message.take());
    }
}

// ---- maps
// -------------------------------------------------------------------------------------------

void CmapDoor::set_current_map(Client& client, const StructReader& request, Outbox& out) {
    const std::uint32_t map = request.u32(16);
    CsError error = CsError::kOk;
    if (!client.iterations.empty() || !client.trackers.empty()) {
        error = CsError::kBusy;
    } else if (map == kMapIcmap) {
        client.map = &icmap_;
    } else if (map == kMapStats) {
        client.map = &stats_;
    } else {
        error = CsError::kNotExist;
    }
    out.send(bare_reply(client.connection, kSetCurrentMapReply, error));
}

void CmapDoor::fill_stats(const Client& client) {
    if (client.map == &stats_ && stats_source_ != nullptr) {
        stats_source_->fill(stats_);
    }
}

void CmapDoor::refresh_stats(Outbox& out) {
    const bool looked_at = std::ranges::any_of(clients_, [this](const auto& entry) {
        return entry.second.map == &stats_ && !entry.second.trackers.empty();
    });
    if (looked_at && stats_source_ != nullptr) {
        stats_source_->fill(stats_);
        stats_.flush(out);
    }
}

}  // namespace totem::ipc
