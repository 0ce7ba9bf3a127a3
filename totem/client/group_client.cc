#include "totem/client/group_client.h"

#include <algorithm>
#include <utility>

#include "totem/core/check.h"

namespace totem::client {

GroupClient::GroupClient(GroupClientOptions options) : options_(std::move(options)) {
    TOTEM_CHECK(options_.group.size() <= kGroupNameMax);
    TOTEM_CHECK(options_.watched.size() <= kGroupNameMax);
    cpg_.door = Door::kCpg;
    quorum_link_.door = Door::kQuorum;
    self_.pid = options_.pid;
}

void GroupClient::step(Instant now, const Input& input, Effects& out) {
    std::visit([&](const auto& value) { on(value, now, out); }, input);
    pump(cpg_, now, out);
    pump(quorum_link_, now, out);
    const bool can_watch = cpg_.stage == Stage::kMember && cpg_.awaits == Awaits::kNothing &&
                           !cpg_.not_before;  // until then nothing is asked
    for (const std::optional<Instant>& each :
         {cpg_.not_before, quorum_link_.not_before, can_watch ? watch_at_ : std::nullopt}) {
        if (each && (!out.wake_at || *each < *out.wake_at)) {
            out.wake_at = each;
        }
    }
}

// ---- connections --------------------------------------------------------------------------------

void GroupClient::on(const Open& /*input*/, Instant /*now*/, Effects& /*out*/) {
    leave_asked_ = false;
    for (Link* each : {&cpg_, &quorum_link_}) {
        if (each->stage == Stage::kClosed) {
            each->stage = Stage::kConnect;
        }
    }
}

void GroupClient::on(const Connected& input, Instant /*now*/, Effects& /*out*/) {
    Link& which = link(input.door);
    if (which.awaits == Awaits::kConnection) {
        which.awaits = Awaits::kNothing;
        which.stage = input.door == Door::kCpg ? Stage::kAskNode : Stage::kChooseModel;
    }
}

void GroupClient::on(const ConnectFailed& input, Instant now, Effects& /*out*/) {
    Link& which = link(input.door);
    if (which.awaits == Awaits::kConnection) {
        const bool soon = input.error == Error::kTryAgain;
        which.awaits = Awaits::kNothing;
        which.not_before = now + (soon ? options_.try_again : options_.reconnect);
    }
}

void GroupClient::on(const Disconnected& input, Instant now, Effects& out) {
    lose(link(input.door), now, out);
}

void GroupClient::fail(Link& link, Trouble trouble, Instant now, Effects& out) {
    out.news.emplace_back(trouble);
    out.actions.emplace_back(Disconnect{link.door});
    lose(link, now, out);
}

// The connection is gone; it is made anew a little later, or not when the client is leaving.
void GroupClient::lose(Link& link, Instant now, Effects& out) {
    if (link.stage == Stage::kClosed) {
        return;
    }
    link.awaits = Awaits::kNothing;
    link.leave_out = false;
    link.watch_out = false;
    link.stage = Stage::kConnect;
    link.not_before = now + options_.reconnect;
    if (link.door == Door::kQuorum) {
        set_quorum({}, out);
        return;
    }
    settle_front();
    lose_membership(out);
    if (leave_asked_) {
        finish(out);
    }
}

void GroupClient::lose_membership(Effects& out) {
    for (const std::uint64_t tag : std::exchange(accepted_, {})) {
        out.news.emplace_back(Unresolved{tag});
    }
    const bool was_quorate = quorate();
    ring_.reset();
    watch_at_.reset();
    watched_.reset();
    if (std::exchange(member_, false)) {
        out.news.emplace_back(Expelled{});
    }
    if (was_quorate) {
        out.news.emplace_back(QuorumChanged{false, quorum_});
    }
}

void GroupClient::finish(Effects& out) {
    for (Link* each : {&cpg_, &quorum_link_}) {
        const bool open = each->stage != Stage::kClosed && each->stage != Stage::kConnect;
        if (open || each->awaits == Awaits::kConnection) {
            out.actions.emplace_back(Disconnect{each->door});
        }
        *each = Link{};
    }
    cpg_.door = Door::kCpg;
    quorum_link_.door = Door::kQuorum;
    member_ = false;
    ring_.reset();
    watch_at_.reset();
    watched_.reset();
    quorum_ = {};
    for (const std::uint64_t tag : std::exchange(accepted_, {})) {
        out.news.emplace_back(Unresolved{tag});
    }
    for (const Outgoing& message : std::exchange(queue_, {})) {
        out.news.emplace_back(SendRefused{message.tag});
    }
    out.news.emplace_back(Stopped{});
}

// ---- requests -----------------------------------------------------------------------------------

void GroupClient::on(const Accepted& input, Instant /*now*/, Effects& /*out*/) {
    Link& which = link(input.door);
    if (which.awaits != Awaits::kAcceptance) {
        return;  // of a request whose reply counts
    }
    which.awaits = Awaits::kNothing;
    settle_front();
}

// The message that is out was taken, as far as one can know.
void GroupClient::settle_front() {
    if (std::exchange(cpg_.message_out, false)) {
        accepted_.push_back(queue_.front().tag);
        queue_.pop_front();
    }
}

void GroupClient::on(const NotTaken& input, Instant now, Effects& /*out*/) {
    Link& which = link(input.door);
    if (which.awaits == Awaits::kAcceptance || which.awaits == Awaits::kReply) {
        which.awaits = Awaits::kNothing;
        which.message_out = false;
        which.leave_out = false;
        which.watch_out = false;
        which.not_before = now + options_.try_again;
    }
}

void GroupClient::on(const Wake& /*input*/, Instant /*now*/, Effects& /*out*/) {}

// Does what comes next on this connection, unless something is unanswered or it is too early.
void GroupClient::pump(Link& link, Instant now, Effects& out) {
    if (link.awaits != Awaits::kNothing || (link.not_before && now < *link.not_before)) {
        return;
    }
    link.not_before.reset();
    const GroupRequest group{options_.group, options_.pid};
    switch (link.stage) {
        case Stage::kConnect:
            link.awaits = Awaits::kConnection;
            out.actions.emplace_back(Connect{link.door});
            break;
        case Stage::kAskNode:
            link.request = cpg_local_get();
            request(link, Awaits::kReply, out);
            break;
        case Stage::kJoin:
            link.request = cpg_join(group, InitialRing::kWanted);
            request(link, Awaits::kReply, out);
            break;
        case Stage::kMember:
            pump_member(now, out);
            break;
        case Stage::kChooseModel:
            link.request = quorum_get_type(1);
            request(link, Awaits::kReply, out);
            break;
        case Stage::kTrack:
            link.request = quorum_track_start(kTrackCurrent | kTrackChanges);
            request(link, Awaits::kReply, out);
            break;
        case Stage::kClosed:
        case Stage::kJoining:
        case Stage::kLeaving:
        case Stage::kTracking:
            break;
    }
}

void GroupClient::pump_member(Instant now, Effects& out) {
    if (watch_at_ && now >= *watch_at_) {
        watch_at_ = now + options_.watch_every;
        cpg_.watch_out = true;
        cpg_.request = cpg_membership_get(options_.watched);
        request(cpg_, Awaits::kReply, out);
    } else if (!queue_.empty()) {
        cpg_.message_out = true;
        cpg_.awaits = Awaits::kAcceptance;
        out.actions.emplace_back(Request{Door::kCpg, queue_.front().request});
    } else if (leave_asked_) {
        cpg_.leave_out = true;
        cpg_.request = cpg_leave({options_.group, options_.pid});
        request(cpg_, Awaits::kReply, out);
    }
}

void GroupClient::request(Link& link, Awaits awaits, Effects& out) {
    link.awaits = awaits;
    out.actions.emplace_back(Request{link.door, link.request});
}

void GroupClient::on(const Send& input, Instant /*now*/, Effects& out) {
    if (leave_asked_ || queue_.size() >= options_.queue_max) {
        out.news.emplace_back(SendRefused{input.tag});
        return;
    }
    queue_.push_back({input.tag, cpg_multicast(input.guarantee, input.message)});
}

void GroupClient::on(const Leave& /*input*/, Instant /*now*/, Effects& out) {
    if (leave_asked_ || cpg_.stage == Stage::kClosed) {
        return;
    }
    leave_asked_ = true;
    if (!member_ && cpg_.stage != Stage::kJoining) {
        finish(out);
    }
}

// ---- replies ------------------------------------------------------------------------------------

void GroupClient::on(const Reply& input, Instant now, Effects& out) {
    Link& which = link(input.door);
    if (which.awaits != Awaits::kReply) {
        return;
    }
    which.awaits = Awaits::kNothing;
    const auto header = decode_header(input.bytes);
    if (!header) {
        fail(which, {input.door, Error::kLibrary, header.error()}, now, out);
        return;
    }
    const bool again = header->error == Error::kTryAgain || header->error == Error::kBusy;
    if (again) {
        which.leave_out = false;
        if (std::exchange(which.watch_out, false)) {
            watch_at_ = now;
        }
        which.not_before = now + options_.try_again;
        return;
    }
    if (header->error != Error::kOk) {
        fail(which, {input.door, header->error, "request refused"}, now, out);
        return;
    }
    if (input.door == Door::kCpg) {
        on_cpg_reply(input.bytes, now, out);
    } else {
        on_quorum_reply(input.bytes, now, out);
    }
}

void GroupClient::on_cpg_reply(ByteView bytes, Instant now, Effects& out) {
    if (std::exchange(cpg_.watch_out, false)) {
        on_watched(bytes, now, out);
    } else if (std::exchange(cpg_.leave_out, false)) {
        // The group's event may have come first, and then there is nothing left to wait for.
        cpg_.stage = cpg_.stage == Stage::kMember ? Stage::kLeaving : cpg_.stage;
    } else if (cpg_.stage == Stage::kAskNode) {
        const auto node = decode_local_get(bytes);
        if (!node) {
            fail(cpg_, {Door::kCpg, Error::kLibrary, node.error()}, now, out);
            return;
        }
        self_.node = *node;
        cpg_.stage = Stage::kJoin;
    } else if (cpg_.stage == Stage::kJoin) {
        cpg_.stage = Stage::kJoining;
    }
}

void GroupClient::on_watched(ByteView bytes, Instant now, Effects& out) {
    auto members = decode_membership_get(bytes);
    if (!members) {
        fail(cpg_, {Door::kCpg, Error::kLibrary, members.error()}, now, out);
        return;
    }
    std::ranges::sort(*members);
    if (member_ && watched_ != *members) {
        watched_ = *members;
        out.news.emplace_back(WatchedAre{std::move(*members)});
    }
}

void GroupClient::on_quorum_reply(ByteView bytes, Instant now, Effects& out) {
    if (quorum_link_.stage == Stage::kTrack) {
        quorum_link_.stage = Stage::kTracking;
        return;
    }
    const auto type = decode_quorum_number(bytes);
    if (!type) {
        fail(quorum_link_, {Door::kQuorum, Error::kLibrary, type.error()}, now, out);
    } else if (*type != kQuorumTypeSet) {
        fail(quorum_link_, {Door::kQuorum, Error::kNotExist, "no quorum provider"}, now, out);
    } else {
        quorum_link_.stage = Stage::kTrack;
    }
}

// ---- events -------------------------------------------------------------------------------------

void GroupClient::on(const Event& input, Instant now, Effects& out) {
    const Stage stage = link(input.door).stage;
    if (stage == Stage::kClosed || stage == Stage::kConnect) {
        return;
    }
    if (input.door == Door::kCpg) {
        on_cpg_event(input.bytes, now, out);
    } else {
        on_quorum_event(input.bytes, now, out);
    }
}

void GroupClient::on_cpg_event(ByteView bytes, Instant now, Effects& out) {
    auto event = decode_cpg_event(bytes);
    if (!event) {
        fail(cpg_, {Door::kCpg, Error::kLibrary, event.error()}, now, out);
        return;
    }
    if (auto* membership = std::get_if<GroupMembership>(&*event)) {
        on_membership(*membership, out);
    } else if (const auto* message = std::get_if<GroupMessage>(&*event)) {
        on_group_message(*message, out);
    } else if (auto* ring = std::get_if<RingMembership>(&*event)) {
        const bool was_quorate = quorate();
        ring_ = ring->ring;
        if (!options_.watched.empty()) {
            watch_at_ = now;
        }
        out.news.emplace_back(RingChanged{ring->ring, std::move(ring->members)});
        if (quorate() != was_quorate) {
            out.news.emplace_back(QuorumChanged{quorate(), quorum_});
        }
    }
    // A message in parts is not of our kind: members of our groups keep below kMessageMax.
}

void GroupClient::on_membership(GroupMembership& change, Effects& out) {
    const auto is_self = [&](const Change& each) { return each.process == self_; };
    const bool entered = std::ranges::any_of(change.joined, is_self);
    const bool gone = std::ranges::any_of(change.left, is_self);
    if (entered && !member_) {
        member_ = true;
        cpg_.stage = Stage::kMember;
        out.news.emplace_back(Joined{self_});
    }
    if (!member_) {
        return;
    }
    const bool still = std::ranges::find(change.members, self_) != change.members.end();
    out.news.emplace_back(
        Membership{std::move(change.members), std::move(change.joined), std::move(change.left)});
    if (gone && !still && leave_asked_) {
        finish(out);
    }
}

void GroupClient::on_group_message(const GroupMessage& message, Effects& out) {
    if (!member_) {
        return;
    }
    Message news{message.sender, message.bytes, std::nullopt};
    if (message.sender == self_ && accepted_.empty()) {
        settle_front();  // delivered before the host said that it was accepted
    }
    if (message.sender == self_ && !accepted_.empty()) {
        news.own_tag = accepted_.front();
        accepted_.pop_front();
    }
    out.news.emplace_back(news);
}

void GroupClient::on_quorum_event(ByteView bytes, Instant now, Effects& out) {
    auto event = decode_quorum_event(bytes);
    if (!event) {
        fail(quorum_link_, {Door::kQuorum, Error::kLibrary, event.error()}, now, out);
    } else if (auto* quorum = std::get_if<QuorumNotification>(&*event)) {
        set_quorum(std::move(*quorum), out);
    }
}

void GroupClient::set_quorum(QuorumNotification notification, Effects& out) {
    quorum_ = std::move(notification);
    out.news.emplace_back(QuorumChanged{quorate(), quorum_});
}

}  // namespace totem::client
