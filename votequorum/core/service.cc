#include "votequorum/core/service.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "totem/core/check.h"
#include "totem/core/mutant.h"

namespace votequorum {

using totem::Configuration;
using totem::FrameRef;
using totem::NodeId;
using totem::RingId;
using totem::group::Notice;
using totem::group::Outbox;
using totem::group::StateHash;
using totem::group::SyncStep;

namespace {

constexpr std::chrono::milliseconds kRetry{100};
constexpr std::uint32_t kRingsCounted = 2;

}  // namespace

VoteQuorum::VoteQuorum(const Options& options, QuorumService& quorum)
    : ballot_(options), quorum_(quorum), own_votes_(options.votes) {
    TOTEM_CHECK(quorum.model() == QuorumService::Model::kSet);
}

// ---- configuration changes and their synchronisation --------------------------------------------

void VoteQuorum::on_configuration(const Configuration& change, Outbox& out) {
    ring_ = change.ring;
    members_ = change.members;
    if (change.kind == Configuration::Kind::kTransitional) {
        phase_ = Phase::kChanging;
        apply_deferred();
        ballot_.keep_only(members_);
        decide(Report::kChanges, out);
        return;
    }
    phase_ = Phase::kSynchronising;
    records_.clear();
    device_records_.clear();
    rings_ = std::min(rings_ + 1, kRingsCounted);
    if (rings_ == 1) {
        // Nobody depends on it: the synchronisation that follows says the same again.
        static_cast<void>(multicast_own_record(out));
    }
    send_due(out);
}

void VoteQuorum::sync_begin(const RingId& ring, std::span<const NodeId> transitional,
                            std::span<const NodeId> members, Outbox& out) {
    static_cast<void>(transitional);  // on_configuration() has seen it
    if (listener_ != nullptr) {
        listener_->on_nodelist(ring, members, out);
    }
}

SyncStep VoteQuorum::sync_step(Outbox& out) {
    TOTEM_CHECK(multicast_records(out));  // room is kept for synchronisation
    return SyncStep::kDone;
}

void VoteQuorum::sync_activate(Outbox& out) {
    ballot_.admit(members_, records_);
    for (const auto& [sender, record] : device_records_) {
        const auto own = records_.find(sender);
        const bool quorate = own != records_.end() && (own->second.flags & kFlagQuorate) != 0;
        ballot_.learn_device_votes(record.votes, quorate);
    }
    records_.clear();
    device_records_.clear();
    apply_deferred();
    decide(Report::kChanges, out);
}

void VoteQuorum::sync_abort(Outbox& out) {
    records_.clear();
    device_records_.clear();
    apply_deferred();
    decide(Report::kChanges, out);
}

void VoteQuorum::on_sync_complete(Outbox& out) {
    phase_ = Phase::kSettled;
    decide(Report::kAlways, out);
}

void VoteQuorum::decide(Report report, Outbox& out) {
    const bool settled = phase_ == Phase::kSettled;
    const bool was_waiting = ballot_.waiting_for_all();
    const auto verdict =
        ballot_.decide(settled ? Ballot::Gain::kAllowed : Ballot::Gain::kForbidden);
    if (was_waiting && !ballot_.waiting_for_all()) {
        Notice notice;
        notice.kind = Notice::Kind::kWaitForAllCleared;
        notice.ring = ring_;
        out.notice(std::move(notice));
    }
    if (verdict.expected_raised && listener_ != nullptr) {
        listener_->on_expected(*verdict.expected_raised, out);
    }
    if (report == Report::kAlways || verdict.quorate_changed) {
        quorum_.provide({ballot_.quorate(), ring_, members_},
                        settled ? QuorumService::Phase::kSettled : QuorumService::Phase::kChanging,
                        out);
        if (listener_ != nullptr) {
            listener_->on_votes(out);
        }
    }
    constexpr std::uint32_t kTold = kFlagQuorate | kFlagWaitingForAll;
    if (settled && ((own_record().flags ^ sent_flags_) & kTold) != 0) {
        records_due_ = true;
        send_due(out);
    }
}

// ---- messages -----------------------------------------------------------------------------------

void VoteQuorum::on_message(NodeId sender, std::uint16_t function, const FrameRef& message,
                            Outbox& out) {
    switch (static_cast<Function>(function)) {
        case Function::kNodeinfo:
            on_nodeinfo(sender, message, out);
            break;
        case Function::kReconfigure:
            on_reconfigure(sender, message, out);
            break;
        case Function::kDeviceRegister:
        case Function::kDeviceReconfigure:
            break;  // a peer's device: its votes come with that peer's device record
        default:
            malformed(sender, static_cast<Function>(function), "no such function", out);
            break;
    }
}

void VoteQuorum::on_nodeinfo(NodeId sender, const FrameRef& message, Outbox& out) {
    const auto record = decode_nodeinfo(message.bytes());
    if (!record) {
        malformed(sender, Function::kNodeinfo, record.error(), out);
        return;
    }
    // What was said on the old ring is said again in the synchronisation of the new one, and what a
    // node says that is not on this ring does not count.
    if (phase_ == Phase::kChanging || !std::ranges::binary_search(members_, sender)) {
        return;
    }
    if (record->node == kDeviceRecord) {
        on_device_record(sender, record->votes, out);
        return;
    }
    if (record->node != sender) {
        malformed(sender, Function::kNodeinfo, "nodeinfo about another node", out);
        return;
    }
    if (phase_ == Phase::kSynchronising) {
        records_[sender] = *record;
        if (TOTEM_MUTANT(quorum_before_sync)) {
            ballot_.admit(members_, records_);
            decide(Report::kChanges, out);
        }
        return;
    }
    ballot_.learn(*record);
    decide(Report::kChanges, out);
}

void VoteQuorum::on_device_record(NodeId sender, std::uint32_t votes, Outbox& out) {
    if (phase_ == Phase::kSynchronising) {
        if (!records_.contains(sender)) {
            malformed(sender, Function::kNodeinfo, "device record before own record", out);
            return;
        }
        device_records_[sender].votes = votes;
        return;
    }
    const auto known = ballot_.voters().find(sender);
    if (known == ballot_.voters().end()) {
        malformed(sender, Function::kNodeinfo, "device record before own record", out);
        return;
    }
    ballot_.learn_device_votes(votes, (known->second.flags & kFlagQuorate) != 0);
}

void VoteQuorum::on_reconfigure(NodeId sender, const FrameRef& message, Outbox& out) {
    const auto command = decode_reconfigure(message.bytes());
    if (!command) {
        malformed(sender, Function::kReconfigure, command.error(), out);
        return;
    }
    if (phase_ == Phase::kSynchronising) {
        deferred_.push_back(*command);
        return;
    }
    apply(*command);
    decide(phase_ == Phase::kSettled ? Report::kAlways : Report::kChanges, out);
}

void VoteQuorum::apply(const Reconfigure& command) {
    switch (command.parameter) {
        case Reconfigure::Parameter::kExpectedVotes:
            ballot_.set_expected(command.value);
            break;
        case Reconfigure::Parameter::kNodeVotes:
            ballot_.set_votes(command.node, command.value);
            if (command.node == ballot_.options().self) {
                own_votes_ = command.value;
            }
            break;
        case Reconfigure::Parameter::kCancelWaitForAll:
            ballot_.cancel_wait_for_all();
            break;
    }
}

void VoteQuorum::apply_deferred() {
    for (const Reconfigure& command : std::exchange(deferred_, {})) {
        apply(command);
    }
}

void VoteQuorum::malformed(NodeId sender, Function function, std::string_view what,
                           Outbox& out) const {
    Notice notice;
    notice.kind = Notice::Kind::kMalformedMessage;
    notice.node = sender;
    notice.a = static_cast<std::uint64_t>(id());
    notice.b = static_cast<std::uint64_t>(function);
    notice.text = std::string(what);
    out.notice(std::move(notice));
}

// ---- sending ------------------------------------------------------------------------------------

Nodeinfo VoteQuorum::own_record() const {
    Nodeinfo record{ballot_.options().self, own_votes_, ballot_.self().expected_votes, 0};
    record.flags |= ballot_.quorate() ? kFlagQuorate : 0;
    record.flags |= ballot_.waiting_for_all() ? kFlagWaitingForAll : 0;
    record.flags |= rings_ <= 1 ? kFlagFirst : 0;
    return record;
}

bool VoteQuorum::multicast(Function function, const Body& body, Outbox& out) {
    const std::array<std::span<const std::byte>, 1> parts{body};
    return out.multicast(id(), static_cast<std::uint16_t>(function), parts,
                         totem::Guarantee::kAgreed);
}

bool VoteQuorum::multicast_own_record(Outbox& out) {
    const Nodeinfo own = own_record();
    if (!multicast(Function::kNodeinfo, encode(own), out)) {
        return false;
    }
    sent_flags_ = own.flags;
    return true;
}

bool VoteQuorum::multicast_records(Outbox& out) {
    return multicast_own_record(out) &&
           multicast(Function::kNodeinfo,
                     encode(Nodeinfo{kDeviceRecord, ballot_.device_votes(), 0, 0}), out);
}

void VoteQuorum::send_due(Outbox& out) {
    if (records_due_ && multicast_records(out)) {
        records_due_ = false;
    }
    if (expected_due_ && multicast(Function::kReconfigure,
                                   encode(Reconfigure{ballot_.options().self, *expected_due_,
                                                      Reconfigure::Parameter::kExpectedVotes}),
                                   out)) {
        expected_due_.reset();
    }
    if (records_due_ || expected_due_) {
        out.wake_at(id(), out.now() + kRetry);
    }
}

void VoteQuorum::on_wake(Outbox& out) { send_due(out); }

// ---- commands -----------------------------------------------------------------------------------

Outcome VoteQuorum::set_expected(std::uint32_t expected, Outbox& out) {
    if (expected == 0 || !ballot_.may_expect(expected)) {
        return Outcome::kRefused;
    }
    const Reconfigure command{ballot_.options().self, expected,
                              Reconfigure::Parameter::kExpectedVotes};
    return multicast(Function::kReconfigure, encode(command), out) ? Outcome::kSent
                                                                   : Outcome::kNoRoom;
}

Outcome VoteQuorum::set_votes(NodeId node, std::uint32_t votes, Outbox& out) {
    const NodeId target = node == totem::kNoNode ? ballot_.options().self : node;
    if (!ballot_.voters().contains(target)) {
        return Outcome::kUnknownNode;
    }
    if (!ballot_.may_set_votes(target, votes)) {
        return Outcome::kRefused;
    }
    const Reconfigure command{target, votes, Reconfigure::Parameter::kNodeVotes};
    return multicast(Function::kReconfigure, encode(command), out) ? Outcome::kSent
                                                                   : Outcome::kNoRoom;
}

Outcome VoteQuorum::cancel_wait_for_all(Outbox& out) {
    const Reconfigure command{ballot_.options().self, 0, Reconfigure::Parameter::kCancelWaitForAll};
    return multicast(Function::kReconfigure, encode(command), out) ? Outcome::kSent
                                                                   : Outcome::kNoRoom;
}

void VoteQuorum::reconfigure(const Options& options, Outbox& out) {
    TOTEM_CHECK(first_unsupported(options).empty());
    ballot_.reconfigure(options);
    if (options.votes != own_votes_) {
        own_votes_ = options.votes;
        records_due_ = true;
    }
    if (options.expected_votes != ballot_.self().expected_votes) {
        expected_due_ = options.expected_votes;
    }
    decide(Report::kChanges, out);
    send_due(out);
}

// ---- state --------------------------------------------------------------------------------------

RuntimeKeys VoteQuorum::runtime_keys() const {
    RuntimeKeys keys;
    const auto& voters = ballot_.voters();
    keys.this_node_id = ballot_.options().self;
    keys.lowest_node_id = voters.begin()->first;
    keys.highest_node_id = voters.rbegin()->first;
    keys.ev_barrier = ballot_.options().expected_votes;
    keys.two_node = ballot_.two_node();
    if (ballot_.options().waits_for_all()) {
        keys.wait_for_all_status = ballot_.waiting_for_all();
    }
    return keys;
}

std::uint64_t VoteQuorum::state_hash() const {
    StateHash hasher;
    ballot_.hash(hasher);
    hasher.add(static_cast<std::uint64_t>(phase_)).add(ring_).add(members_.size());
    for (const NodeId node : members_) {
        hasher.add(node);
    }
    for (const Records* records : {&records_, &device_records_}) {
        hasher.add(records->size());
        for (const auto& [sender, record] : *records) {
            hasher.add(sender).add(record.votes).add(record.expected_votes).add(record.flags);
        }
    }
    hasher.add(deferred_.size());
    for (const Reconfigure& command : deferred_) {
        hasher.add(command.node).add(command.value);
        hasher.add(static_cast<std::uint64_t>(command.parameter));
    }
    hasher.add(own_votes_).add(std::uint64_t{rings_});
    hasher.add(records_due_ ? 1U : 0U).add(sent_flags_).add(expected_due_.value_or(0));
    return hasher.value();
}

}  // namespace votequorum
