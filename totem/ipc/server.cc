#include "totem/ipc/server.h"

#include <array>
#include <cstring>
#include <future>
#include <poll.h>
#include <utility>

#include "totem/ipc/channel.h"
#include "totem/ipc/clients_thread.h"

namespace totem::ipc {

std::string_view door_name(group::ServiceId service) {
    switch (service) {
        case group::ServiceId::kCmap:
            return "cmap";
        case group::ServiceId::kCfg:
            return "cfg";
        case group::ServiceId::kCpg:
            return "cpg";
        case group::ServiceId::kQuorum:
            return "quorum";
        case group::ServiceId::kVotequorum:
            return "votequorum";
        case group::ServiceId::kPload:
            break;
    }
    return {};
}

Server::Server(ServerOptions options)
    : options_(std::move(options)),
      channel_(std::make_unique<Channel>()),
      clients_(std::make_unique<ClientsThread>(options_, *channel_)) {}

Server::~Server() {
    stop();
    // The frames that are still on their way are released here, on the thread that owns the pool.
    clients_.reset();
    collect_frames();
}

Result<Server::Started, std::string> Server::start() {
    std::promise<std::string> opened;
    std::future<std::string> outcome = opened.get_future();
    thread_ = std::thread([this, &opened] {
        options_.on_thread_start();
        std::string problem = clients_->open();
        const bool good = problem.empty();
        opened.set_value(std::move(problem));
        if (good) {
            clients_->run();
        }
        clients_->close();
        channel_->ended.store(true, std::memory_order_release);
        channel_->protocol_bell.ring();
    });
    std::string problem = outcome.get();
    if (!problem.empty()) {
        thread_.join();
        return Unexpected{std::move(problem)};
    }
    return Started{};
}

void Server::withdraw() {
    channel_->stop.store(true, std::memory_order_release);
    channel_->clients_bell.ring();
}

bool Server::ended() const { return channel_->ended.load(std::memory_order_acquire); }

void Server::stop() {
    if (thread_.joinable()) {
        withdraw();
        thread_.join();
    }
}

std::optional<Incoming> Server::next(Lane lane) {
    const auto record = channel_->requests(lane).front();
    if (!record) {
        return std::nullopt;
    }
    RecordHead head;
    std::memcpy(&head, record->data(), sizeof head);
    Incoming incoming;
    incoming.kind = static_cast<Incoming::Kind>(head.kind);
    incoming.service = head.service;
    incoming.connection = head.connection;
    incoming.pid = head.pid;
    incoming.bytes = record->subspan(sizeof head);
    return incoming;
}

void Server::pop(Lane lane) {
    channel_->requests(lane).pop();
    // Against must_close(): either it sees the room, or we see that it waits.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (lane == Lane::kOrdered && channel_->ring_awaited.load(std::memory_order_acquire) &&
        !channel_->ordered_beyond(Channel::kRequestsLow)) {
        channel_->ring_awaited.store(false, std::memory_order_relaxed);
        channel_->clients_bell.ring();
    }
}

void Server::arm() { channel_->protocol_bell.arm(); }

void Server::disarm() { channel_->protocol_bell.disarm(); }

int Server::wake_fd() const { return channel_->protocol_bell.fd(); }

int Server::lent_fd() const { return clients_->lent_fd(); }

void Server::serve_lent() { clients_->serve_lent(); }

void Server::send(group::ClientMessage message) { queue(std::move(message), false); }

void Server::disconnect(group::ConnectionId connection) {
    group::ClientMessage message;
    message.connection = connection;
    queue(std::move(message), true);
}

void Server::queue(group::ClientMessage message, bool disconnect) {
    queued_any_ = true;
    if (message.body.empty()) {
        message.body =
            {};  // a slice of no bytes still holds its frame, and nobody would bring it home
    }
    if (unsent_.empty()) {
        Outgoing outgoing{disconnect, std::move(message)};
        if (channel_->outgoing.push(std::move(outgoing))) {
            return;
        }
        // NOLINTNEXTLINE(bugprone-use-after-move): refused, so untouched
        message = std::move(outgoing.message);
    }
    // The clients' thread is behind. It is waited for up to a bound; a client that then misses a
    // message must not go on as if it had them all.
    if (!disconnect && unsent_.size() >= kUnsentMax) {
        lost_.push_back(message.connection);
        message.body = {};
        message.head_size = 0;
        disconnect = true;
    }
    unsent_.emplace_back(std::move(message), disconnect);
}

void Server::flush() {
    while (!unsent_.empty()) {
        Outgoing outgoing{unsent_.front().second, std::move(unsent_.front().first)};
        if (!channel_->outgoing.push(std::move(outgoing))) {
            // NOLINTNEXTLINE(bugprone-use-after-move): refused, so untouched
            unsent_.front().first = std::move(outgoing.message);
            break;
        }
        unsent_.pop_front();
    }
    if (queued_any_) {
        queued_any_ = !unsent_.empty();
        if (!clients_->send_meanwhile()) {
            channel_->clients_bell.ring();
        }
    }
}

std::vector<group::ConnectionId> Server::take_lost() { return std::exchange(lost_, {}); }

void Server::collect_frames() {
    while (FrameRef* frame = channel_->returns.front()) {
        *frame = FrameRef();
        channel_->returns.pop();
    }
}

void Server::set_ready(bool ready) { channel_->ready.store(ready, std::memory_order_release); }

void Server::set_ordered_stopped(bool stopped) {
    if (channel_->ordered_stopped.load(std::memory_order_relaxed) != stopped) {
        channel_->ordered_stopped.store(stopped, std::memory_order_release);
        channel_->clients_bell.ring();
    }
}

void Server::set_coming(bool coming) {
    if (channel_->coming.load(std::memory_order_relaxed) != coming) {
        channel_->coming.store(coming, std::memory_order_seq_cst);
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

bool Server::streaming() const { return channel_->streaming.load(std::memory_order_acquire); }

bool Server::await_request(std::chrono::nanoseconds at_most) {
    if (next(Lane::kOrdered)) {
        return true;
    }
    const bool was_coming = channel_->coming.load(std::memory_order_relaxed);
    set_coming(false);
    arm();
    std::array<pollfd, 2> bells{{{wake_fd(), POLLIN, 0}, {lent_fd(), POLLIN, 0}}};
    constexpr std::int64_t kSecond = 1'000'000'000;
    const timespec limit{at_most.count() / kSecond, at_most.count() % kSecond};
    if (!next(Lane::kOrdered)) {
        ::ppoll(bells.data(), bells.size(), &limit, nullptr);
        if (bells.at(1).revents != 0) {
            serve_lent();
        }
    }
    disarm();
    set_coming(was_coming);
    return next(Lane::kOrdered).has_value();
}

void Server::set_access(const AccessRules& rules) {
    const std::lock_guard lock(channel_->access_mutex);
    channel_->access = rules;
}

}  // namespace totem::ipc
