#include "totem/ipc/client_transport.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <qb/qbipcc.h>

#include "totem/client/fields.h"
#include "totem/core/check.h"
#include "totem/ipc/server.h"

namespace totem::ipc {

namespace {

using client::Door;
using client::Error;

constexpr std::array kDoors{Door::kCmap, Door::kCfg, Door::kCpg, Door::kQuorum, Door::kVotequorum};
constexpr std::size_t kBufferBytes = std::size_t{8192} * 128;  // what the client libraries ask for
constexpr int kEventsAtOnce = 64;                              // of one door, before the others
constexpr std::uint32_t kMulticast = 2;                        // of cpg: has no reply

// ipc.md 5.
Error error_of(int code) {
    switch (code) {
        case EAGAIN:
        case ETIMEDOUT:
        case ENOMSG:
        case ENOBUFS:
            return Error::kTryAgain;
        case EACCES:
            return Error::kAccess;
        case EINVAL:
            return Error::kInvalidParam;
        case EBUSY:
            return Error::kBusy;
        case ENOENT:
        case ENODEV:
            return Error::kNotExist;
        default:
            return Error::kLibrary;
    }
}

bool nothing_there(ssize_t result) { return result == -EAGAIN || result == -ETIMEDOUT; }

bool can_write(int fd) {
    pollfd socket{fd, POLLOUT, 0};
    return ::poll(&socket, 1, 0) == 1 && (socket.revents & (POLLERR | POLLHUP)) == 0;
}

}  // namespace

struct ClientTransport::Connection {
    Door door{};
    std::string name;
    qb_ipcc_connection_t* handle = nullptr;
    int fd = -1;                      // watched
    bool ready = false;               // it rang
    std::optional<Instant> deadline;  // of the handshake; absent: it is over
    bool reply_due = false;
    std::optional<Instant> look_at;  // for a reply
    std::uint64_t life = 0;          // counts connections of this door

    [[nodiscard]] bool connecting() const { return handle != nullptr && deadline.has_value(); }
    [[nodiscard]] bool open() const { return handle != nullptr && !deadline; }
};

ClientTransport::ClientTransport(ClientTransportOptions options)
    : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes) {
    TOTEM_CHECK(epoll_ >= 0);
    for (const Door door : kDoors) {
        auto connection = std::make_unique<Connection>();
        connection->door = door;
        connection->name =
            std::string(door_name(group::ServiceId{static_cast<std::uint8_t>(door)})) +
            options_.name_suffix;
        connections_.push_back(std::move(connection));
    }
}

ClientTransport::~ClientTransport() {
    for (const auto& each : connections_) {
        close(*each);
    }
    ::close(epoll_);
}

ClientTransport::Connection& ClientTransport::connection(Door door) {
    const auto found = std::ranges::find(connections_, door,
                                         [](const auto& connection) { return connection->door; });
    TOTEM_CHECK(found != connections_.end());
    return **found;
}

void ClientTransport::perform(Instant now, const client::Action& action) {
    if (const auto* wanted = std::get_if<client::Connect>(&action)) {
        connect(now, wanted->door);
    } else if (const auto* unwanted = std::get_if<client::Disconnect>(&action)) {
        disconnect(unwanted->door);
    } else {
        request(now, std::get<client::Request>(action));
    }
}

// ---- connections --------------------------------------------------------------------------------

void ClientTransport::connect(Instant now, Door door) {
    Connection& connection = this->connection(door);
    close(connection);
    int fd = -1;
    connection.handle = qb_ipcc_connect_async(connection.name.c_str(), kBufferBytes, &fd);
    if (connection.handle == nullptr) {
        answers_.emplace_back(client::ConnectFailed{door, error_of(errno)});
        return;
    }
    ++connection.life;
    connection.deadline = now + options_.connect_wait;
    watch(connection, fd);
}

void ClientTransport::finish_connecting(Instant now, Connection& connection) {
    pollfd socket{connection.fd, POLLIN, 0};
    if (::poll(&socket, 1, 0) != 1) {
        if (now >= *connection.deadline) {
            give_up_connecting(connection, Error::kTryAgain);
        }
        return;
    }
    unwatch(connection);
    connection.deadline.reset();
    const int result = qb_ipcc_connect_continue(connection.handle);
    if (result != 0) {
        connection.handle = nullptr;  // libqb has freed it
        answers_.emplace_back(client::ConnectFailed{connection.door, error_of(-result)});
        return;
    }
    // The highest, so that no send goes through while the daemon synchronises (ipc.md 4).
    qb_ipcc_fc_enable_max_set(connection.handle, 2);
    int fd = -1;
    qb_ipcc_fd_get(connection.handle, &fd);
    watch(connection, fd);
    const int bytes = qb_ipcc_get_buffer_size(connection.handle);
    buffer_.resize(std::max(buffer_.size(), static_cast<std::size_t>(std::max(bytes, 0))));
    answers_.emplace_back(client::Connected{connection.door});
}

// libqb has no call for it: the handshake is made to fail, which frees everything.
void ClientTransport::give_up_connecting(Connection& connection, Error error) {
    ::shutdown(connection.fd, SHUT_RDWR);
    unwatch(connection);
    connection.deadline.reset();
    if (qb_ipcc_connect_continue(connection.handle) == 0) {
        qb_ipcc_disconnect(connection.handle);  // the answer came in this very moment
    }
    connection.handle = nullptr;
    answers_.emplace_back(client::ConnectFailed{connection.door, error});
}

void ClientTransport::disconnect(Door door) {
    Connection& connection = this->connection(door);
    close(connection);
    // What it was still to be told is of a connection that it has given up.
    std::erase_if(answers_, [door](const client::Input& answer) {
        return std::visit(
            [door](const auto& input) {
                if constexpr (requires { input.door; }) {
                    return input.door == door;
                } else {
                    return false;
                }
            },
            answer);
    });
}

void ClientTransport::close(Connection& connection) {
    if (connection.connecting()) {
        give_up_connecting(connection, Error::kLibrary);
        answers_.pop_back();  // nobody waits for it any more
    } else if (connection.open()) {
        unwatch(connection);
        qb_ipcc_disconnect(std::exchange(connection.handle, nullptr));
    }
    connection.reply_due = false;
    connection.look_at.reset();
}

void ClientTransport::lose(Connection& connection) {
    close(connection);
    answers_.emplace_back(client::Disconnected{connection.door});
}

void ClientTransport::watch(Connection& connection, int fd) {
    connection.fd = fd;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(connection.door);
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void ClientTransport::unwatch(Connection& connection) {
    connection.ready = false;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, std::exchange(connection.fd, -1), nullptr);
}

// ---- requests -----------------------------------------------------------------------------------

void ClientTransport::request(Instant now, const client::Request& request) {
    Connection& connection = this->connection(request.door);
    if (!connection.open()) {
        return;  // its end is among the answers already
    }
    if (!can_write(connection.fd)) {
        answers_.emplace_back(client::NotTaken{request.door});
        return;
    }
    const ssize_t sent =
        qb_ipcc_send(connection.handle, request.bytes.data(), request.bytes.size());
    if (sent == -EAGAIN) {
        answers_.emplace_back(client::NotTaken{request.door});
    } else if (sent < 0) {
        lose(connection);
    } else {
        const bool multicast =
            request.door == Door::kCpg && client::u32_field(request.bytes, 0) == kMulticast;
        connection.reply_due = !multicast;
        connection.look_at = multicast ? std::nullopt : std::optional(now);
        answers_.emplace_back(client::Accepted{request.door});
    }
}

// ---- what comes ---------------------------------------------------------------------------------

std::optional<Instant> ClientTransport::wake_at() const {
    if (!answers_.empty()) {
        return Instant{};
    }
    std::optional<Instant> first;
    for (const auto& each : connections_) {
        for (const std::optional<Instant>& at : {each->deadline, each->look_at}) {
            if (at && (!first || *at < *first)) {
                first = at;
            }
        }
    }
    return first;
}

void ClientTransport::run(Instant now, const Sink& sink) {
    drain_answers(sink);
    mark_ready();
    for (const auto& each : connections_) {
        if (each->connecting()) {
            finish_connecting(now, *each);
        }
        if (each->open() && each->reply_due) {
            take_reply(now, *each, sink);
        }
        if (each->open() && std::exchange(each->ready, false)) {
            take_events(*each, sink);
        }
    }
    drain_answers(sink);
}

void ClientTransport::mark_ready() {
    std::array<epoll_event, kDoors.size()> events{};
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        connection(static_cast<Door>(events[static_cast<std::size_t>(i)].data.u32)).ready = true;
    }
}

void ClientTransport::drain_answers(const Sink& sink) {
    while (!answers_.empty()) {
        const client::Input answer = answers_.front();
        answers_.pop_front();
        sink(answer);
    }
}

void ClientTransport::take_reply(Instant now, Connection& connection, const Sink& sink) {
    constexpr std::chrono::milliseconds kLookAgain{1};
    const ssize_t size =
        qb_ipcc_recv(connection.handle, buffer_.data(), buffer_.size(), /*ms_timeout=*/0);
    if (size > 0) {
        connection.reply_due = false;
        connection.look_at.reset();
        sink(client::Reply{connection.door,
                           client::ByteView(buffer_).first(static_cast<std::size_t>(size))});
    } else if (nothing_there(size)) {
        connection.look_at = now + kLookAgain;
    } else {
        lose(connection);
    }
}

void ClientTransport::take_events(Connection& connection, const Sink& sink) {
    const std::uint64_t life = connection.life;
    for (int i = 0; i < kEventsAtOnce && connection.open() && connection.life == life; ++i) {
        const ssize_t size = qb_ipcc_event_recv(connection.handle, buffer_.data(), buffer_.size(),
                                                /*ms_timeout=*/0);
        if (i > 0 && nothing_there(size)) {
            return;
        }
        if (size <= 0) {
            // It rang and nothing came: a doorbell without an event would ring for ever.
            lose(connection);
            return;
        }
        sink(client::Event{connection.door,
                           client::ByteView(buffer_).first(static_cast<std::size_t>(size))});
    }
}

}  // namespace totem::ipc
