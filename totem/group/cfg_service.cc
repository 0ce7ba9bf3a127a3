#include "totem/group/cfg_service.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "totem/group/state_hash.h"

namespace totem::group {

namespace {

// Functions of service 1 (wire.md 6.5). Offsets count from the service header.
enum Function : std::uint16_t {
    kRingReenable = 0,
    kKillNode = 1,
    kShutdown = 2,
    kReloadConfig = 3,
    kCryptoReconfig = 4,
    kKeys = 16,  // ours, on sealed rings, which have no other members
};
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kKillBytes = 288;
constexpr std::size_t kReasonOffset = 24;
constexpr std::size_t kReasonMax = 256;
constexpr std::size_t kReloadBytes = 32;
// u32 version @16, u32 sends @20, u32 next @24, u32 whether there is a next @28
constexpr std::size_t kKeysBytes = 32;
constexpr std::uint32_t kKeysVersion = 1;
constexpr int kKilledExitStatus = 255;
constexpr std::chrono::milliseconds kRetry{5};
// How long a change of the key may take before those who hold it up are named, again and again.
constexpr std::chrono::seconds kKeyPatience{10};

bool multicast(std::uint16_t function, std::span<const std::byte> message, Guarantee guarantee,
               Outbox& out) {
    const auto part = message.subspan(kHeaderBytes);
    return out.multicast(ServiceId::kCfg, function, std::span(&part, part.empty() ? 0 : 1),
                         guarantee);
}

void note_malformed(NodeId sender, std::uint16_t function, Outbox& out) {
    Notice notice;
    notice.kind = Notice::Kind::kMalformedMessage;
    notice.node = sender;
    notice.a = static_cast<std::uint64_t>(ServiceId::kCfg);
    notice.b = function;
    notice.text = "unknown function or wrong size";
    out.notice(std::move(notice));
}

}  // namespace

bool CfgService::is_member(NodeId node) const noexcept {
    return std::ranges::find(members_, node) != members_.end();
}

// ---- asked by local clients
// -------------------------------------------------------------------------

bool CfgService::send_kill(NodeId victim, std::string_view reason, Outbox& out) {
    std::array<std::byte, kKillBytes> message{};
    StructWriter writer(message);
    reason = reason.substr(0, kReasonMax);
    writer.u32(16, raw(victim));
    writer.u16(kReasonOffset, static_cast<std::uint16_t>(reason.size()));
    writer.bytes(kReasonOffset + 8, as_byte_span(reason));
    return multicast(kKillNode, message, Guarantee::kSafe, out);
}

bool CfgService::send_reload(std::uint64_t asker, Outbox& out) {
    std::array<std::byte, kReloadBytes> message{};
    StructWriter writer(message);
    writer.u32(16, raw(facts_.self));
    // Where peers put a pointer of their own, which nobody else looks at.
    writer.u64(24, asker);
    return multicast(kReloadConfig, message, Guarantee::kSafe, out);
}

bool CfgService::send_shutdown(Outbox& out) {
    const std::array<std::byte, kHeaderBytes> message{};
    return multicast(kShutdown, message, Guarantee::kAgreed, out);
}

void CfgService::shut_down(Outbox& out) {
    shutting_down_ = true;
    shutdown_to_send_ = !send_shutdown(out);
    schedule(out);
}

std::uint32_t CfgService::reopen_logs(Outbox& out) {
    out.request_host({HostRequest::Kind::kReopenLogs, 0, ++last_token_});
    return last_token_;
}

void CfgService::set_deadline(std::optional<Instant> when, Outbox& out) {
    deadline_ = when;
    schedule(out);
}

void CfgService::schedule(Outbox& out) {
    std::optional<Instant> when = deadline_;
    const auto at = [&when](Instant other) { when = when ? std::min(*when, other) : other; };
    if (shutdown_to_send_ || (rotation_ && rotation_->to_announce())) {
        at(out.now() + kRetry);
    }
    if (report_at_) {
        at(*report_at_);
    }
    if (when) {
        out.wake_at(ServiceId::kCfg, *when);
    }
}

void CfgService::on_wake(Outbox& out) {
    if (shutdown_to_send_) {
        shutdown_to_send_ = !send_shutdown(out);
    }
    if (deadline_ && *deadline_ <= out.now()) {
        deadline_.reset();
        if (observer_ != nullptr) {
            observer_->on_deadline(out);
        }
    }
    if (rotation_) {
        tell_of_keys(rotation_->keys(), out);
        report_waiting(out);
    }
    schedule(out);
}

// ---- the key of a sealed ring
// -------------------------------------------------------------------

void CfgService::change_key(KeyName key, Outbox& out) {
    const KeyRotation::Keys before = rotation_->keys();
    rotation_->want(key);
    tell_of_keys(before, out);
}

bool CfgService::send_keys(const KeyRotation::Announcement& what, Outbox& out) {
    std::array<std::byte, kKeysBytes> message{};
    StructWriter writer(message);
    writer.u32(16, kKeysVersion);
    writer.u32(20, static_cast<std::uint32_t>(what.sends));
    writer.u32(24, static_cast<std::uint32_t>(what.next.value_or(KeyName{})));
    writer.u32(28, what.next ? 1 : 0);
    return multicast(kKeys, message, Guarantee::kAgreed, out);
}

// What is announced must be in force: the host comes first, the others in a later step.
void CfgService::tell_of_keys(const KeyRotation::Keys& before, Outbox& out) {
    const KeyRotation::Keys keys = rotation_->keys();
    if (keys != before) {
        out.request_host({HostRequest::Kind::kUseKeys, 0, 0});
        report_at_ = keys.also ? std::optional(out.now() + kKeyPatience) : std::nullopt;
    } else if (const auto what = rotation_->to_announce(); what && send_keys(*what, out)) {
        rotation_->announced();
    }
    schedule(out);
}

void CfgService::on_keys(NodeId sender, const StructReader& message, Outbox& out) {
    if (!message.has(0, kKeysBytes)) {
        return note_malformed(sender, kKeys, out);
    }
    // Of a newer kind, or on a ring that is not sealed: as if nothing had been said.
    if (!rotation_ || message.u32(16) != kKeysVersion) {
        return;
    }
    KeyRotation::Announcement what;
    what.sends = KeyName{message.u32(20)};
    if (message.u32(28) != 0) {
        what.next = KeyName{message.u32(24)};
    }
    const KeyRotation::Keys before = rotation_->keys();
    rotation_->on_announcement(sender, what);
    tell_of_keys(before, out);
}

void CfgService::report_waiting(Outbox& out) {
    if (!report_at_ || *report_at_ > out.now()) {
        return;
    }
    report_at_ = out.now() + kKeyPatience;
    Notice notice;
    notice.kind = Notice::Kind::kKeyChangeWaiting;
    notice.nodes = rotation_->awaited();
    out.notice(std::move(notice));
}

// ---- the ring
// ---------------------------------------------------------------------------------------

void CfgService::on_configuration(const Configuration& change, Outbox& /*out*/) {
    if (change.kind == Configuration::Kind::kRegular) {
        members_ = change.members;
        if (rotation_) {
            rotation_->on_ring(members_);
        }
    }
}

void CfgService::sync_begin(const RingId& /*ring*/, std::span<const NodeId> /*transitional*/,
                            std::span<const NodeId> /*members*/, Outbox& /*out*/) {}
SyncStep CfgService::sync_step(Outbox& /*out*/) { return SyncStep::kDone; }
void CfgService::sync_activate(Outbox& /*out*/) {}
void CfgService::sync_abort(Outbox& /*out*/) {}
void CfgService::on_sync_complete(Outbox& out) {
    if (rotation_) {
        rotation_->on_sync_complete();
        tell_of_keys(rotation_->keys(), out);
    }
}

void CfgService::on_message(NodeId sender, std::uint16_t function, const FrameRef& message,
                            Outbox& out) {
    const StructReader reader(message.bytes());
    switch (function) {
        case kKillNode:
            return on_kill(sender, reader, out);
        case kReloadConfig:
            return on_reload(sender, reader, out);
        case kShutdown: {
            Notice notice;
            notice.kind = Notice::Kind::kNodeShutDown;
            notice.node = sender;
            out.notice(std::move(notice));
            if (sender == facts_.self && shutting_down_) {
                out.request_host({HostRequest::Kind::kStop, 0, 0});
            }
            return;
        }
        case kKeys:
            return on_keys(sender, reader, out);
        case kRingReenable:
        case kCryptoReconfig:
            return;  // of peers, about what this node does not have
        default:
            note_malformed(sender, function, out);
    }
}

void CfgService::on_kill(NodeId sender, const StructReader& message, Outbox& out) {
    const std::size_t length = message.u16(kReasonOffset);
    if (!message.has(0, kKillBytes) || length > kReasonMax) {
        return note_malformed(sender, kKillNode, out);
    }
    if (NodeId{message.u32(16)} != facts_.self) {
        return;
    }
    Notice notice;
    notice.kind = Notice::Kind::kKilledByNode;
    notice.node = sender;
    notice.text = as_text(message.bytes(kReasonOffset + 8, length));
    // Senders may count the NUL of their text.
    notice.text.erase(std::min(notice.text.find('\0'), notice.text.size()));
    out.notice(std::move(notice));
    out.request_host({HostRequest::Kind::kStop, kKilledExitStatus, 0});
}

void CfgService::on_reload(NodeId sender, const StructReader& message, Outbox& out) {
    if (!message.has(0, kReloadBytes)) {
        return note_malformed(sender, kReloadConfig, out);
    }
    Notice notice;
    notice.kind = Notice::Kind::kReloadRequested;
    notice.node = sender;
    out.notice(std::move(notice));
    ++last_token_;
    if (sender == facts_.self && observer_ != nullptr) {
        observer_->on_own_reload(message.u64(24), last_token_);
    }
    out.request_host({HostRequest::Kind::kReload, 0, last_token_});
}

std::uint64_t CfgService::state_hash() const {
    StateHash hash;
    for (const NodeId node : members_) {
        hash.add(node);
    }
    hash.add(std::uint64_t{last_token_});
    hash.add(std::uint64_t{shutdown_to_send_}).add(std::uint64_t{shutting_down_});
    if (rotation_) {
        hash.add(rotation_->state_hash());
    }
    return hash.value();
}

}  // namespace totem::group
