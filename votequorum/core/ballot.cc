#include "votequorum/core/ballot.h"

#include <algorithm>
#include <limits>

#include "totem/core/check.h"
#include "totem/core/mutant.h"

namespace votequorum {

using totem::NodeId;

namespace {

// What clients and the wire can be told of a sum.
std::uint32_t clamped(Votes votes) {
    return static_cast<std::uint32_t>(
        std::min<Votes>(votes, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Ballot::Ballot(const Options& options) : options_(options), waiting_(options.waits_for_all()) {
    TOTEM_CHECK(first_unsupported(options).empty());
    TOTEM_CHECK(options.self != totem::kNoNode);
    voters_[options.self] = {VoterState::kMember, options.votes, options.expected_votes, 0};
    threshold_ = votequorum::threshold(tally(), {options.two_node, true, 0});
}

void Ballot::keep_only(std::span<const NodeId> nodes) {
    heard_quorate_ = false;
    for (auto& [node, voter] : voters_) {
        if (node != options_.self && !std::ranges::binary_search(nodes, node)) {
            voter.state = VoterState::kDead;
        }
    }
}

void Ballot::admit(std::span<const NodeId> members, const Records& records) {
    keep_only({});
    std::optional<std::uint32_t> authority;
    for (const auto& [node, record] : records) {
        if (node != options_.self && (record.flags & kFlagQuorate) != 0) {
            authority = std::max(authority.value_or(0), record.expected_votes);
        }
    }
    if (authority) {
        heed_quorate(*authority);
    }
    for (const NodeId node : members) {
        if (const auto at = records.find(node); at != records.end()) {
            take_over(at->second);
        }
    }
}

void Ballot::learn(const Nodeinfo& record) {
    if (record.node != options_.self && (record.flags & kFlagQuorate) != 0) {
        heed_quorate(record.expected_votes);
    }
    take_over(record);
}

// Expected votes are learnt only from a quorate node, and only by one that is not (Q7). What this
// node believed of the others that are not quorate was its own opinion, and follows it.
void Ballot::heed_quorate(std::uint32_t expected) {
    if (quorate_) {
        return;
    }
    heard_quorate_ = true;
    allow_decrease_ = true;
    for (auto& [node, voter] : voters_) {
        if (voter.state == VoterState::kMember && (voter.flags & kFlagQuorate) == 0) {
            voter.expected_votes = expected;
        }
    }
}

void Ballot::take_over(const Nodeinfo& record) {
    Voter& voter = voters_[record.node];
    voter.votes = record.votes;
    if (record.node == options_.self) {
        return;  // the rest of it this node knows better
    }
    const bool leaving = (record.flags & kFlagLeaving) != 0;
    voter.state = leaving ? VoterState::kLeaving : VoterState::kMember;
    voter.flags = record.flags;
    const bool authority = (record.flags & kFlagQuorate) != 0;
    voter.expected_votes = authority ? record.expected_votes : self().expected_votes;
}

void Ballot::learn_device_votes(std::uint32_t votes, bool sender_quorate) {
    const bool replace = !quorate_ && sender_quorate;
    device_votes_ = replace ? votes : std::max(device_votes_, votes);
}

void Ballot::set_expected(std::uint32_t expected) {
    expect_of_members(expected);
    allow_decrease_ = true;
}

void Ballot::set_votes(NodeId node, std::uint32_t votes) {
    if (const auto at = voters_.find(node); at != voters_.end()) {
        at->second.votes = votes;
        allow_decrease_ = true;
    }
}

void Ballot::cancel_wait_for_all() { waiting_ = false; }

void Ballot::reconfigure(const Options& options) {
    const bool waited = options_.waits_for_all();
    options_.listed = options.listed;
    options_.two_node = options.two_node;
    options_.votes = options.votes;
    options_.expected_votes = options.expected_votes;
    const bool newly_waits = options_.waits_for_all() && !waited;
    waiting_ = options_.waits_for_all() && (waiting_ || (newly_waits && !quorate_));
}

Ballot::Verdict Ballot::decide(Gain gain) {
    Verdict verdict;
    if (const Votes total = tally().total; total > self().expected_votes) {
        verdict.expected_raised = clamped(total);
        expect_of_members(*verdict.expected_raised);
    }
    const Tally now = tally();
    threshold_ = votequorum::threshold(now, {options_.two_node, allow_decrease_, threshold_});
    const bool enough = now.total + (TOTEM_MUTANT(quorum_of_half) ? 1 : 0) >= threshold_;
    const bool complete = heard_quorate_ || now.total >= now.highest_expected;
    if (gain == Gain::kAllowed && enough && complete) {
        waiting_ = false;
    }
    const bool may_gain = gain == Gain::kAllowed || TOTEM_MUTANT(quorum_before_sync);
    const bool quorate = (enough || (quorate_ && TOTEM_MUTANT(quorum_never_lost))) && !waiting_ &&
                         (quorate_ || may_gain);
    verdict.quorate_changed = quorate != quorate_;
    if (quorate_ && !quorate) {
        waiting_ = options_.waits_for_all();
    }
    quorate_ = quorate;
    allow_decrease_ = false;
    heard_quorate_ = heard_quorate_ && gain == Gain::kForbidden;
    TOTEM_CHECK(!(quorate_ && waiting_));
    return verdict;
}

bool Ballot::two_node() const noexcept { return two_node_in_force(options_.two_node, tally()); }

Tally Ballot::tally() const {
    Tally sum;
    for (const auto& [node, voter] : voters_) {
        if (counts(node, voter)) {
            sum.total += voter.votes;
            sum.highest_expected = std::max<Votes>(sum.highest_expected, voter.expected_votes);
        }
    }
    return sum;
}

bool Ballot::counts(NodeId node, const Voter& voter) const {
    if (node == options_.self) {
        return true;
    }
    const auto& listed = options_.listed;
    return voter.state == VoterState::kMember &&
           (listed.empty() || std::ranges::find(listed, node) != listed.end());
}

void Ballot::expect_of_members(std::uint32_t expected) {
    for (auto& [node, voter] : voters_) {
        if (voter.state == VoterState::kMember) {
            voter.expected_votes = expected;
        }
    }
}

bool Ballot::may_expect(std::uint32_t expected) const {
    return votequorum::may_expect(expected, tally(), quorate_);
}

bool Ballot::may_set_votes(NodeId node, std::uint32_t votes) const {
    const auto at = voters_.find(node);
    TOTEM_CHECK(at != voters_.end());
    Tally changed = tally();
    if (counts(node, at->second)) {
        changed.total = changed.total - at->second.votes + votes;
        changed.highest_expected = std::max(changed.highest_expected, changed.total);
    }
    const Votes needed = votequorum::threshold(changed, {options_.two_node, true, 0});
    return votequorum::may_set_votes(changed, needed);
}

void Ballot::hash(totem::group::StateHash& hasher) const {
    hasher.add(options_.self).add(options_.votes).add(options_.expected_votes);
    hasher.add(options_.two_node ? 1U : 0U).add(options_.waits_for_all() ? 1U : 0U);
    hasher.add(options_.listed.size());
    for (const NodeId node : options_.listed) {
        hasher.add(node);
    }
    hasher.add(voters_.size());
    for (const auto& [node, voter] : voters_) {
        hasher.add(node).add(static_cast<std::uint64_t>(voter.state)).add(voter.votes);
        hasher.add(voter.expected_votes).add(voter.flags);
    }
    hasher.add(device_votes_).add(threshold_).add(quorate_ ? 1U : 0U).add(waiting_ ? 1U : 0U);
    hasher.add(allow_decrease_ ? 1U : 0U).add(heard_quorate_ ? 1U : 0U);
}

}  // namespace votequorum
