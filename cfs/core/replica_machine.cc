#include "cfs/core/replica_machine.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "cfs/core/replica_changes.h"
#include "totem/core/check.h"
#include "totem/core/hash.h"

namespace cfs {

namespace {

constexpr std::chrono::seconds kMalformedTold{60};

ViewName name_of(const View& view) noexcept {
    totem::Hasher hasher;
    hasher.add(view.ring);
    for (const Process& each : view.members) {
        hasher.add(each.node);
        hasher.add(std::uint64_t{each.pid});
    }
    return ViewName{hasher.value()};
}

}  // namespace

Replica::Machine::Machine(ReplicaOptions options)
    : options_(options), published_(std::make_shared<const TreeView>(state_.snapshot())) {}

void Replica::Machine::step(Instant now, ReplicaInput& input, ReplicaEffects& out) {
    now_ = now;
    out_ = &out;
    std::visit([this](auto& value) { on(value); }, input);
    pump();
    out_ = nullptr;
}

// Everything that has become possible, in the order in which one thing makes the next possible.
void Replica::Machine::pump() {
    until_.reset();
    if (phase_ == Phase::kRunning) {
        say_hello();
        propose();
        promise();
        begin_again();
        drop_old_gifts();
        apply_ordered();
        look_at_members();
        commit();
        say_progress();
        discard_parts_of_old_lives();
        send_wishes();
        settle_wishes();
    }
    commit_probe();
    expire_wishes();
    refuse_unsent();
    publish();
    update_status();
}

void Replica::Machine::want(Instant deadline) {
    if (!out_->wake_at || deadline < *out_->wake_at) {
        out_->wake_at = deadline;
    }
}

bool Replica::Machine::due(Said& said) {
    if (said.back) {
        return false;
    }
    if (said.at && now_ < *said.at + options_.repeat) {
        want(*said.at + options_.repeat);
        return false;
    }
    said.at = now_;
    want(now_ + options_.repeat);
    return true;
}

void Replica::Machine::say(const Message& message) { out_->multicasts.push_back(encode(message)); }

void Replica::Machine::tell(Notice::Kind kind, NodeId node, std::uint64_t number,
                            std::string detail) {
    out_->notices.push_back({kind, node, number, std::move(detail)});
}

void Replica::Machine::publish() {
    if (std::exchange(unpublished_, false)) {
        published_ = std::make_shared<const TreeView>(state_.snapshot());
        locks_.look(now_, *published_);
        out_->published = true;
    }
}

// ---- inputs -------------------------------------------------------------------------------------

void Replica::Machine::on(Loaded& input) {
    if (phase_ != Phase::kStarting && phase_ != Phase::kReloading) {
        return;
    }
    auto record = decode_promise_record(input.promise.record);
    if (!record && record.error() != DecodeError::kNewerFormat) {
        store_gone(std::string("the promise on disk cannot be read: ") + to_string(record.error()));
        return;
    }
    const bool again = phase_ == Phase::kReloading;
    compare_trees(*published_, input.state.tree(), out_->changed);
    state_ = std::move(input.state);
    promise_ = std::move(input.promise);
    newer_record_ = !record;
    record_ = record ? *record : PromiseRecord{};
    unpublished_ = true;
    unstored_ = false;
    phase_ = Phase::kRunning;
    if (newer_record_) {
        tell(Notice::Kind::kNewerFormat, options_.node, 0, "the promise on disk");
    }
    if (again) {
        tell(Notice::Kind::kDiskRoom, options_.node);
        out_->join = !options_.local;
    }
}

void Replica::Machine::on(View& input) {
    if (options_.local || phase_ != Phase::kRunning) {
        return;
    }
    const bool same_ring = view_ && view_->ring == input.ring;
    view_ = std::move(input);
    view_name_ = name_of(*view_);
    view_since_ = now_;
    quorate_ = quorate_ && same_ring;
    newer_ = false;
    understood_.clear();
    nodes_.clear();
    std::set<NodeId> doubled;
    for (const Process& each : view_->members) {
        if (!nodes_.insert(each.node).second) {
            doubled.insert(each.node);
        }
    }
    for (const NodeId node : doubled) {
        nodes_.erase(node);
    }
    begin_stage(0);
}

void Replica::Machine::on(const ViewLost& /*input*/) {
    end_epoch();
    view_.reset();
    stage_.reset();
    nodes_.clear();
    quorate_ = false;
}

void Replica::Machine::on(const Delivered& input) {
    if (!stage_ || phase_ != Phase::kRunning || newer_ || !nodes_.contains(input.sender.node)) {
        return;
    }
    auto message = decode_message(input.bytes);
    if (!message) {
        // Who has spoken our format in this view speaks no other: that is damage.
        if (message.error() == DecodeError::kNewerFormat &&
            !understood_.contains(input.sender.node)) {
            newer(input.sender.node, "a message");
        } else {
            malformed(input.sender.node, message.error());
        }
        return;
    }
    understood_.insert(input.sender.node);
    std::visit([&](const auto& value) { handle(input.sender.node, value); }, *message);
}

void Replica::Machine::malformed(NodeId sender, DecodeError error) {
    ++malformed_count_;
    if (!malformed_told_ || now_ >= *malformed_told_ + kMalformedTold) {
        malformed_told_ = now_;
        tell(Notice::Kind::kMalformed, sender, malformed_count_, to_string(error));
    }
}

// What cannot be read may have had a turn: from here on this view's order is not known here.
void Replica::Machine::newer(NodeId node, std::string detail) {
    if (!std::exchange(newer_, true)) {
        end_epoch();
        tell(Notice::Kind::kNewerFormat, node, 0, std::move(detail));
    }
}

void Replica::Machine::on(const QuorumIs& input) { quorate_ = input.quorate && view_.has_value(); }

void Replica::Machine::on(VotingIs& input) {
    if (voting_ == input.voting) {
        return;
    }
    voting_ = std::move(input.voting);
    if (stage_) {
        stage_->restart_wanted = stage_->hello.at.has_value();
    }
}

void Replica::Machine::on(ForeignAre& input) {
    if (foreign_ == input.nodes) {
        return;
    }
    foreign_ = std::move(input.nodes);
    for (const NodeId node : foreign_) {
        tell(Notice::Kind::kForeign, node);
    }
}

void Replica::Machine::on(const Stop& /*input*/) {
    if (phase_ == Phase::kStopped) {
        return;
    }
    end_epoch();
    give_up_all();
    stage_.reset();
    view_.reset();
    phase_ = Phase::kStopped;
    out_->leave = true;
}

void Replica::Machine::on(const Tick& /*input*/) {}

}  // namespace cfs
