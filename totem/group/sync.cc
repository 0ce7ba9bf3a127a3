#include "totem/group/sync.h"

#include <algorithm>
#include <chrono>

#include "totem/core/check.h"
#include "totem/core/mutant.h"

namespace totem::group {
namespace {

constexpr std::chrono::seconds kNoticeEvery{5};

}  // namespace

void Sync::begin(const RingId& ring, std::span<const NodeId> members, Instant now) {
    phase_ = Phase::kBuilding;
    ring_ = ring;
    members_.clear();
    for (const NodeId node : members) {
        members_.push_back({node, false});
    }
    services_.clear();
    round_ = 0;
    since_ = now;
    notice_at_ = now + kNoticeEvery;
}

void Sync::abort() { phase_ = Phase::kIdle; }

bool Sync::on_service_build(NodeId sender, const RingId& ring,
                            std::span<const std::int32_t> services) {
    if (phase_ != Phase::kBuilding || !hear(sender, ring)) {
        return false;
    }
    for (const std::int32_t id : services) {
        const auto place = std::ranges::lower_bound(services_, id);
        if (place == services_.end() || *place != id) {
            services_.insert(place, id);
        }
    }
    if (!all_heard()) {
        return false;
    }
    forget_heard();
    phase_ = Phase::kTurn;
    return true;
}

std::optional<std::int32_t> Sync::current() const noexcept {
    return round_ < services_.size() ? std::optional(services_[round_]) : std::nullopt;
}

void Sync::turn_done() {
    TOTEM_CHECK(phase_ == Phase::kTurn);
    phase_ = Phase::kBarrier;
}

bool Sync::on_barrier(NodeId sender, const RingId& ring) {
    // Others may be done before us, but a barrier of ours that we have not sent is a forgery.
    const bool in_round = phase_ == Phase::kBarrier || (phase_ == Phase::kTurn && sender != self_);
    return in_round && hear(sender, ring) && all_heard();
}

void Sync::next_round() {
    TOTEM_CHECK(phase_ == Phase::kBarrier && round_ < services_.size());
    ++round_;
    forget_heard();
    phase_ = Phase::kTurn;
}

void Sync::finish() {
    TOTEM_CHECK(phase_ == Phase::kTurn && round_ == services_.size());
    phase_ = Phase::kIdle;
}

std::optional<Instant> Sync::notice_at() const noexcept {
    return phase_ == Phase::kIdle ? std::nullopt : std::optional(notice_at_);
}

void Sync::noticed(Instant now) { notice_at_ = now + kNoticeEvery; }

std::vector<NodeId> Sync::missing() const {
    std::vector<NodeId> nodes;
    for (const Member& member : members_) {
        if (!member.heard) {
            nodes.push_back(member.node);
        }
    }
    return nodes;
}

void Sync::hash(StateHash& into) const {
    into.add(std::uint64_t{static_cast<std::uint8_t>(phase_)}).add(ring_);
    into.add(std::uint64_t{round_});
    for (const Member& member : members_) {
        into.add(member.node).add(std::uint64_t{member.heard});
    }
    for (const std::int32_t id : services_) {
        into.add(static_cast<std::uint64_t>(id));
    }
}

bool Sync::hear(NodeId sender, const RingId& ring) {
    const auto member = std::ranges::find(members_, sender, &Member::node);
    if (ring != ring_ || member == members_.end() || member->heard) {
        return false;
    }
    member->heard = true;
    return true;
}

bool Sync::all_heard() const noexcept {
    return TOTEM_MUTANT(sync_waits_for_one) || std::ranges::all_of(members_, &Member::heard);
}

void Sync::forget_heard() noexcept {
    for (Member& member : members_) {
        member.heard = false;
    }
}

}  // namespace totem::group
