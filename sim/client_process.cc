#include "sim/client_process.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>
#include <variant>

#include "sim/random.h"

namespace sim {

namespace {

namespace client = totem::client;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Latency kSeam{microseconds{5}, microseconds{20}, Tail::kPareto};
constexpr std::size_t kNumberBytes = 16;

// The sender's own number of a message and a check of its content, at the front of its bytes.
struct Stamp {
    std::uint64_t number = 0;
    std::uint64_t hash = 0;
};

std::uint64_t content_hash(client::ByteView bytes) {
    std::uint64_t h = bytes.size();
    for (std::size_t i = kNumberBytes; i < bytes.size(); i += 64) {
        h = combine(h, std::to_integer<std::uint64_t>(bytes[i]));
    }
    return h;
}

Stamp read_stamp(client::ByteView bytes) {
    Stamp stamp;
    if (bytes.size() >= kNumberBytes) {
        std::memcpy(&stamp.number, bytes.data(), sizeof(stamp.number));
        std::memcpy(&stamp.hash, bytes.data() + sizeof(stamp.number), sizeof(stamp.hash));
    }
    return stamp;
}

std::uint64_t hash_members(const std::vector<client::Process>& members) {
    std::uint64_t h = members.size();
    for (const client::Process& member : members) {
        h = combine(combine(h, totem::raw(member.node)), member.pid);
    }
    return h;
}

std::uint64_t hash_changes(const std::vector<client::Change>& changes) {
    std::uint64_t h = changes.size();
    for (const client::Change& change : changes) {
        h = combine(combine(h, totem::raw(change.process.node)), change.process.pid);
        h = combine(h, static_cast<std::uint64_t>(change.reason));
    }
    return h;
}

std::vector<GroupMember> members_of(const std::vector<client::Process>& members) {
    std::vector<GroupMember> out;
    out.reserve(members.size());
    for (const client::Process& member : members) {
        out.push_back({member.node, member.pid});
    }
    return out;
}

NodeMask mask_of_ids(const std::vector<NodeId>& ids) {
    NodeMask mask = 0;
    for (const NodeId id : ids) {
        std::uint32_t node = 0;
        mask |= index_of(id, kNodesMax, node) ? mask_of(node) : 0;
    }
    return mask;
}

}  // namespace

ClientProcess::ClientProcess(const Options& options, EventQueue& queue, Recorder& recorder,
                             Place place)
    : options_(&options), queue_(&queue), recorder_(&recorder), place_(place) {}

GroupWhere ClientProcess::where(Instant now) const {
    return {{now, place_.node, lives_}, place_.client, pid_, ring_};
}

void ClientProcess::wake(Instant at) {
    if (!planned_ || at < *planned_) {
        planned_ = at;
        queue_->push({.at = at,
                      .kind = EventKind::kClient,
                      .node = static_cast<std::uint8_t>(place_.node),
                      .a = place_.client});
    }
}

void ClientProcess::to_daemon(Instant now, Item item) {
    const std::uint64_t h =
        draw(options_->seed, Purpose::kClient, (place_.node << 8U) | place_.client, ++latencies_);
    daemon_last_ = std::max(daemon_last_, now + sample(kSeam, h));
    item.at = daemon_last_;
    to_daemon_bytes_ += item.bytes.size();
    wake(item.at);
    to_daemon_.push_back(std::move(item));
}

void ClientProcess::to_client(Instant now, Arrival arrival) {
    const std::uint64_t h =
        draw(options_->seed, Purpose::kClient, (place_.node << 8U) | place_.client, ++latencies_);
    client_last_ = std::max(client_last_, now + sample(kSeam, h));
    arrival.at = client_last_;
    to_client_bytes_ += arrival.bytes.size();
    wake(arrival.at);
    to_client_.push_back(std::move(arrival));
}

// ---- the process --------------------------------------------------------------------------------

void ClientProcess::start(Instant now) {
    if (alive()) {
        return;
    }
    ++lives_;
    pid_ = 1000 * lives_ + place_.client;
    client::GroupClientOptions options;
    options.group = place_.client % 2 == 0 ? "alpha" : "beta";
    options.pid = pid_;
    options.reconnect = milliseconds{50};
    client_ = std::make_unique<client::GroupClient>(options);
    paused_ = false;
    numbers_ = 0;
    open_sends_ = 0;
    ring_ = {};
    recorder_->publish(GroupStarted{where(now)});
    step(now, client::Open{}, {});
}

void ClientProcess::crash(Instant now) {
    if (!alive()) {
        return;
    }
    client_.reset();
    deadline_.reset();
    answers_.clear();
    to_client_.clear();
    to_client_bytes_ = 0;
    recorder_->publish(GroupFailed{where(now)});
    // What it wrote is still read; then the daemon sees that it is gone.
    to_daemon(now, {.what = Asks::kClose, .door = client::Door::kCpg, .bytes = {}});
    to_daemon(now, {.what = Asks::kClose, .door = client::Door::kQuorum, .bytes = {}});
}

void ClientProcess::resume(Instant now) {
    paused_ = false;
    wake(now);
}

void ClientProcess::step(Instant now, const client::Input& input, const DaemonState& daemon) {
    answers_.push_back(input);
    while (!answers_.empty()) {
        const client::Input next = answers_.front();
        answers_.pop_front();
        effects_.clear();
        client_->step(now, next, effects_);
        for (const client::News& news : effects_.news) {
            hear(now, news);
        }
        for (const client::Action& action : effects_.actions) {
            act(now, action, daemon);
        }
        deadline_ = effects_.wake_at;
    }
    if (deadline_) {
        wake(std::max(now + Duration{1}, *deadline_));
    }
}

void ClientProcess::act(Instant now, const client::Action& action, const DaemonState& daemon) {
    if (const auto* connect = std::get_if<client::Connect>(&action)) {
        to_daemon(now, {.what = Asks::kOpen, .door = connect->door, .bytes = {}});
    } else if (const auto* disconnect = std::get_if<client::Disconnect>(&action)) {
        const client::Door door = disconnect->door;
        std::erase_if(to_client_, [this, door](const Arrival& arrival) {
            to_client_bytes_ -= arrival.door == door ? arrival.bytes.size() : 0;
            return arrival.door == door;
        });
        to_daemon(now, {.what = Asks::kClose, .door = door, .bytes = {}});
    } else if (const auto* request = std::get_if<client::Request>(&action)) {
        if (daemon.stopped || to_daemon_bytes_ + request->bytes.size() > kRequestsMax) {
            answers_.emplace_back(client::NotTaken{request->door});
            return;
        }
        to_daemon(now, {.what = Asks::kRequest,
                        .door = request->door,
                        .bytes = {request->bytes.begin(), request->bytes.end()}});
        answers_.emplace_back(client::Accepted{request->door});
    }
}

void ClientProcess::hear(Instant now, const client::News& news) {
    if (const auto* message = std::get_if<client::Message>(&news)) {
        const Stamp stamp = read_stamp(message->bytes);
        const bool intact =
            message->bytes.size() >= kNumberBytes && stamp.hash == content_hash(message->bytes);
        open_sends_ -= message->own_tag ? 1 : 0;
        recorder_->publish(GroupHeard{where(now),
                                      {message->sender.node, message->sender.pid},
                                      stamp.number,
                                      intact,
                                      message->own_tag.has_value()});
    } else if (const auto* view = std::get_if<client::Membership>(&news)) {
        const std::uint64_t hash =
            combine(combine(hash_members(view->members), hash_changes(view->joined)),
                    hash_changes(view->left));
        recorder_->publish(GroupView{where(now), members_of(view->members), hash});
    } else if (const auto* ring = std::get_if<client::RingChanged>(&news)) {
        recorder_->publish(GroupRing{where(now), ring->ring, mask_of_ids(ring->members)});
    } else if (std::get_if<client::SendRefused>(&news) != nullptr ||
               std::get_if<client::Unresolved>(&news) != nullptr) {
        --open_sends_;
    } else if (std::get_if<client::Expelled>(&news) != nullptr) {
        recorder_->publish(GroupExpelled{where(now)});
    } else if (const auto* trouble = std::get_if<client::Trouble>(&news)) {
        recorder_->publish(GroupTrouble{where(now), std::string(trouble->text)});
    }
}

void ClientProcess::hand_in(Instant now, const Arrival& arrival, const DaemonState& daemon) {
    ring_ = arrival.ring;
    switch (arrival.what) {
        case News::kOpened:
            return step(now, client::Connected{arrival.door}, daemon);
        case News::kRefused:
            return step(now, client::ConnectFailed{arrival.door, client::Error::kTryAgain}, daemon);
        case News::kReply:
            return step(now, client::Reply{arrival.door, arrival.bytes}, daemon);
        case News::kEvent:
            return step(now, client::Event{arrival.door, arrival.bytes}, daemon);
        case News::kGone:
            return step(now, client::Disconnected{arrival.door}, daemon);
    }
}

void ClientProcess::run(Instant now, const DaemonState& daemon) {
    if (planned_ && *planned_ <= now) {
        planned_.reset();
    }
    while (alive() && !paused_ && !to_client_.empty() && to_client_.front().at <= now) {
        const Arrival arrival = std::move(to_client_.front());
        to_client_.pop_front();
        to_client_bytes_ -= arrival.bytes.size();
        hand_in(now, arrival, daemon);
    }
    if (alive() && !paused_ && deadline_ && *deadline_ <= now) {
        deadline_.reset();
        step(now, client::Wake{}, daemon);
    }
    // The event that brought us here may have been planned for an earlier deadline.
    if (alive() && !paused_ && deadline_) {
        wake(std::max(now + Duration{1}, *deadline_));
    }
    if (alive() && !paused_ && !to_client_.empty()) {
        wake(to_client_.front().at);
    }
    if (!to_daemon_.empty() && to_daemon_.front().at > now) {
        wake(to_daemon_.front().at);
    }
}

void ClientProcess::submit(Instant now, std::uint32_t count, const DaemonState& daemon) {
    if (!joined() || paused_) {
        return;
    }
    const Load& load = options_->load;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t number = ++numbers_;
        const std::uint64_t key = (std::uint64_t{pid_} << 32U) | place_.node;
        const std::uint64_t h = draw(options_->seed, Purpose::kLoad, key, number);
        std::uint32_t size = kNumberBytes + (load.bytes_max >> below(h, 8));
        if (chance(mix(h + 2), load.large_per_mille)) {
            size = 2000U << below(mix(h + 3), 4);  // needs several frames
        }
        client::Bytes bytes(size);
        std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(h & 0xFFU));
        std::memcpy(bytes.data(), &number, sizeof(number));
        const std::uint64_t hash = content_hash(bytes);
        std::memcpy(bytes.data() + sizeof(number), &hash, sizeof(hash));
        const bool safe = chance(mix(h + 1), load.safe_per_mille);
        ++open_sends_;
        recorder_->publish(GroupSaid{where(now), number});
        step(
            now,
            client::Send{number, bytes, safe ? totem::Guarantee::kSafe : totem::Guarantee::kAgreed},
            daemon);
    }
}

// ---- the daemon's side --------------------------------------------------------------------------

const ClientProcess::Item* ClientProcess::for_daemon(Instant now) const {
    return to_daemon_.empty() || to_daemon_.front().at > now ? nullptr : &to_daemon_.front();
}

void ClientProcess::taken(Instant /*now*/) {
    to_daemon_bytes_ -= to_daemon_.front().bytes.size();
    to_daemon_.pop_front();
}

void ClientProcess::opened(Instant now, client::Door door, bool accepted) {
    if (alive()) {
        to_client(now, {.what = accepted ? News::kOpened : News::kRefused,
                        .door = door,
                        .ring = ring_,
                        .bytes = {}});
    }
}

void ClientProcess::message(Instant now, client::Door door,
                            const totem::group::ClientMessage& message, const RingId& ring) {
    if (!alive()) {
        return;
    }
    Arrival arrival{.what = message.kind == totem::group::ClientMessage::Kind::kReply
                                ? News::kReply
                                : News::kEvent,
                    .door = door,
                    .ring = ring,
                    .bytes = {}};
    const auto body = message.body.bytes();
    arrival.bytes.reserve(message.head_size + body.size());
    arrival.bytes.assign(message.head.begin(), message.head.begin() + message.head_size);
    arrival.bytes.insert(arrival.bytes.end(), body.begin(), body.end());
    to_client(now, std::move(arrival));
}

void ClientProcess::disconnect(Instant now) {
    std::vector<client::Door> refused;
    for (const Item& item : to_daemon_) {
        if (item.what == Asks::kOpen) {
            refused.push_back(item.door);
        }
    }
    to_daemon_.clear();
    to_daemon_bytes_ = 0;
    to_client_.clear();
    to_client_bytes_ = 0;
    if (!alive()) {
        return;
    }
    for (const client::Door door : {client::Door::kCpg, client::Door::kQuorum}) {
        const bool connecting = std::ranges::find(refused, door) != refused.end();
        to_client(now, {.what = connecting ? News::kRefused : News::kGone,
                        .door = door,
                        .ring = ring_,
                        .bytes = {}});
    }
}

}  // namespace sim
