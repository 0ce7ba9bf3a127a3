// The protocol thread: everything that happens to this node goes through here into the stack, and
// what the stack asks for goes out to the network, the disk and the clients.
//
// One thread, which owns all of it. The order in which things are handed over is the host's
// contract of effects.h: what clients asked before what the network brings, of that messages before
// tokens (the link sorts them), all that is readable before Wake; and each answer is performed
// persist, send, deliver. Nothing here waits but for the next event.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "totem/core/frame.h"
#include "totem/core/types.h"
#include "totem/daemon/anticipation.h"
#include "totem/group/stack.h"
#include "totem/ipc/server.h"
#include "totem/net/udp_link.h"

namespace totem::daemon {

// What the driver cannot decide.
class DriverListener {
  public:
    DriverListener() = default;
    DriverListener(const DriverListener&) = delete;
    DriverListener& operator=(const DriverListener&) = delete;
    DriverListener(DriverListener&&) = delete;
    DriverListener& operator=(DriverListener&&) = delete;
    virtual ~DriverListener() = default;

    virtual void on_persist(std::uint64_t ring_seq) = 0;
    virtual void on_notice(const group::Notice& notice) = 0;
    virtual void on_trace(const Trace& trace) = 0;
    virtual void on_host_request(const group::HostRequest& request) = 0;
    virtual void on_link_change(bool up) = 0;
    virtual void on_seal_event(const net::SealEvent& event) = 0;
    virtual void on_stranger(NodeId node, const net::IpAddress& source) = 0;
    // Before anything of a step is performed: what clients may rely on once they have its answers
    // must be in force. `news`: something happened that keys show. More input is welcome here.
    virtual void before_effects(bool news) = 0;
    // The first synchronisation is complete.
    virtual void on_ready() = 0;
};

// The clock of the daemon as the cores want it.
[[nodiscard]] inline Instant now() noexcept {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

class Driver final : private net::LinkListener, private net::Readable {
  public:
    // All must outlive the driver.
    struct Parts {
        boost::asio::io_context& io;
        net::ReadySet& ready;
        FramePool& pool;
        group::Stack& stack;
        net::UdpLink& link;
        ipc::Server& server;
        DriverListener& listener;
    };
    Driver(const Parts& parts, NodeId self);
    ~Driver() override;
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    Driver(Driver&&) = delete;
    Driver& operator=(Driver&&) = delete;

    // Where the link reports.
    [[nodiscard]] net::LinkListener& link_listener() noexcept { return *this; }

    // From the loop or before it; what it brings about is performed soon.
    void input(const group::StackInput& input);
    // Runs the loop until quit() or, when given, until `until` passes.
    void run(std::optional<Instant> until = std::nullopt);
    void quit() noexcept { quit_ = true; }
    // Performs what is outstanding; the last thing before the end.
    void perform();
    // What the clients did until now, after the server has stopped.
    void take_last_requests();

  private:
    void on_readable() override;  // the server's bell

    // LinkListener
    void on_frames(LinkId link, std::span<FrameRef> frames) override;
    void on_link_change(LinkId link, bool up) override;
    void on_seal_event(LinkId link, const net::SealEvent& event) override;
    void on_stranger(NodeId node, const net::IpAddress& source) override;

    // Host of group::perform().
    struct Performer;
    // Clients that ask this thread itself. What they ask may go with a token of the same wait.
    class Guests final : public net::Readable {
      public:
        explicit Guests(ipc::Server& server) : server_(server) {}
        void on_readable() override { server_.serve_lent(); }
        [[nodiscard]] Rank rank() const noexcept override { return Rank::kFirst; }

      private:
        ipc::Server& server_;
    };

    // How long a token waits for clients; zero: it does not.
    struct Wait {
        Duration at_most{};
        bool anticipated = false;
    };
    // A token that waits, and meanwhile the link can be read.
    struct KeptToken {
        LinkId link{};
        FrameRef frame;
        Wait wait;
    };
    [[nodiscard]] Wait choose_wait();
    [[nodiscard]] bool is_ours(const FrameRef& frame) const;
    void pass_kept_token();
    void step_token(KeptToken token);
    void step_frames(LinkId link, std::span<FrameRef> frames);
    // True when there is more to do at once.
    bool turn();
    // Clients asked something that can be looked at now.
    [[nodiscard]] bool requests_wait();
    void take_requests();
    bool take_local();
    bool take_ordered();
    void park(const ipc::Incoming& incoming);
    void apply(const ipc::Incoming& incoming);
    // False: not taken, offer again.
    bool request(group::ConnectionId connection, std::span<const std::byte> bytes);
    void close_connection(group::ConnectionId connection);
    void close_early(group::ConnectionId connection);
    void retry_parked();
    void take_loopback();
    void loop_back(const Datagram& datagram);
    void wake_when_due();
    void wake_at(std::optional<Instant> when);
    void arm_timer(Instant when);
    void wait(bool more);
    void poll_io();
    void publish();
    // The token turns without pause and will be here soon.
    [[nodiscard]] bool token_is_coming();

    static constexpr std::size_t kRequestsPerTurn = 512;
    static constexpr std::size_t kHandlersPerTurn = 64;
    // While the token turns, everything that waits in the io_context is late by this at most, and
    // so is what clients ask without ringing for it.
    static constexpr std::chrono::milliseconds kBusyWait{2};
    // How long the token waits for a client at most. Longer turns than this are those of large
    // rings, which one client shall not hold up.
    static constexpr std::chrono::microseconds kClientWaitMax{200};
    // Many times what a socket buffer holds: without a bound, a flood would put off every timeout.
    static constexpr int kReceivesBeforeWake = 64;
    // Requests of one connection that wait for room; a client that waits for its answers has one.
    static constexpr std::size_t kParkedMax = 1024;
    // So many turns without a message and the ring may soon hold its token; far below the least
    // that seqno_unchanged_const can sensibly be.
    static constexpr std::uint64_t kIdleTurns = 8;

    Parts parts_;
    Guests guests_;
    const NodeId self_;
    boost::asio::steady_timer timer_;
    group::StackEffects effects_;
    std::deque<FrameRef> loopback_;
    std::map<group::ConnectionId, std::deque<std::vector<std::byte>>> parked_;  // not taken yet
    std::set<group::ConnectionId> closed_early_;  // their record of closing is still to come
    std::optional<Instant> deadline_;             // the stack's
    Instant io_polled_{};                         // when the io_context last had its turn
    Anticipation anticipation_;
    std::optional<KeptToken> kept_;
    std::optional<Instant> armed_;   // when the timer fires: never after deadline_
    std::uint64_t tokens_seen_ = 0;  // NodeStats::orf_token_rx when messages were last seen to move
    std::uint64_t messages_seen_ = 0;  // sent and received until then
    bool dirty_ = false;               // effects_ holds something
    bool ordered_refused_ = false;     // the first request of the ordered lane waits
    bool local_request_ = false;       // since effects were last performed
    bool ready_ = false;
    bool quit_ = false;
};

}  // namespace totem::daemon
