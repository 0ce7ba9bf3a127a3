// A protocol thread with one trivial door, for tests of the clients' server.
//
// Requests: kEcho is answered with its own bytes, kEvents brings as many events as it asks for,
// kCount is only counted. Each connection is told apart.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <poll.h>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <qb/qbipcc.h>

#include "totem/core/frame.h"
#include "totem/ipc/server.h"

namespace toy {

namespace ipc = totem::ipc;
namespace group = totem::group;

enum Request : std::int32_t { kEcho = 1, kEvents = 2, kCount = 3 };

struct EventsRequest {
    qb_ipc_request_header header;
    std::uint32_t count __attribute__((aligned(8)));
    std::uint32_t size __attribute__((aligned(8)));
};

class Daemon {
  public:
    explicit Daemon(ipc::ServerOptions options) : server_(std::move(options)) {}
    ~Daemon() { stop(); }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    Daemon(Daemon&&) = delete;
    Daemon& operator=(Daemon&&) = delete;

    [[nodiscard]] bool start() {
        auto started = server_.start();
        if (!started) {
            problem = started.error();
            return false;
        }
        thread_ = std::thread([this] { run(); });
        return true;
    }
    void stop() {
        if (thread_.joinable()) {
            stopping_ = true;
            thread_.join();
            server_.stop();
            server_.collect_frames();
        }
    }
    ipc::Server& server() { return server_; }

    std::string problem;
    std::atomic<bool> take_ordered{
        true};  // false: leaves the ordered lane's requests where they are
    std::atomic<bool> ordered_waits{false};  // some were left when it last looked
    std::atomic<int> opened{0};
    std::atomic<int> closed{0};
    std::atomic<int> counted{0};
    std::atomic<int> odd{0};  // requests that made no sense

  private:
    void run() {
        while (!stopping_) {
            while (one(ipc::Lane::kLocal) || (take_ordered && one(ipc::Lane::kOrdered))) {
            }
            server_.flush();
            server_.collect_frames();
            ordered_waits = server_.next(ipc::Lane::kOrdered).has_value();
            std::array<pollfd, 2> wait{
                {{server_.wake_fd(), POLLIN, 0}, {server_.lent_fd(), POLLIN, 0}}};
            server_.arm();
            if (!server_.next(ipc::Lane::kLocal) &&
                !(take_ordered && server_.next(ipc::Lane::kOrdered))) {
                ::poll(wait.data(), wait.size(), 20);
            }
            server_.disarm();
            if (wait.at(1).revents != 0) {
                server_.serve_lent();
            }
        }
    }
    bool one(ipc::Lane lane) {
        const auto incoming = server_.next(lane);
        if (!incoming) {
            return false;
        }
        switch (incoming->kind) {
            case ipc::Incoming::Kind::kOpened:
                ++opened;
                break;
            case ipc::Incoming::Kind::kClosed:
                ++closed;
                break;
            case ipc::Incoming::Kind::kRequest:
                answer(*incoming);
                break;
        }
        server_.pop(lane);
        return true;
    }
    void answer(const ipc::Incoming& incoming) {
        qb_ipc_request_header header{};
        std::memcpy(&header, incoming.bytes.data(), sizeof header);
        if (header.id == kCount) {
            ++counted;
        } else if (header.id == kEcho) {
            send(incoming.connection, group::ClientMessage::Kind::kReply, kEcho, incoming.bytes);
        } else if (header.id == kEvents && incoming.bytes.size() == sizeof(EventsRequest)) {
            EventsRequest wish{};
            std::memcpy(&wish, incoming.bytes.data(), sizeof wish);
            std::vector<std::byte> body(wish.size);
            for (std::uint32_t i = 0; i < wish.count; ++i) {
                std::memcpy(body.data(), &i, sizeof i);
                send(incoming.connection, group::ClientMessage::Kind::kEvent, kEvents, body);
            }
        } else {
            ++odd;
        }
    }
    void send(group::ConnectionId to, group::ClientMessage::Kind kind, std::int32_t id,
              std::span<const std::byte> body) {
        group::ClientMessage message;
        message.connection = to;
        message.kind = kind;
        message.head_size = sizeof(qb_ipc_response_header);
        qb_ipc_response_header header{};
        header.id = id;
        header.size = static_cast<std::int32_t>(sizeof header + body.size());
        header.error = 1;
        std::memcpy(message.head.data(), &header, sizeof header);
        message.body = pool_.copy(body);
        server_.send(std::move(message));
    }

    totem::FramePool pool_;
    ipc::Server server_;
    std::thread thread_;
    std::atomic<bool> stopping_{false};
};

// A client: libqb's own.
class Client {
  public:
    Client() = default;
    explicit Client(const std::string& name, std::size_t size = 1024 * 1024)
        : connection_(qb_ipcc_connect(name.c_str(), size)), error(connection_ ? 0 : errno) {
        if (connection_ != nullptr) {
            qb_ipcc_fc_enable_max_set(connection_, 2);
        }
    }
    ~Client() { close(); }
    Client(Client&& other) noexcept
        : connection_(std::exchange(other.connection_, nullptr)), error(other.error) {}
    Client& operator=(Client&&) = delete;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] bool connected() const { return connection_ != nullptr; }
    [[nodiscard]] qb_ipcc_connection_t* handle() const { return connection_; }
    void close() {
        if (connection_ != nullptr) {
            qb_ipcc_disconnect(std::exchange(connection_, nullptr));
        }
    }

    // Sends `bytes` behind a header; what libqb says.
    ssize_t send(std::int32_t id, std::size_t size) {
        std::vector<std::byte> bytes(std::max(size, sizeof(qb_ipc_request_header)));
        qb_ipc_request_header header{};
        header.id = id;
        header.size = static_cast<std::int32_t>(bytes.size());
        std::memcpy(bytes.data(), &header, sizeof header);
        return qb_ipcc_send(connection_, bytes.data(), bytes.size());
    }
    // True when a request of `size` bytes came back whole.
    bool echo(std::size_t size, int timeout_ms = 5000) {
        if (send(kEcho, size) < 0) {
            return false;
        }
        std::vector<std::byte> reply(size + sizeof(qb_ipc_response_header));
        const ssize_t got = qb_ipcc_recv(connection_, reply.data(), reply.size(), timeout_ms);
        return got == static_cast<ssize_t>(reply.size());
    }
    bool ask_events(std::uint32_t count, std::uint32_t size) {
        EventsRequest wish{};
        wish.header.id = kEvents;
        wish.header.size = sizeof wish;
        wish.count = count;
        wish.size = size;
        return qb_ipcc_send(connection_, &wish, sizeof wish) == sizeof wish;
    }
    // Reads one event; its number, or -errno.
    std::int64_t event(std::size_t size, int timeout_ms) {
        buffer_.resize(size + sizeof(qb_ipc_response_header));
        const ssize_t got =
            qb_ipcc_event_recv(connection_, buffer_.data(), buffer_.size(), timeout_ms);
        if (got < 0) {
            return got;
        }
        std::uint32_t number = 0;
        std::memcpy(&number, &buffer_[sizeof(qb_ipc_response_header)], sizeof number);
        return number;
    }

  private:
    qb_ipcc_connection_t* connection_ = nullptr;
    std::vector<std::byte> buffer_;

  public:
    int error = 0;
};

// Waits until `condition` holds, 10 s at most. It asks once in a while only: a condition that sends
// must not fill its socket before the daemon has done what is waited for, since libqb then waits
// for room inside of the send, and a daemon that was told to stop reading never makes any.
template <typename Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

}  // namespace toy
