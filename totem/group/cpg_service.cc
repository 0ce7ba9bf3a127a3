#include "totem/group/cpg_service.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "totem/core/check.h"
#include "totem/core/mutant.h"

namespace totem::group {

namespace {

// Functions of service 2 and the layout of their messages (wire.md 6.2). Offsets count from the
// service header, of which the stack writes the 16 bytes.
enum Function : std::uint16_t {
    kProcjoin = 0,
    kProcleave = 1,
    kJoinlist = 2,
    kMcast = 3,
    kDownlistOld = 4,
    kDownlist = 5,
    kPartialMcast = 6,
};

constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kProcBytes = 168;
constexpr std::size_t kJoinlistHeadBytes = 24;
constexpr std::size_t kJoinlistEntryBytes = 144;
constexpr std::size_t kMcastHeadBytes = 184;
constexpr std::size_t kPartialHeadBytes = 200;
constexpr std::size_t kDownlistBytes = 1568;
// Entries per joinlist message; receivers join several of one sender.
constexpr std::size_t kJoinlistEntriesMax = 1024;

constexpr std::chrono::milliseconds kLeaveRetry{5};

// The bytes of a message of `Size` bytes in all that the stack does not write.
template <std::size_t Size>
class Body {
  public:
    template <std::unsigned_integral Number>
    Body& put(std::size_t offset, Number value) {
        StructWriter(bytes_).put(offset, value);
        return *this;
    }
    Body& group(std::size_t offset, const GroupName& name) {
        name.write(bytes_, offset);
        return *this;
    }
    [[nodiscard]] std::span<const std::byte> sent() const {
        return std::span(bytes_).subspan(kHeaderBytes);
    }

  private:
    std::array<std::byte, Size> bytes_{};
};

void note_malformed(NodeId sender, std::uint16_t function, std::string what, Outbox& out) {
    Notice notice;
    notice.kind = Notice::Kind::kMalformedMessage;
    notice.node = sender;
    notice.a = static_cast<std::uint64_t>(ServiceId::kCpg);
    notice.b = function;
    notice.text = std::move(what);
    out.notice(std::move(notice));
}

bool multicast(std::uint16_t function, std::span<const std::byte> fixed,
               std::span<const std::byte> payload, Guarantee guarantee, Outbox& out) {
    const std::array<std::span<const std::byte>, 2> parts{fixed, payload};
    return out.multicast(ServiceId::kCpg, function, std::span(parts).first(payload.empty() ? 1 : 2),
                         guarantee);
}

bool contains(std::span<const NodeId> nodes, NodeId node) {
    return std::ranges::find(nodes, node) != nodes.end();
}

}  // namespace

// ---- local processes
// ------------------------------------------------------------------------------

CpgService::Join CpgService::join(const GroupName& group, std::uint32_t pid, Outbox& out) {
    if (claims_.contains({group, pid})) {
        return Join::kStillThere;
    }
    Body<kProcBytes> body;
    body.group(16, group).put(152, pid).put(160, static_cast<std::uint32_t>(CpgReason::kJoin));
    if (!multicast(kProcjoin, body.sent(), {}, Guarantee::kAgreed, out)) {
        return Join::kNoRoom;
    }
    claims_.emplace(group, pid);
    return Join::kSent;
}

void CpgService::leave(const GroupName& group, std::uint32_t pid, CpgReason reason, Outbox& out) {
    send_waiting_leaves(out);
    const Leave leave{group, pid, reason};
    if (leaves_waiting_.empty() && send_leave(leave, out)) {
        return;
    }
    leaves_waiting_.push_back(leave);
    out.wake_at(ServiceId::kCpg, out.now() + kLeaveRetry);
}

bool CpgService::send_leave(const Leave& leave, Outbox& out) {
    Body<kProcBytes> body;
    body.group(16, leave.group).put(152, leave.pid);
    body.put(160, static_cast<std::uint32_t>(leave.reason));
    return multicast(kProcleave, body.sent(), {}, Guarantee::kAgreed, out);
}

void CpgService::send_waiting_leaves(Outbox& out) {
    const auto refused = std::ranges::find_if_not(
        leaves_waiting_, [&](const Leave& leave) { return send_leave(leave, out); });
    leaves_waiting_.erase(leaves_waiting_.begin(), refused);
    if (!leaves_waiting_.empty()) {
        out.wake_at(ServiceId::kCpg, out.now() + kLeaveRetry);
    }
}

bool CpgService::send(const GroupName& group, std::uint32_t pid, std::span<const std::byte> payload,
                      Guarantee guarantee, Outbox& out) {
    TOTEM_CHECK(payload.size() <= kCpgPayloadMax);
    Body<kMcastHeadBytes> body;
    body.group(16, group).put(152, static_cast<std::uint32_t>(payload.size())).put(160, pid);
    body.put(168, raw(self_));
    return multicast(kMcast, body.sent(), payload, guarantee, out);
}

bool CpgService::send_part(const GroupName& group, std::uint32_t pid, const Part& part,
                           Guarantee guarantee, Outbox& out) {
    TOTEM_CHECK(part.payload.size() <= kCpgPayloadMax);
    Body<kPartialHeadBytes> body;
    body.group(16, group).put(152, part.total_bytes);
    body.put(160, static_cast<std::uint32_t>(part.payload.size())).put(168, pid);
    body.put(176, static_cast<std::uint32_t>(part.part)).put(184, raw(self_));
    return multicast(kPartialMcast, body.sent(), part.payload, guarantee, out);
}

// ---- synchronisation
// ------------------------------------------------------------------------------

void CpgService::on_configuration(const Configuration& /*change*/, Outbox& /*out*/) {
    // Groups change only when the synchronisation of the new ring is activated.
}

void CpgService::sync_begin(const RingId& ring, std::span<const NodeId> transitional,
                            std::span<const NodeId> members, Outbox& /*out*/) {
    sync_ring_ = ring;
    sync_members_.assign(members.begin(), members.end());
    joinlists_.clear();
    if (activated_) {
        came_along_.assign(transitional.begin(), transitional.end());
        activated_ = false;
        return;
    }
    if (TOTEM_MUTANT(aborted_sync_forgotten)) {
        came_along_.assign(transitional.begin(), transitional.end());
    }
    std::erase_if(came_along_, [&](NodeId node) { return !contains(transitional, node); });
}

SyncStep CpgService::sync_step(Outbox& out) {
    send_downlist(out);
    send_joinlists(out);
    return SyncStep::kDone;
}

// Receivers only log it; sent so that peers that are not ours log nothing unusual.
void CpgService::send_downlist(Outbox& out) {
    Body<kDownlistBytes> body;
    std::uint32_t left = 0;
    for (const NodeId node : ring_members_) {
        if (!contains(came_along_, node) && left < kProcessorsMax) {
            body.put(32 + std::size_t{4} * left, raw(node));
            ++left;
        }
    }
    body.put(16, static_cast<std::uint32_t>(ring_members_.size())).put(24, left);
    TOTEM_CHECK(multicast(kDownlist, body.sent(), {}, Guarantee::kAgreed, out));
}

void CpgService::send_joinlists(Outbox& out) {
    std::vector<CpgTable::Entry> own = table_.listing();
    std::erase_if(own, [&](const CpgTable::Entry& entry) { return entry.process.node != self_; });
    for (std::size_t from = 0; from < own.size(); from += kJoinlistEntriesMax) {
        const std::size_t count = std::min(kJoinlistEntriesMax, own.size() - from);
        // What the stack's 16-byte header leaves of this message's own head comes first.
        constexpr std::size_t kHead = kJoinlistHeadBytes - kHeaderBytes;
        std::vector<std::byte> bytes(kHead + count * kJoinlistEntryBytes);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = kHead + i * kJoinlistEntryBytes;
            StructWriter(bytes).u32(at, own[from + i].process.pid);
            own[from + i].group.write(bytes, at + 8);
        }
        TOTEM_CHECK(multicast(kJoinlist, bytes, {}, Guarantee::kAgreed, out));
    }
}

void CpgService::sync_activate(Outbox& out) {
    ring_ = sync_ring_;
    ring_members_ = sync_members_;
    activated_ = true;
    apply_left(lost_with_their_nodes(), out);
    apply_joined(found_in_joinlists(), out);
    apply_left(no_longer_claimed(), out);
    joinlists_.clear();
    if (observer_ != nullptr) {
        observer_->on_groups_settled(ring_, ring_members_, out);
    }
}

void CpgService::sync_abort(Outbox& /*out*/) { joinlists_.clear(); }

void CpgService::on_sync_complete(Outbox& out) { send_waiting_leaves(out); }

void CpgService::on_wake(Outbox& out) { send_waiting_leaves(out); }

CpgService::Changes CpgService::lost_with_their_nodes() const {
    Changes changes;
    for (const auto& [name, group] : table_.groups()) {
        for (const CpgProcess process : group.members) {
            if (process.node != self_ && !contains(came_along_, process.node) &&
                !TOTEM_MUTANT(ghosts_in_groups)) {
                changes[name].push_back({process, CpgReason::kNodeDown});
            }
        }
    }
    return changes;
}

CpgService::Changes CpgService::found_in_joinlists() const {
    Changes changes;
    for (const auto& [node, claims] : joinlists_) {
        for (const auto& [name, pid] : claims) {
            if (node != self_ && !table_.contains(name, {node, pid})) {
                changes[name].push_back({{node, pid}, CpgReason::kNodeUp});
            }
        }
    }
    return changes;
}

CpgService::Changes CpgService::no_longer_claimed() const {
    Changes changes;
    for (const auto& [name, group] : table_.groups()) {
        for (const CpgProcess process : group.members) {
            const auto list = joinlists_.find(process.node);
            const bool claimed =
                list != joinlists_.end() && list->second.contains({name, process.pid});
            if (process.node != self_ && !claimed) {
                changes[name].push_back({process, CpgReason::kProcDown});
            }
        }
    }
    return changes;
}

void CpgService::apply_joined(const Changes& changes, Outbox& out) {
    for (const auto& [name, joined] : changes) {
        for (const CpgAddress& address : joined) {
            table_.add(name, address.process);
        }
        if (observer_ != nullptr) {
            observer_->on_group_change({name, table_.members(name), {}, joined}, out);
        }
    }
}

void CpgService::apply_left(const Changes& changes, Outbox& out) {
    for (const auto& [name, left] : changes) {
        for (const CpgAddress& address : left) {
            table_.remove(name, address.process);
        }
        if (observer_ != nullptr) {
            observer_->on_group_change({name, table_.members(name), left, {}}, out);
        }
    }
}

// ---- messages in total order
// ------------------------------------------------------------------------

void CpgService::on_message(NodeId sender, std::uint16_t function, const FrameRef& message,
                            Outbox& out) {
    const StructReader reader(message.bytes());
    switch (function) {
        case kMcast:
            return on_mcast(sender, message, out);
        case kPartialMcast:
            return on_partial_mcast(sender, message, out);
        case kProcjoin:
            return on_join(sender, reader, out);
        case kProcleave:
            return on_leave(sender, reader, out);
        case kJoinlist:
            return on_joinlist(sender, reader, out);
        case kDownlist:
        case kDownlistOld:
            return;  // everybody computes what is down
        default:
            note_malformed(sender, function, "unknown function", out);
    }
}

void CpgService::on_join(NodeId sender, const StructReader& message, Outbox& out) {
    const auto group = GroupName::read(message, 16);
    if (!message.has(0, kProcBytes) || !group) {
        return note_malformed(sender, kProcjoin, "size or group name", out);
    }
    const CpgProcess process{sender, message.u32(152)};
    // Not expected while joinlists are collected; if it happens, it is newer than the list.
    if (const auto list = joinlists_.find(sender); list != joinlists_.end()) {
        list->second.emplace(*group, process.pid);
    }
    if (!table_.contains(*group, process)) {
        apply_joined({{*group, {{process, CpgReason::kJoin}}}}, out);
    }
}

void CpgService::on_leave(NodeId sender, const StructReader& message, Outbox& out) {
    const auto group = GroupName::read(message, 16);
    if (!message.has(0, kProcBytes) || !group) {
        return note_malformed(sender, kProcleave, "size or group name", out);
    }
    const CpgProcess process{sender, message.u32(152)};
    if (const auto list = joinlists_.find(sender); list != joinlists_.end()) {
        list->second.erase({*group, process.pid});
    }
    if (sender == self_) {
        claims_.erase({*group, process.pid});
    }
    const bool asked = message.u32(160) == static_cast<std::uint32_t>(CpgReason::kLeave);
    if (table_.contains(*group, process)) {
        const CpgReason reason = asked ? CpgReason::kLeave : CpgReason::kProcDown;
        apply_left({{*group, {{process, reason}}}}, out);
    }
}

void CpgService::on_joinlist(NodeId sender, const StructReader& message, Outbox& out) {
    if (!message.has(0, kJoinlistHeadBytes) ||
        (message.size() - kJoinlistHeadBytes) % kJoinlistEntryBytes != 0) {
        return note_malformed(sender, kJoinlist, "size", out);
    }
    std::set<Claim> listed;
    for (std::size_t at = kJoinlistHeadBytes; at < message.size(); at += kJoinlistEntryBytes) {
        const auto group = GroupName::read(message, at + 8);
        if (!group) {
            return note_malformed(sender, kJoinlist, "group name", out);
        }
        listed.emplace(*group, message.u32(at));
    }
    if (!activated_) {
        joinlists_[sender].merge(listed);
    }
}

void CpgService::on_mcast(NodeId sender, const FrameRef& message, Outbox& out) {
    const StructReader reader(message.bytes());
    const auto group = GroupName::read(reader, 16);
    const std::size_t size = reader.u32(152);
    if (!reader.has(kMcastHeadBytes, size) || !group) {
        return note_malformed(sender, kMcast, "size or group name", out);
    }
    const CpgProcess process{sender, reader.u32(160)};
    if (observer_ != nullptr && table_.contains(*group, process)) {
        observer_->on_group_message(
            {*group, process, CpgPart::kWhole, static_cast<std::uint32_t>(size),
             message.slice(kMcastHeadBytes, size)},
            out);
    }
}

void CpgService::on_partial_mcast(NodeId sender, const FrameRef& message, Outbox& out) {
    const StructReader reader(message.bytes());
    const auto group = GroupName::read(reader, 16);
    const std::uint32_t total = reader.u32(152);
    const std::size_t size = reader.u32(160);
    const std::uint32_t part = reader.u32(176);
    if (!reader.has(kPartialHeadBytes, size) || !group || size > total ||
        part < static_cast<std::uint32_t>(CpgPart::kFirst) ||
        part > static_cast<std::uint32_t>(CpgPart::kLast)) {
        return note_malformed(sender, kPartialMcast, "size, group name or part", out);
    }
    const CpgProcess process{sender, reader.u32(168)};
    if (observer_ != nullptr && table_.contains(*group, process)) {
        observer_->on_group_message({*group, process, static_cast<CpgPart>(part), total,
                                     message.slice(kPartialHeadBytes, size)},
                                    out);
    }
}

std::uint64_t CpgService::state_hash() const {
    StateHash hash;
    table_.hash(hash);
    const auto add_claims = [&](const std::set<Claim>& claims) {
        hash.add(claims.size());
        for (const auto& [name, pid] : claims) {
            hash.add(name.bytes()).add(std::uint64_t{pid});
        }
    };
    const auto add_nodes = [&](const std::vector<NodeId>& nodes) {
        hash.add(nodes.size());
        for (const NodeId node : nodes) {
            hash.add(node);
        }
    };
    add_claims(claims_);
    for (const Leave& leave : leaves_waiting_) {
        hash.add(leave.group.bytes()).add(std::uint64_t{leave.pid});
        hash.add(static_cast<std::uint64_t>(leave.reason));
    }
    hash.add(ring_).add(sync_ring_).add(std::uint64_t{activated_});
    add_nodes(ring_members_);
    add_nodes(sync_members_);
    add_nodes(came_along_);
    for (const auto& [node, claims] : joinlists_) {
        hash.add(node);
        add_claims(claims);
    }
    return hash.value();
}

}  // namespace totem::group
