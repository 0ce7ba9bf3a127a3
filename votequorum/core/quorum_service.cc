#include "votequorum/core/quorum_service.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "totem/group/state_hash.h"

namespace votequorum {

using totem::Configuration;
using totem::NodeId;
using totem::RingId;
using totem::group::Notice;
using totem::group::Outbox;
using totem::group::StateHash;
using totem::group::SyncStep;

namespace {

std::vector<NodeId> without(std::span<const NodeId> nodes, std::span<const NodeId> others) {
    std::vector<NodeId> rest;
    std::ranges::set_difference(nodes, others, std::back_inserter(rest));
    return rest;
}

}  // namespace

void QuorumService::provide(QuorumView view, Phase phase, Outbox& out) {
    const bool changed = view.quorate != view_.quorate;
    view_ = std::move(view);
    if (changed) {
        Notice notice;
        notice.kind = view_.quorate ? Notice::Kind::kQuorumGained : Notice::Kind::kQuorumLost;
        notice.ring = view_.ring;
        out.notice(std::move(notice));
    }
    if (phase == Phase::kSettled && (changed || view_.ring != noticed_)) {
        noticed_ = view_.ring;
        Notice notice;
        notice.kind = Notice::Kind::kQuorumMembers;
        notice.ring = view_.ring;
        notice.nodes = view_.members;
        out.notice(std::move(notice));
    }
    if (listener_ != nullptr) {
        listener_->on_quorum(view_, out);
    }
}

void QuorumService::on_configuration(const Configuration& change, Outbox& out) {
    static_cast<void>(out);
    if (change.kind == Configuration::Kind::kTransitional) {
        std::vector<NodeId> still;
        std::ranges::set_intersection(along_, change.members, std::back_inserter(still));
        along_ = std::move(still);
    }
}

void QuorumService::sync_begin(const RingId& ring, std::span<const NodeId> transitional,
                               std::span<const NodeId> members, Outbox& out) {
    static_cast<void>(transitional);  // on_configuration() has seen it
    pending_.ring = ring;
    pending_.members.assign(members.begin(), members.end());
    pending_.joined = without(members, along_);
    pending_.left = without(membership_.members, along_);
    Notice notice;
    notice.kind = Notice::Kind::kSyncStarted;
    notice.ring = ring;
    notice.nodes = pending_.members;
    notice.others = pending_.joined;
    notice.more = pending_.left;
    out.notice(std::move(notice));
}

SyncStep QuorumService::sync_step(Outbox& out) {
    static_cast<void>(out);
    return SyncStep::kDone;
}

void QuorumService::sync_activate(Outbox& out) { static_cast<void>(out); }

void QuorumService::sync_abort(Outbox& out) {
    static_cast<void>(out);
    pending_ = {};
}

void QuorumService::on_sync_complete(Outbox& out) {
    membership_ = std::exchange(pending_, {});
    along_ = membership_.members;
    if (listener_ != nullptr) {
        listener_->on_membership(membership_, out);
    }
}

void QuorumService::on_message(NodeId sender, std::uint16_t function,
                               const totem::FrameRef& message, Outbox& out) {
    static_cast<void>(message);
    Notice notice;
    notice.kind = Notice::Kind::kMalformedMessage;
    notice.node = sender;
    notice.a = static_cast<std::uint64_t>(id());
    notice.b = function;
    notice.text = "quorum has no messages";
    out.notice(std::move(notice));
}

std::uint64_t QuorumService::state_hash() const {
    StateHash hasher;
    hasher.add(view_.quorate ? 1U : 0U)
        .add(view_.ring)
        .add(noticed_)
        .add(membership_.ring)
        .add(pending_.ring);
    for (const auto* nodes : {&view_.members, &membership_.members, &pending_.members, &along_}) {
        hasher.add(nodes->size());
        for (const NodeId node : *nodes) {
            hasher.add(node);
        }
    }
    return hasher.value();
}

}  // namespace votequorum
