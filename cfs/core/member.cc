#include "cfs/core/member.h"

#include <algorithm>
#include <utility>

namespace cfs {

namespace client = totem::client;

namespace {

// More than a replica ever has under way; what is refused all the same is said again.
constexpr std::size_t kQueueMax = 4096;

client::GroupClientOptions client_options(const Member::Options& options) {
    client::GroupClientOptions made;
    made.group = kGroupName;
    made.watched = kForeignGroupName;
    made.pid = options.pid;
    made.queue_max = kQueueMax;
    made.reconnect = options.reconnect;
    return made;
}

std::string describe(const client::Trouble& trouble) {
    const char* const door = trouble.door == client::Door::kCpg ? "cpg" : "quorum";
    return std::string(door) + ": " + std::string(trouble.text) + " (error " +
           std::to_string(static_cast<std::uint32_t>(trouble.error)) + ")";
}

ForeignAre foreign_of(const client::WatchedAre& watched) {
    ForeignAre foreign;
    for (const Process& each : watched.members) {
        if (foreign.nodes.empty() || foreign.nodes.back() != each.node) {
            foreign.nodes.push_back(each.node);
        }
    }
    return foreign;
}

}  // namespace

void MemberEffects::clear() {
    actions.clear();
    replica.clear();
    trouble.clear();
    stopped = false;
    wake_at.reset();
}

Member::Member(Options options)
    : local_(options.replica.local), replica_(options.replica), client_(client_options(options)) {}

void Member::step(Instant now, const client::Input& input, MemberEffects& out) {
    drive(now, input, out);
    finish(out);
}

void Member::step(Instant now, ReplicaInput input, MemberEffects& out) {
    const bool stop = std::holds_alternative<Stop>(input);
    const bool first = std::holds_alternative<Loaded>(input) && !open_ && !stopping_;
    drive(now, std::move(input), out);
    if (stop && !std::exchange(stopping_, true)) {
        wanted_ = false;
        out.stopped = !open_;
    } else if (first && !wanted_ && replica_.status().obstacle != Obstacle::kStoreFailed) {
        open(now, out);
    }
    finish(out);
}

void Member::wake(Instant now, MemberEffects& out) {
    drive(now, client::Wake{}, out);
    drive(now, Tick{}, out);
    finish(out);
}

void Member::finish(MemberEffects& out) const {
    out.wake_at = client_wake_;
    if (replica_wake_ && (!out.wake_at || *replica_wake_ < *out.wake_at)) {
        out.wake_at = replica_wake_;
    }
    out.replica.multicasts.clear();
    out.replica.leave = false;
    out.replica.join = false;
    out.replica.wake_at.reset();
}

// ---- the doors ----------------------------------------------------------------------------------

void Member::drive(Instant now, const client::Input& input, MemberEffects& out) {
    client::Effects effects;
    client_.step(now, input, effects);
    client_wake_ = effects.wake_at;
    // Bytes of requests stay where they are: only a reply, which is another step, changes them.
    out.actions.insert(out.actions.end(), effects.actions.begin(), effects.actions.end());
    hear(now, effects.news, out);
}

void Member::hear(Instant now, const std::vector<client::News>& news, MemberEffects& out) {
    for (const client::News& each : news) {
        if (const auto* membership = std::get_if<client::Membership>(&each)) {
            on(now, *membership, out);
        } else if (const auto* ring = std::get_if<client::RingChanged>(&each)) {
            ring_ = ring->ring;
            show_view(now, out);
        } else if (const auto* message = std::get_if<client::Message>(&each)) {
            drive(now, Delivered{message->sender, message->bytes}, out);
        } else if (const auto* quorum = std::get_if<client::QuorumChanged>(&each)) {
            drive(now, QuorumIs{quorum->quorate}, out);
        } else if (const auto* watched = std::get_if<client::WatchedAre>(&each)) {
            drive(now, foreign_of(*watched), out);
        } else if (std::holds_alternative<client::Expelled>(each)) {
            ring_.reset();
            members_.clear();
            drive(now, ViewLost{}, out);
        } else if (std::holds_alternative<client::Stopped>(each)) {
            on_client_stopped(now, out);
        } else if (const auto* trouble = std::get_if<client::Trouble>(&each)) {
            out.trouble.push_back(describe(*trouble));
        }
        // What was refused or lost on its way the replica says again; Joined tells nothing that the
        // membership after it does not.
    }
}

void Member::on(Instant now, const client::Membership& news, MemberEffects& out) {
    members_ = news.members;
    std::ranges::sort(members_);
    show_view(now, out);
}

// One change of the ring comes as up to two events, each a view of its own: all members see the
// same ones at the same places.
void Member::show_view(Instant now, MemberEffects& out) {
    const client::Process self = client_.self();
    if (!ring_ || leaving_ || !std::ranges::binary_search(members_, self)) {
        return;
    }
    drive(now, View{*ring_, members_, self}, out);
    drive(now, QuorumIs{client_.quorate()}, out);
}

void Member::open(Instant now, MemberEffects& out) {
    if (local_ || stopping_) {
        return;
    }
    wanted_ = true;
    if (!open_) {
        open_ = true;
        drive(now, client::Open{}, out);
    }
}

void Member::leave(Instant now, MemberEffects& out) {
    wanted_ = false;
    if (open_ && !leaving_) {
        leaving_ = true;
        drive(now, client::Leave{}, out);
    }
}

void Member::on_client_stopped(Instant now, MemberEffects& out) {
    open_ = false;
    leaving_ = false;
    ring_.reset();
    members_.clear();
    drive(now, ViewLost{}, out);
    if (stopping_) {
        out.stopped = true;
    } else if (wanted_) {
        open(now, out);
    }
}

// ---- the replica --------------------------------------------------------------------------------

void Member::drive(Instant now, ReplicaInput input, MemberEffects& out) {
    ReplicaEffects& effects = out.replica;
    effects.multicasts.clear();
    effects.leave = false;
    effects.join = false;
    effects.wake_at.reset();
    replica_.step(now, std::move(input), effects);
    replica_wake_ = effects.wake_at;
    const bool leaves = effects.leave;
    const bool joins = effects.join;
    for (const std::vector<std::byte>& message : std::exchange(effects.multicasts, {})) {
        drive(now, client::Send{0, message, totem::Guarantee::kAgreed}, out);
    }
    if (leaves) {
        leave(now, out);
    }
    if (joins) {
        open(now, out);
    }
}

}  // namespace cfs
