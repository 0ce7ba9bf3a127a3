// The doors' server: libqb in a thread of its own, so that no client can hold up the protocol.
//
// The protocol thread owns a Server and calls everything here. Requests come out of next(), copied
// out of the memory that clients share; answers and events go in through send() and are moved,
// frames and all, to the clients' thread; the emptied frames come home through collect_frames().
//
// A client that does not read has its events kept up to a bound, then it is disconnected and named
// in the log; nobody else notices. Flow control towards clients is that of ipc.md 4.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "totem/core/result.h"
#include "totem/group/service.h"
#include "totem/ipc/access.h"
#include "totem/ipc/lane.h"

namespace totem::ipc {

enum class LogLevel : std::uint8_t { kError, kWarning, kNotice, kInfo, kDebug };

struct ServerOptions {
    std::vector<group::ServiceId> services;  // which doors to open
    // Behind each service name; not empty only where several daemons share a network namespace, and
    // then unmodified clients cannot find this one.
    std::string name_suffix;
    // What one client may leave unread, beyond its own event ring: some seconds of a ring at full
    // speed, which a healthy client may miss on a busy machine.
    std::size_t backlog_bytes_max = std::size_t{256} * 1024 * 1024;
    std::size_t backlog_messages_max = std::size_t{1024} * 1024;
    // The owner waits on lent_fd() as well, and calls serve_lent(): a client that asks for one
    // small thing at a time then needs no other thread.
    bool lend = false;
    // Called by the clients' thread when it starts (its priority, its name).
    std::function<void()> on_thread_start = [] {};
    // Called by either thread: level, subsystem, text.
    std::function<void(LogLevel, std::string_view, std::string)> log =
        [](LogLevel, std::string_view, const std::string&) {};
};

// What a client did. `bytes` stay valid until pop().
struct Incoming {
    enum class Kind : std::uint8_t { kOpened, kClosed, kRequest };
    Kind kind = Kind::kRequest;
    group::ServiceId service{};
    group::ConnectionId connection{};
    std::uint32_t pid = 0;
    std::span<const std::byte> bytes;
};

// libqb's name of a door; empty for a service without one.
[[nodiscard]] std::string_view door_name(group::ServiceId service);

struct Channel;
class ClientsThread;

class Server {
  public:
    explicit Server(ServerOptions options);
    ~Server();  // as stop()
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(Server&&) = delete;
    Server& operator=(Server&&) = delete;

    // Listens on every door. The error says which one could not be had and why.
    struct Started {};
    [[nodiscard]] Result<Started, std::string> start();
    // Begins to withdraw the doors and to disconnect everybody; ended() tells when that is done,
    // and until then what clients did last comes in as before.
    void withdraw();
    [[nodiscard]] bool ended() const;
    // As withdraw(), and waits for the end of the thread.
    void stop();

    // The oldest thing a client of this lane did, again and again until pop(lane).
    [[nodiscard]] std::optional<Incoming> next(Lane lane);
    void pop(Lane lane);

    // Before sleeping: from now on wake_fd() becomes readable when a client does something. Ask
    // next() after it, and sleep only when there is nothing.
    void arm();
    void disarm();
    [[nodiscard]] int wake_fd() const;
    // Readable when serve_lent() is to be called, which may bring something to next(). Nothing is
    // ever lent without ServerOptions::lend.
    [[nodiscard]] int lent_fd() const;
    void serve_lent();

    // Queues for the client; flush() sends what was queued on its way.
    void send(group::ClientMessage message);
    // For a client that is too far behind, in what it reads or in what it asks; the log says so.
    void disconnect(group::ConnectionId connection);
    void flush();
    // Connections that lost a message because the clients' thread took none for too long: they are
    // being disconnected. Cleared by the call.
    [[nodiscard]] std::vector<group::ConnectionId> take_lost();
    // Destroys the frames that came home.
    void collect_frames();

    // Whether clients may connect; before, they are told to try again.
    void set_ready(bool ready);
    // Whether requests that need the ring must wait (synchronisation, a full send queue).
    void set_ordered_stopped(bool stopped);
    void set_access(const AccessRules& rules);
    // While set, the caller looks at next(kOrdered) at every turn of the token, and the token turns
    // without pause: requests gather meanwhile, and nobody is woken for each. After clearing it,
    // look once more.
    void set_coming(bool coming);
    // A client sends one ordered request after the other: to wait a little for the next ones keeps
    // the token from going round empty, at the cost of the very client that fills it.
    [[nodiscard]] bool streaming() const;
    // Waits for the next ordered request, at most so long; false when none came.
    bool await_request(std::chrono::nanoseconds at_most);

  private:
    static constexpr std::size_t kUnsentMax = 65536;

    void queue(group::ClientMessage message, bool disconnect);

    ServerOptions options_;
    std::unique_ptr<Channel> channel_;
    std::unique_ptr<ClientsThread> clients_;
    std::thread thread_;
    std::deque<std::pair<group::ClientMessage, bool>> unsent_;
    std::vector<group::ConnectionId> lost_;
    bool queued_any_ = false;
};

}  // namespace totem::ipc
