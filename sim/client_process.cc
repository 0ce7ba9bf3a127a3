#include "sim/client_process.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "sim/random.h"

namespace sim {

namespace {

namespace client = totem::client;
using std::chrono::microseconds;

constexpr Latency kSeam{microseconds{5}, microseconds{20}, Tail::kPareto};

}  // namespace

ClientProcess::ClientProcess(const Options& options, EventQueue& queue, Place place,
                             std::unique_ptr<Program> program)
    : options_(&options), queue_(&queue), place_(place), program_(std::move(program)) {}

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
    if (alive_) {
        return;
    }
    alive_ = true;
    ++lives_;
    pid_ = 1000 * lives_ + place_.client;
    paused_ = false;
    ring_ = {};
    program_->start(where(now));
    step(now, client::Open{}, {});
}

void ClientProcess::crash(Instant now) {
    if (!alive_) {
        return;
    }
    alive_ = false;
    answers_.clear();
    to_client_.clear();
    to_client_bytes_ = 0;
    deadline_.reset();
    program_->crash(where(now));
    // What it wrote is still read; then the daemon sees that it is gone.
    to_daemon(now, {.what = Asks::kClose, .door = client::Door::kCpg, .bytes = {}});
    to_daemon(now, {.what = Asks::kClose, .door = client::Door::kQuorum, .bytes = {}});
}

void ClientProcess::resume(Instant now) {
    paused_ = false;
    wake(now);
}

void ClientProcess::step(Instant now, const client::Input& input, const DaemonState& daemon) {
    daemon_ = daemon;
    answers_.push_back(input);
    while (!answers_.empty()) {
        const client::Input next = answers_.front();
        answers_.pop_front();
        program_->step(where(now), next, *this);
        deadline_ = program_->deadline();
    }
    if (deadline_) {
        wake(std::max(now + Duration{1}, *deadline_));
    }
    settle(now);
}

// A disk, say, goes on while the process stands still.
void ClientProcess::settle(Instant now) {
    if (const auto next = program_->settle(now)) {
        wake(std::max(now + Duration{1}, *next));
    }
}

void ClientProcess::act(Instant now, const client::Action& action) {
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
        if (daemon_.stopped || to_daemon_bytes_ + request->bytes.size() > kRequestsMax) {
            answers_.emplace_back(client::NotTaken{request->door});
            return;
        }
        to_daemon(now, {.what = Asks::kRequest,
                        .door = request->door,
                        .bytes = {request->bytes.begin(), request->bytes.end()}});
        answers_.emplace_back(client::Accepted{request->door});
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
    settle(now);
    if (alive_ && !paused_) {
        program_->look(daemon);
        deadline_ = program_->deadline();
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
    for (std::uint32_t i = 0; i < count && alive_ && !paused_; ++i) {
        const auto message = program_->compose(where(now));
        if (!message) {
            return;
        }
        step(now, *message, daemon);
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
