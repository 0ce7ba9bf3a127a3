#include "totem/group/group_layer.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "totem/core/check.h"
#include "totem/core/mutant.h"

namespace totem::group {

GroupLayer::GroupLayer(const RingConfig& config, FramePool& pool)
    : packer_(pool, config.frame_data_max),
      reassembly_(pool),
      outbox_(pool, packer_),
      multiplexer_(config.self, outbox_) {}

void GroupLayer::on_delivery(const Delivery& delivery) {
    if (const auto* change = std::get_if<Configuration>(&delivery)) {
        on_configuration(*change);
    } else if (const auto* message = std::get_if<DeliveredMessage>(&delivery)) {
        on_message(*message);
    }
}

// The rest of the old ring is still to come after a transitional configuration, so reassembly
// changes sets only at the regular one, while sending does so at once.
void GroupLayer::on_configuration(const Configuration& change) {
    if (change.kind == Configuration::Kind::kTransitional) {
        multiplexer_.on_configuration(change);
        packer_.begin_transition();
        if (TOTEM_MUTANT(departed_forgotten_early)) {
            reassembly_.forget(change.left);
        }
        left_ = change.left;
        return;
    }
    // Not earlier: the last frames of the departed came after the transitional configuration, and
    // may end a message that began before it. What is still open now never ends, and a departed
    // node that is back as a new process would find its first frames refused.
    if (TOTEM_MUTANT(departed_remembered)) {
        left_.clear();
    }
    reassembly_.forget(left_);
    left_.clear();
    joined_since_sync_ = joined_since_sync_ || !change.joined.empty();
    reassembly_.select(TOTEM_MUTANT(one_reassembly_set) ? Lane::kNormal : Lane::kTransitional);
    multiplexer_.on_configuration(change);
}

void GroupLayer::on_message(const DeliveredMessage& message) {
    const auto outcome = reassembly_.accept(message.sender, message.payload, messages_);
    if (outcome == Reassembly::Outcome::kMalformed) {
        Notice notice;
        notice.kind = Notice::Kind::kMalformedMessage;
        notice.node = message.sender;
        notice.text = "packed frame";
        outbox_.notice(std::move(notice));
    }
    for (const FrameRef& whole : messages_) {
        const bool was_synchronising = multiplexer_.synchronising();
        multiplexer_.on_message(message.sender, whole);
        if (was_synchronising && !multiplexer_.synchronising()) {
            end_synchronisation();
        }
    }
    messages_.clear();
}

void GroupLayer::end_synchronisation() {
    packer_.end_transition(std::exchange(joined_since_sync_, false));
    reassembly_.select(Lane::kNormal);
}

void GroupLayer::open(const ClientOpened& client) {
    const auto door = std::ranges::find(doors_, client.service, &Door::id);
    const auto place =
        std::ranges::lower_bound(connections_, client.connection, {}, &Connection::id);
    if (door == doors_.end() || (place != connections_.end() && place->id == client.connection)) {
        return;
    }
    connections_.insert(place, {client.connection, *door});
    (*door)->on_open(client.connection, client.pid, outbox_);
}

void GroupLayer::close(ConnectionId connection) {
    const auto place = find(connection);
    if (place != connections_.end()) {
        Door* door = place->door;
        connections_.erase(place);
        door->on_close(connection, outbox_);
    }
}

bool GroupLayer::request(const ClientRequest& request) {
    const auto place = find(request.connection);
    if (place == connections_.end()) {
        return true;
    }
    if (!place->door->on_request(request.connection, request.bytes, outbox_)) {
        refused_at_ = packer_.normal_taken();
        return false;
    }
    multiplexer_.retry_turn();
    return true;
}

void GroupLayer::host_reply(const HostReply& reply) {
    const auto door = std::ranges::find(doors_, ServiceId::kCfg, &Door::id);
    if (door != doors_.end()) {
        (*door)->on_host_reply(reply.token, reply.error, outbox_);
    }
}

bool GroupLayer::room_available() const noexcept {
    return !refused_at_ || *refused_at_ != packer_.normal_taken();
}

void GroupLayer::hash(StateHash& into) const {
    packer_.hash(into);
    reassembly_.hash(into);
    multiplexer_.hash(into);
    for (const Connection& connection : connections_) {
        into.add(std::uint64_t{static_cast<std::uint32_t>(connection.id)});
    }
    into.add(std::uint64_t{joined_since_sync_});
}

std::vector<GroupLayer::Connection>::iterator GroupLayer::find(ConnectionId id) {
    const auto place = std::ranges::lower_bound(connections_, id, {}, &Connection::id);
    return place != connections_.end() && place->id == id ? place : connections_.end();
}

}  // namespace totem::group
