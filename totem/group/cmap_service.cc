#include "totem/group/cmap_service.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "totem/core/check.h"
#include "totem/group/struct_io.h"

namespace totem::group {

namespace {

// The only function of service 0 (wire.md 6.4). Offsets count from the service header.
constexpr std::uint16_t kMcast = 0;
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kHeadBytes = 48;
constexpr std::size_t kItemHeadBytes = 280;
constexpr std::size_t kItemsMax = 32;
constexpr std::size_t kKeyMax = 255;
constexpr std::uint8_t kReasonSync = 0;
constexpr std::uint8_t kReasonVersionChanged = 1;

constexpr std::string_view kVersionKey = "totem.config_version";
constexpr std::string_view kForceGatherKey = "runtime.force_gather";
constexpr std::chrono::milliseconds kRetry{50};

enum Tracked : std::uint64_t { kVersion = 1, kForceGather = 2 };

std::string member_key(NodeId node, std::string_view what) {
    return "runtime.members." + std::to_string(raw(node)) + "." + std::string(what);
}

std::size_t padded(std::size_t size) { return (size + 7) / 8 * 8; }

}  // namespace

CmapService::CmapService(CmapStore& store, ClusterFacts facts)
    : store_(store), facts_(std::move(facts)) {
    store_.track({std::string(kVersionKey), kCmapTrackAll & ~kCmapTrackPrefix, kVersion}, *this);
    store_.track({std::string(kForceGatherKey), kCmapTrackAll & ~kCmapTrackPrefix, kForceGather},
                 *this);
}

void CmapService::set_facts(ClusterFacts facts) {
    facts_ = std::move(facts);
    for (const NodeId node : members_) {
        if (facts_.find(node) != nullptr) {
            store_.set_internal(member_key(node, "ip"), CmapValue::text(address_text(node)));
        }
    }
}

std::string CmapService::address_text(NodeId node) const {
    std::string text;
    if (const NodeFacts* known = facts_.find(node); known != nullptr) {
        for (const NodeAddress& address : known->addresses) {
            text += "r(" + std::to_string(static_cast<unsigned>(address.link)) + ") ip(" +
                    address.text + ") ";
        }
    }
    return text;
}

// ---- members
// --------------------------------------------------------------------------------------

void CmapService::on_configuration(const Configuration& change, Outbox& out) {
    if (change.kind == Configuration::Kind::kTransitional) {
        for (const NodeId node : change.left) {
            member_left(node);
        }
        return store_.flush(out);
    }
    // Those that come along are joined already; a node that left and came back at once is not.
    const auto before = std::exchange(members_, change.members);
    for (const NodeId node : before) {
        if (std::ranges::find(members_, node) == members_.end()) {
            member_left(node);
        }
    }
    for (const NodeId node : members_) {
        member_joined(node);
    }
    store_.flush(out);
}

void CmapService::member_left(NodeId node) {
    store_.set_internal(member_key(node, "status"), CmapValue::text("left"));
}

void CmapService::member_joined(NodeId node) {
    const std::string status = member_key(node, "status");
    if (store_.find_text(status) == "joined") {
        return;
    }
    const std::string count = member_key(node, "join_count");
    store_.set_internal(member_key(node, "ip"), CmapValue::text(address_text(node)));
    store_.set_internal(count, CmapValue::u32(store_.find_u32(count).value_or(0) + 1));
    store_.set_internal(status, CmapValue::text("joined"));
}

// ---- versions
// -------------------------------------------------------------------------------------

void CmapService::sync_begin(const RingId& /*ring*/, std::span<const NodeId> /*transitional*/,
                             std::span<const NodeId> members, Outbox& /*out*/) {
    members_.assign(members.begin(), members.end());
    highest_version_ = 0;
}

SyncStep CmapService::sync_step(Outbox& out) {
    TOTEM_CHECK(send_version(kReasonSync, out));
    return SyncStep::kDone;
}

bool CmapService::send_version(std::uint8_t reason, Outbox& out) {
    const auto version = store_.find_u64(kVersionKey);
    constexpr std::size_t kItem = kHeadBytes;
    std::array<std::byte, kHeadBytes + kItemHeadBytes + 8> bytes{};
    StructWriter writer(bytes);
    writer.u8(16, reason);
    writer.u8(24, 1);
    writer.u16(kItem, static_cast<std::uint16_t>(kVersionKey.size()));
    writer.bytes(kItem + 8, as_byte_span(kVersionKey));
    if (version) {
        writer.u8(kItem + 264, static_cast<std::uint8_t>(CmapType::kUint64));
        writer.u64(kItem + 272, sizeof(*version));
        writer.u64(kItem + kItemHeadBytes, *version);
    }
    const std::size_t size = bytes.size() - (version ? 0 : 8);
    const std::span<const std::byte> part =
        std::span(bytes).subspan(kHeaderBytes, size - kHeaderBytes);
    return out.multicast(ServiceId::kCmap, kMcast, std::span(&part, 1), Guarantee::kAgreed);
}

void CmapService::on_message(NodeId sender, std::uint16_t function, const FrameRef& message,
                             Outbox& out) {
    const StructReader reader(message.bytes());
    Notice malformed;
    malformed.kind = Notice::Kind::kMalformedMessage;
    malformed.node = sender;
    malformed.a = static_cast<std::uint64_t>(ServiceId::kCmap);
    malformed.b = function;
    malformed.text = "size of an item";
    if (function != kMcast || !reader.has(0, kHeadBytes) || reader.u8(24) > kItemsMax) {
        malformed.text = "unknown function or wrong head";
        return out.notice(std::move(malformed));
    }
    std::size_t at = kHeadBytes;
    for (std::uint8_t left = reader.u8(24); left > 0; --left) {
        const std::uint64_t size = reader.u64(at + 272);
        const std::size_t name = reader.u16(at);
        if (!reader.has(at, kItemHeadBytes) || !reader.has(at + kItemHeadBytes, size) ||
            name > kKeyMax) {
            return out.notice(std::move(malformed));
        }
        on_item(sender, as_text(reader.bytes(at + 8, name)),
                CmapValue::from(reader.u8(at + 264), reader.bytes(at + kItemHeadBytes, size)));
        at += padded(kItemHeadBytes + size);
    }
    store_.flush(out);
}

void CmapService::on_item(NodeId sender, std::string_view key,
                          const std::optional<CmapValue>& value) {
    if (key != kVersionKey) {
        return;
    }
    std::uint64_t version = 0;
    if (value && value->type == CmapType::kUint64) {
        version = StructReader(as_byte_span(value->bytes)).u64(0);
    }
    highest_version_ = std::max(highest_version_, version);
    store_.set_internal(member_key(sender, "config_version"), CmapValue::u64(version));
}

void CmapService::sync_activate(Outbox& out) {
    if (met_others_ || members_.size() < 2) {
        return;
    }
    met_others_ = true;
    const std::uint64_t own = store_.find_u64(kVersionKey).value_or(0);
    if (own == 0 || highest_version_ <= own) {
        return;
    }
    Notice notice;
    notice.kind = Notice::Kind::kConfigVersionTooOld;
    notice.a = highest_version_;
    notice.b = own;
    out.notice(std::move(notice));
    out.request_host({HostRequest::Kind::kStop, 0, 0});
}

void CmapService::sync_abort(Outbox& /*out*/) { highest_version_ = 0; }

void CmapService::on_sync_complete(Outbox& out) {
    store_.flush(out);
    flush(out);
}

void CmapService::on_wake(Outbox& out) {
    store_.flush(out);
    flush(out);
}

// ---- keys that ask for something
// --------------------------------------------------------------------

void CmapService::on_change(std::uint64_t id, const CmapChange& change) {
    if (id == kVersion) {
        version_to_send_ = !members_.empty();  // before the first ring, synchronisation tells it
    } else if (change.new_value != nullptr && *change.new_value != CmapValue::text("no")) {
        gather_wanted_ = true;
    }
}

void CmapService::flush(Outbox& out) {
    if (std::exchange(gather_wanted_, false)) {
        out.request_host({HostRequest::Kind::kForceGather, 0, 0});
        store_.set_internal(kForceGatherKey, CmapValue::text("no"));
    }
    if (version_to_send_) {
        version_to_send_ = !send_version(kReasonVersionChanged, out);
    }
    if (version_to_send_) {
        out.wake_at(ServiceId::kCmap, out.now() + kRetry);
    }
}

std::uint64_t CmapService::state_hash() const {
    StateHash hash;
    store_.hash(hash);
    for (const NodeId node : members_) {
        hash.add(node);
    }
    hash.add(std::uint64_t{met_others_}).add(highest_version_);
    hash.add(std::uint64_t{version_to_send_}).add(std::uint64_t{gather_wanted_});
    return hash.value();
}

}  // namespace totem::group
