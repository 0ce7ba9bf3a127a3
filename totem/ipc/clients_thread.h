// The thread of the clients: everything that touches libqb (ipc.md 1 to 4).
//
// While it sleeps the protocol thread may send in its place what cannot wait on a client, and take
// the requests of clients that ask for one small thing at a time, which saves these the way through
// another thread (decision 4).
//
// It only moves bytes: requests out of shared memory into the rings towards the protocol, answers
// and events the other way. What a request means is decided behind the doors, on the protocol
// thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <qb/qbipcs.h>

#include "totem/core/frame.h"
#include "totem/group/service.h"
#include "totem/ipc/backlog.h"
#include "totem/ipc/channel.h"
#include "totem/ipc/manners.h"
#include "totem/ipc/poll_loop.h"
#include "totem/ipc/server.h"

namespace totem::ipc {

class ClientsThread {
  public:
    ClientsThread(const ServerOptions& options, Channel& channel);
    ~ClientsThread();
    ClientsThread(const ClientsThread&) = delete;
    ClientsThread& operator=(const ClientsThread&) = delete;
    ClientsThread(ClientsThread&&) = delete;
    ClientsThread& operator=(ClientsThread&&) = delete;

    // All three from the same thread. open() says what went wrong; empty: nothing.
    [[nodiscard]] std::string open();
    // Until Channel::stop.
    void run();
    void close();
    // By the protocol thread: sends what is queued for clients, if that is little, nobody it is for
    // is behind, and the clients' thread sleeps. Never waits. False: the clients' thread has to.
    [[nodiscard]] bool send_meanwhile();
    // By the protocol thread, when lent_fd() is readable: takes the requests of connections that
    // were left to it, one of each at most. Never waits but as long as libqb does for a client that
    // announces a request and sends none (10 ms), which few get to do.
    void serve_lent();
    [[nodiscard]] int lent_fd() noexcept { return loop_.lent().fd(); }

    // libqb's callbacks arrive here.
    [[nodiscard]] std::int32_t accept(qb_ipcs_connection_t* handle, std::uint32_t uid,
                                      std::uint32_t gid);
    void created(qb_ipcs_connection_t* handle);
    void request(qb_ipcs_connection_t* handle, std::span<const std::byte> bytes);
    void closed(qb_ipcs_connection_t* handle);
    // libqb has bytes for the client's socket that it did not take.
    static void set_bytes_left(qb_ipcs_connection_t* handle, bool left);
    [[nodiscard]] PollLoop& loop() noexcept { return loop_; }
    // Whose calls into libqb this thread is making: its loop's callbacks get no context.
    [[nodiscard]] static ClientsThread& current() noexcept { return *current_; }

  private:
    struct Door {
        group::ServiceId id{};
        Lane lane = Lane::kLocal;
        qb_ipcs_service_t* service = nullptr;
        qb_ipcs_service_handlers handlers{};
        qb_ipcs_poll_handlers poll_handlers{};
    };
    struct Connection {
        group::ConnectionId id{};
        Door* door = nullptr;
        qb_ipcs_connection_t* handle = nullptr;
        std::uint32_t pid = 0;
        std::size_t message_bytes_max = 0;  // as agreed at the connect, either way
        Backlog replies;
        Backlog events;
        Manners manners{};
        std::string why{};        // it is doomed; empty: nothing to tell
        bool bytes_left = false;  // libqb may wait until its socket takes them
        bool doomed = false;      // to be disconnected; takes and gives nothing any more
    };
    enum class Sent : std::uint8_t { kDone, kFull, kGone };

    [[nodiscard]] std::string open_door(Door& door);
    void round();
    void take_outgoing();
    void deliver(Connection& connection, group::ClientMessage message);
    [[nodiscard]] bool must_wait_for(const Outgoing& outgoing) const;
    [[nodiscard]] Sent send_now(Connection& connection, group::ClientMessage& message,
                                std::span<const std::byte> body);
    void retry_backlogs();
    [[nodiscard]] bool drain(Connection& connection, Backlog& backlog);
    void doom(Connection& connection, const std::string& why);
    void tell_why(Connection& connection);
    void disconnect_doomed();
    void give_back(FrameRef frame);
    void apply_gates();
    [[nodiscard]] bool must_close(Lane lane);
    // False: a client's memory was gone; it is doomed, and those after it are still to be told.
    [[nodiscard]] bool set_rate(Lane lane, qb_ipcs_rate_limit rate);
    void doom_untold(Door& door, qb_ipcs_rate_limit rate);
    void wait_for_work(int timeout);
    void ring_protocol();
    void rest();
    void note_manners(Connection& connection, std::size_t bytes);
    void lend();
    void serve(const epoll_event& ready);
    [[nodiscard]] bool owes_round() const;
    bool post(Lane lane, const RecordHead& head, std::span<const std::byte> bytes);
    void post_overflow();
    [[nodiscard]] int timeout() const;

    static constexpr const char* kTookMemory = "took away the memory that it shares: disconnected";
    static constexpr std::size_t kOutgoingPerRound = 2048;
    // More than this the protocol thread leaves to the clients' thread, which can do it while the
    // token is elsewhere.
    static constexpr std::size_t kMeanwhileMessages = 4;
    static constexpr std::size_t kMeanwhileBytes = 4096;
    // So many clients in the life of the daemon that made the protocol thread wait, then nothing is
    // left to it any more.
    static constexpr int kBarredMax = 8;
    static constexpr int kDescriptorReserve = 32;
    static constexpr long kRestNs = 100'000;
    static constexpr std::chrono::milliseconds kRetryFirst{1};
    static constexpr std::chrono::milliseconds kRetryMax{32};

    static thread_local ClientsThread* current_;

    std::mutex awake_;  // held by the clients' thread but when it sleeps; guards all below
    const ServerOptions& options_;
    Channel& channel_;
    PollLoop loop_;
    std::vector<std::unique_ptr<Door>> doors_;
    std::unordered_map<std::uint32_t, std::unique_ptr<Connection>> connections_;
    std::vector<std::uint32_t> behind_;  // connections with a backlog
    std::vector<std::uint32_t> doomed_;
    std::vector<std::uint32_t> lendable_;
    int barred_ = 0;
    std::vector<FrameRef> unreturned_;  // found the queue home full
    std::array<std::deque<std::vector<std::byte>>, kLanes> overflow_;
    std::array<bool, kLanes> gate_closed_{};
    std::array<bool, kLanes> rate_due_{};  // clients are to be told of the gate
    std::chrono::milliseconds retry_ = kRetryFirst;
    std::uint32_t next_id_ = 1;
    std::array<bool, kLanes> posted_{};  // since the protocol's bell was last thought of
    std::size_t unanswered_ = 0;  // ordered requests since something was last sent to their lane
    bool resting_ = false;        // the last round ended with a rest
};

}  // namespace totem::ipc
