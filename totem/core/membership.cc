#include "totem/core/membership.h"

#include <algorithm>

namespace totem {

Membership::Membership(NodeId self) : self_(self) {
    proc_.insert(self);
    consensus_.insert(self);
    members_.insert(self);
    companions_.insert(self);
}

Membership::Verdict Membership::judge(const Join& join) {
    const NodeId sender = join.system_from;
    if (join.from == kNoNode) {
        return judge_leave(join);
    }
    // Whoever comes from our ring has had us in its proc set ever since.
    if (!join.proc.contains(self_)) {
        companions_.erase(sender);
    }
    if (join.proc == proc_ && join.failed == failed_) {
        if (proc_.contains(sender)) {
            consensus_.insert(sender);
        }
        return Verdict::kSame;
    }
    if (proc_.contains_all(join.proc) && failed_.contains_all(join.failed)) {
        return Verdict::kBehind;
    }
    if (failed_.contains(sender)) {
        return Verdict::kExcluded;
    }
    const bool accuses = join.failed.contains(self_);
    if (accuses && !companions_.contains(sender)) {
        return Verdict::kSplits;
    }
    const NodeList fresh = join.proc.minus(proc_);
    if (proc_.size() + fresh.size() + (proc_.contains(sender) ? 0 : 1) > kProcessorsMax) {
        return Verdict::kTooMany;
    }
    const std::size_t failed_before = failed_.size();
    proc_.insert_all(fresh);
    if (accuses) {
        fail(sender);
    } else if (companions_.contains(sender)) {
        fail_all(join.failed);
    }
    // A fail set that is not believed brings nothing new, however often it is heard.
    return fresh.empty() && failed_.size() == failed_before ? Verdict::kBehind : Verdict::kChanged;
}

Membership::Verdict Membership::judge_leave(const Join& join) {
    const NodeId sender = join.system_from;
    if (!proc_.contains(sender) || failed_.contains(sender)) {
        return Verdict::kBehind;
    }
    fail(sender);
    if (companions_.erase(sender)) {
        fail_all(join.failed);
    }
    return Verdict::kChanged;
}

bool Membership::goes_alone(const Join& join) const {
    const NodeId sender = join.system_from;
    if (join.from == kNoNode || join.failed.empty() || companions_.contains(sender)) {
        return false;
    }
    return std::ranges::all_of(join.proc.view(), [&](NodeId node) {
        return node == sender || join.failed.contains(node);
    });
}

bool Membership::consider(NodeId node) {
    if (node == kNoNode || proc_.full()) {
        return false;
    }
    return proc_.insert(node);
}

void Membership::begin_round() {
    consensus_.clear();
    consensus_.insert(self_);
}

NodeList Membership::fail_the_silent() {
    const NodeList silent = proc_.minus(failed_).minus(consensus_);
    fail_all(silent);
    return silent;
}

void Membership::fail(NodeId node) {
    // Only who is being considered can be excluded: a subset of proc_ always fits, so that strange
    // names in a join leave no less room for a member that is silent.
    if (node != self_ && proc_.contains(node)) {
        failed_.insert(node);
    }
}

void Membership::fail_all(const NodeList& nodes) {
    for (const NodeId node : nodes) {
        fail(node);
    }
}

void Membership::fail_self() {
    cannot_receive_ = true;
    failed_.insert(self_);
}

void Membership::become_singleton() {
    proc_.clear();
    proc_.insert(self_);
    failed_.clear();
    begin_round();
}

NodeList Membership::candidates() const {
    NodeList rest = proc_.minus(failed_);
    rest.sort();
    return rest;
}

bool Membership::agreed() const {
    return std::ranges::all_of(proc_.view(), [this](NodeId node) {
        return failed_.contains(node) || consensus_.contains(node);
    });
}

bool Membership::lowest_candidate() const {
    return !failed_.contains(self_) && std::ranges::all_of(proc_.view(), [this](NodeId node) {
        return failed_.contains(node) || self_ <= node;
    });
}

void Membership::gather_from(const NodeList& members) {
    proc_ = members;
    failed_.clear();
    cannot_receive_ = false;
    begin_round();
}

void Membership::install(const NodeList& members) {
    members_ = members;
    companions_ = members;
    gather_from(members);
}

void Membership::leave_ring(const RingId& ring) {
    if (!has_left(ring)) {
        left_rings_.at(left_next_) = ring;
        left_next_ = (left_next_ + 1) % left_rings_.size();
    }
}

bool Membership::has_left(const RingId& ring) const {
    return std::ranges::find(left_rings_, ring) != left_rings_.end();
}

void Membership::hash(Hasher& hasher) const {
    hasher.add(proc_);
    hasher.add(failed_);
    hasher.add(consensus_);
    hasher.add(members_);
    hasher.add(companions_);
    hasher.add(std::uint64_t{cannot_receive_ ? 1U : 0U});
    for (const RingId& ring : left_rings_) {
        hasher.add(ring);
    }
}

}  // namespace totem
