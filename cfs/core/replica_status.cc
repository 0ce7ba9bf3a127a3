#include <algorithm>
#include <iterator>

#include "cfs/core/replica_machine.h"

namespace cfs {

const char* to_string(Obstacle obstacle) noexcept {
    switch (obstacle) {
        case Obstacle::kNone:
            return "writable";
        case Obstacle::kStarting:
            return "starting";
        case Obstacle::kNoQuorum:
            return "no quorum";
        case Obstacle::kForeign:
            return "another configuration filesystem is on the ring";
        case Obstacle::kExchange:
            return "members exchange what they have";
        case Obstacle::kInsufficient:
            return "too few members take part";
        case Obstacle::kBehind:
            return "catching up";
        case Obstacle::kConflict:
            return "members have conflicting histories";
        case Obstacle::kVoting:
            return "members have different votes configured";
        case Obstacle::kNewer:
            return "a member speaks a later format";
        case Obstacle::kDiskFull:
            return "the disk is full";
        case Obstacle::kStoreFailed:
            return "the store failed";
        case Obstacle::kStopped:
            return "stopped";
    }
    return "unknown";
}

bool Replica::Machine::gate() const {
    return stage_.has_value() && quorate_ && foreign_.empty() && !newer_ && !newer_record_ &&
           nodes_.contains(options_.node);
}

bool Replica::Machine::listed(NodeId node) const { return voting_.listed(node); }

bool Replica::Machine::same_votes() const {
    return epoch_->proposal.voting == name_of(voting_) &&
           epoch_->proposal.override_epoch == voting_.lowered();
}

Obstacle Replica::Machine::obstacle() const {
    switch (phase_) {
        case Phase::kStarting:
            return Obstacle::kStarting;
        case Phase::kDiskFull:
        case Phase::kReloading:
            return Obstacle::kDiskFull;
        case Phase::kFailed:
            return Obstacle::kStoreFailed;
        case Phase::kStopped:
            return Obstacle::kStopped;
        case Phase::kRunning:
            break;
    }
    if (newer_ || newer_record_) {
        return Obstacle::kNewer;
    }
    if (options_.local) {
        return Obstacle::kNone;
    }
    if (!stage_ || !nodes_.contains(options_.node)) {
        return Obstacle::kStarting;
    }
    if (!foreign_.empty()) {
        return Obstacle::kForeign;
    }
    if (!quorate_) {
        // votequorum speaks of a new ring a little after the ring itself.
        const bool fresh = now_ < view_since_ + options_.hello_wait;
        return fresh ? Obstacle::kExchange : Obstacle::kNoQuorum;
    }
    return epoch_ ? epoch_obstacle() : exchange_obstacle();
}

Obstacle Replica::Machine::exchange_obstacle() const {
    if (!stage_->conflict.empty() || !stray_branches().empty()) {
        return Obstacle::kConflict;
    }
    const std::vector<NodeId> nodes(nodes_.begin(), nodes_.end());
    if (!listed(options_.node)) {
        return Obstacle::kVoting;
    }
    if (!voting_.sufficient(nodes)) {
        return Obstacle::kInsufficient;
    }
    if (nodes_missing_from_heard().empty() && !voting_.sufficient(voters_heard())) {
        return Obstacle::kVoting;
    }
    return Obstacle::kExchange;
}

Obstacle Replica::Machine::epoch_obstacle() const {
    if (stage_->conflict.contains(options_.node)) {
        return Obstacle::kConflict;
    }
    if (!same_votes() || !listed(options_.node)) {
        return Obstacle::kVoting;
    }
    const bool here = epoch_->turns.synced(options_.node) && epoch_->following;
    if (epoch_->open && here) {
        return Obstacle::kNone;
    }
    return epoch_->following ? Obstacle::kExchange : Obstacle::kBehind;
}

std::vector<NodeId> Replica::Machine::waiting_for(Obstacle obstacle) const {
    std::vector<NodeId> nodes;
    switch (obstacle) {
        case Obstacle::kForeign:
            return foreign_;
        case Obstacle::kConflict:
            nodes.assign(stage_->conflict.begin(), stage_->conflict.end());
            std::ranges::copy(stray_branches(), std::back_inserter(nodes));
            return nodes;
        case Obstacle::kInsufficient:
            for (const Voter& each : voting_.voters) {
                if (!nodes_.contains(each.node)) {
                    nodes.push_back(each.node);
                }
            }
            return nodes;
        case Obstacle::kVoting:
            for (const auto& [node, hello] : stage_->heard) {
                if (hello.voting != name_of(voting_)) {
                    nodes.push_back(node);
                }
            }
            return nodes;
        case Obstacle::kExchange:
            if (!epoch_) {
                return nodes_missing_from_heard();
            }
            std::ranges::copy_if(nodes_, std::back_inserter(nodes),
                                 [&](NodeId node) { return !epoch_->turns.synced(node); });
            return nodes;
        case Obstacle::kBehind:
            if (receiver_) {
                nodes.push_back(receiver_->donor());
            }
            return nodes;
        default:
            return nodes;
    }
}

void Replica::Machine::update_status() {
    Status next;
    next.obstacle = obstacle();
    next.waiting_for = waiting_for(next.obstacle);
    next.local = options_.local;
    if (next.obstacle != Obstacle::kNone) {
        const bool same = status_.since && next.obstacle == status_.obstacle;
        next.since = same ? status_.since : now_;
        if (view_ && !quorate_ && now_ < view_since_ + options_.hello_wait) {
            want(view_since_ + options_.hello_wait);  // obstacle() changes its mind then
        }
        const bool moving =
            next.obstacle == Obstacle::kExchange || next.obstacle == Obstacle::kBehind;
        next.until = next.obstacle == Obstacle::kDiskFull ? probe_at_
                     : moving                             ? until_
                                                          : std::nullopt;
    }
    if (epoch_ && epoch_->open) {
        next.epoch = epoch_->proposal.epoch;
        next.override_epoch = epoch_->proposal.override_epoch;
        next.synced = epoch_->turns.synced();
        next.lagging = epoch_->turns.lagging();
    }
    if (view_) {
        next.members.assign(nodes_.begin(), nodes_.end());
    }
    if (!(next == status_)) {
        status_ = std::move(next);
        out_->status_changed = true;
    }
}

}  // namespace cfs
