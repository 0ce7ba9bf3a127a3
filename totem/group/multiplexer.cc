#include "totem/group/multiplexer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "totem/core/check.h"
#include "totem/group/messages.h"

namespace totem::group {
namespace {

std::int32_t number(const Service& service) { return static_cast<std::uint8_t>(service.id()); }

std::uint64_t milliseconds(Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

void Multiplexer::add(Service& service) {
    const auto place = std::ranges::lower_bound(services_, number(service), {},
                                                [](const Service* each) { return number(*each); });
    TOTEM_CHECK(place == services_.end() || (*place)->id() != service.id());
    services_.insert(place, &service);
}

void Multiplexer::on_configuration(const Configuration& change) {
    for (Service* service : services_) {
        service->on_configuration(change, *out_);
    }
    if (synchronising()) {
        abort_sync();
    }
    if (change.kind == Configuration::Kind::kTransitional) {
        transitional_ = change.members;
        left_ = change.left;
        features_ = 0;
        return;
    }
    begin_sync(change);
    Notice formed;
    formed.kind = Notice::Kind::kMembershipFormed;
    formed.ring = change.ring;
    formed.nodes = change.joined;
    formed.others = std::exchange(left_, {});
    out_->notice(std::move(formed));
}

void Multiplexer::on_message(NodeId sender, const FrameRef& message) {
    const auto prefix = decode_group_prefix(message.bytes());
    if (!prefix) {
        malformed(sender, 0, 0, "group prefix");
        return;
    }
    if (prefix->group == Group::kSync) {
        on_sync_message(sender, message.slice(prefix->bytes));
    } else if (prefix->group == Group::kServices) {
        on_service_message(sender, message.slice(prefix->bytes));
    }
}

void Multiplexer::on_wake() {
    while (const auto due = out_->take_due()) {
        Service* service = find(static_cast<std::uint8_t>(*due));
        if (service == nullptr) {
            continue;
        }
        service->on_wake(*out_);
        if (sync_.current() == number(*service)) {
            retry_turn();
        }
    }
    const auto notice_at = sync_.notice_at();
    if (notice_at && *notice_at <= out_->now()) {
        Notice waiting;
        waiting.kind = Notice::Kind::kSyncWaiting;
        waiting.ring = sync_.ring();
        waiting.nodes = sync_.missing();
        waiting.a = milliseconds(sync_.waited(out_->now()));
        out_->notice(std::move(waiting));
        sync_.noticed(out_->now());
    }
}

void Multiplexer::retry_turn() {
    if (sync_.phase() == Sync::Phase::kTurn) {
        take_turn();
    }
}

std::optional<Instant> Multiplexer::wake_at() const {
    const auto service = out_->next_wake();
    const auto notice = sync_.notice_at();
    return service && notice ? std::min(*service, *notice) : (service ? service : notice);
}

void Multiplexer::hash(StateHash& into) const {
    sync_.hash(into);
    capabilities_.hash(into);
    into.add(transitional_).add(features_).add(std::uint64_t{ready_});
    for (const Service* service : services_) {
        into.add(service->state_hash());
    }
}

// The lists go out before any service works, so that the capabilities of all are known before the
// first barrier of anybody.
void Multiplexer::begin_sync(const Configuration& regular) {
    sync_.begin(regular.ring, regular.members, out_->now());
    capabilities_.begin(regular.members);
    std::vector<std::int32_t> ids;
    for (const Service* service : services_) {
        if (service->synchronises()) {
            ids.push_back(number(*service));
        }
    }
    out_->announce_capabilities();
    out_->multicast_sync(encode_service_build(regular.ring, ids));
    for (Service* service : services_) {
        if (service->synchronises()) {
            service->sync_begin(regular.ring, transitional_, regular.members, *out_);
        }
    }
}

// Services whose round is over keep what they learnt: it is in force at every member that came
// along.
void Multiplexer::abort_sync() {
    const auto current = sync_.current();
    const bool in_rounds = sync_.phase() != Sync::Phase::kBuilding;
    sync_.abort();
    for (Service* service : services_) {
        const bool over = in_rounds && (!current || number(*service) < *current);
        if (service->synchronises() && !over) {
            service->sync_abort(*out_);
        }
    }
}

void Multiplexer::take_turn() {
    const auto current = sync_.current();
    if (!current) {
        complete_sync();
        return;
    }
    Service* service = find(*current);
    if (service != nullptr && service->synchronises()) {
        out_->enter_turn();
        const SyncStep step = service->sync_step(*out_);
        out_->leave_turn();
        if (step == SyncStep::kWaiting) {
            return;
        }
    }
    sync_.turn_done();
    out_->multicast_sync(encode_barrier(sync_.ring()));
}

void Multiplexer::complete_sync() {
    sync_.finish();
    ready_ = true;
    features_ = capabilities_.common();
    for (Service* service : services_) {
        service->on_sync_complete(*out_);
    }
    Notice completed;
    completed.kind = Notice::Kind::kSyncCompleted;
    completed.ring = sync_.ring();
    out_->notice(std::move(completed));
}

void Multiplexer::on_sync_message(NodeId sender, const FrameRef& message) {
    const auto decoded = decode_sync_message(message.bytes());
    if (!decoded) {
        malformed(sender, 0, 0, "synchronisation message");
        return;
    }
    if (decoded->kind == SyncMessageKind::kServiceBuild) {
        if (sync_.on_service_build(sender, decoded->ring, decoded->services)) {
            take_turn();
        }
        return;
    }
    if (!sync_.on_barrier(sender, decoded->ring)) {
        return;
    }
    Service* service = find(*sync_.current());
    if (service != nullptr && service->synchronises()) {
        service->sync_activate(*out_);
    }
    sync_.next_round();
    take_turn();
}

void Multiplexer::on_service_message(NodeId sender, const FrameRef& message) {
    const auto header = decode_service_header(message.bytes());
    if (!header) {
        malformed(sender, 0, 0, "shorter than a service header");
        return;
    }
    if (header->service == kCapabilitiesService) {
        if (header->function == kCapabilitiesAnnounce) {
            capabilities_.on_announce(sender, message.bytes());
        }
        return;
    }
    Service* service = find(header->service);
    if (service == nullptr) {
        return;
    }
    if (header->size < kServiceHeaderBytes || header->size > message.size()) {
        malformed(sender, header->service, header->function, "size differs from the bytes present");
        return;
    }
    service->on_message(sender, header->function, message.slice(0, header->size), *out_);
}

void Multiplexer::malformed(NodeId sender, std::uint64_t service, std::uint64_t function,
                            const char* what) {
    Notice notice;
    notice.kind = Notice::Kind::kMalformedMessage;
    notice.node = sender;
    notice.a = service;
    notice.b = function;
    notice.text = what;
    out_->notice(std::move(notice));
}

Service* Multiplexer::find(std::int32_t id) const noexcept {
    const auto place = std::ranges::lower_bound(services_, id, {},
                                                [](const Service* each) { return number(*each); });
    return place == services_.end() || number(**place) != id ? nullptr : *place;
}

}  // namespace totem::group
