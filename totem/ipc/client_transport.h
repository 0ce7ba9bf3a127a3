// Carries what a client of the doors says, over libqb, and never waits for the daemon.
//
// The client cores (totem/client) ask for actions; perform() does them at once and keeps the answer
// for run(), which also hands in replies, events and ends of connections, as the contract at the
// top of group_client.h wants. The owner sleeps on fd() and until wake_at(), and calls run() then.
//
// Where libqb would wait or spin, it is not called: a door that does not answer the handshake fails
// after a while; a request whose ring, doorbell socket or flow control says no is NotTaken. Replies
// have no doorbell (ipc.md 1), so they are looked for every millisecond while one is due.
//
// Source: ipc.md 1, 2, 4 and 5; libqb's qbipcc.h.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "totem/client/group_client.h"
#include "totem/core/types.h"

namespace totem::ipc {

struct ClientTransportOptions {
    std::string name_suffix;  // behind each door's name, as the daemon has it (ServerOptions)
    std::chrono::milliseconds connect_wait{2000};  // for the daemon's answer to a handshake
};

class ClientTransport {
  public:
    explicit ClientTransport(ClientTransportOptions options);
    ~ClientTransport();
    ClientTransport(const ClientTransport&) = delete;
    ClientTransport& operator=(const ClientTransport&) = delete;
    ClientTransport(ClientTransport&&) = delete;
    ClientTransport& operator=(ClientTransport&&) = delete;

    // May be called from within the sink of run().
    void perform(Instant now, const client::Action& action);

    // Readable when run() would find something, but for what wake_at() says.
    [[nodiscard]] int fd() const noexcept { return epoll_; }
    [[nodiscard]] std::optional<Instant> wake_at() const;

    // Bytes in an input stay valid during the call.
    using Sink = std::function<void(const client::Input&)>;
    void run(Instant now, const Sink& sink);

  private:
    struct Connection;

    void connect(Instant now, client::Door door);
    void disconnect(client::Door door);
    void request(Instant now, const client::Request& request);
    void finish_connecting(Instant now, Connection& connection);
    void give_up_connecting(Connection& connection, client::Error error);
    void mark_ready();
    void take_reply(Instant now, Connection& connection, const Sink& sink);
    void take_events(Connection& connection, const Sink& sink);
    void lose(Connection& connection);
    void close(Connection& connection);
    void watch(Connection& connection, int fd);
    void unwatch(Connection& connection);
    void drain_answers(const Sink& sink);
    [[nodiscard]] Connection& connection(client::Door door);

    ClientTransportOptions options_;
    int epoll_ = -1;
    std::vector<std::unique_ptr<Connection>> connections_;  // one for each door
    std::deque<client::Input> answers_;                     // without bytes
    std::vector<std::byte> buffer_;
};

}  // namespace totem::ipc
