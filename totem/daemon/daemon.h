// One run of totemd, from a good configuration to the end: opens everything, runs the driver,
// answers signals and administrators, and leaves in order.
//
// Source: config.md 9, 12, 13, 15; ipc.md 15; samples/log-*.txt, kill-shutdown.txt.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "totem/core/frame.h"
#include "totem/daemon/configuration.h"
#include "totem/daemon/driver.h"
#include "totem/daemon/key_ring.h"
#include "totem/daemon/options.h"
#include "totem/daemon/pause_report.h"
#include "totem/daemon/reloader.h"
#include "totem/daemon/ring_id_store.h"
#include "totem/daemon/ring_number_memo.h"
#include "totem/daemon/ring_watch.h"
#include "totem/daemon/services.h"
#include "totem/daemon/slow_work.h"
#include "totem/daemon/statistics.h"
#include "totem/group/stack.h"
#include "totem/ipc/server.h"
#include "totem/net/packet_seal.h"
#include "totem/net/udp_link.h"
#include "totem/process/log.h"
#include "totem/process/process.h"

namespace totem::daemon {

using process::Failure;
using process::Log;
using process::Severity;

class Daemon final : private DriverListener {
  public:
    // `log` must outlive it.
    Daemon(const CommandLine& command_line, Configuration configuration, Log& log);
    ~Daemon() override;
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    Daemon(Daemon&&) = delete;
    Daemon& operator=(Daemon&&) = delete;

    // Everything that can fail; the ring is not joined yet.
    [[nodiscard]] std::optional<Failure> open();
    // Joins the ring and runs until told to stop; the exit status.
    [[nodiscard]] int run();

  private:
    // DriverListener
    void on_persist(std::uint64_t ring_seq) override;
    void on_notice(const group::Notice& notice) override;
    void on_trace(const Trace& trace) override;
    void on_host_request(const group::HostRequest& request) override;
    void on_link_change(bool up) override;
    void on_seal_event(const net::SealEvent& event) override;
    void on_stranger(NodeId node, const net::IpAddress& source) override;
    void before_effects(bool news) override;
    void on_ready() override;

    [[nodiscard]] std::optional<Failure> open_seal();
    [[nodiscard]] std::optional<Failure> open_link();
    [[nodiscard]] std::optional<Failure> open_doors();
    [[nodiscard]] std::optional<Failure> open_ring_id();
    void tell_of_services(std::string_view what, bool numbers);
    void become_realtime();
    void wait_for_signal();
    void on_signal(int signal);
    void on_persisted(std::uint64_t seq, const std::string& problem);
    void stop(int exit_status);
    void leave();
    void run_until(std::chrono::milliseconds limit, const std::function<bool()>& done);
    void reopen_logs(std::optional<std::uint32_t> token);
    void start_reload(std::uint32_t token);
    void finish_reload(std::uint32_t token, Reloader::Outcome& outcome);
    void apply(Reloaded fresh);
    void dump_state();
    void reply(std::uint32_t token, std::uint32_t error);
    void say(Severity severity, std::string_view subsystem, std::string_view text);
    [[nodiscard]] Log::Done when_logs_are_open(Log::Done done);
    [[nodiscard]] ipc::ServerOptions server_options();
    [[nodiscard]] std::string state_directory() const;
    [[nodiscard]] std::string storing() const;
    [[nodiscard]] std::string reading() const;

    // The way into the loop for another thread, which may outlive it.
    struct Entrance {
        std::mutex mutex;
        boost::asio::io_context* io = nullptr;  // null: closed
    };

    const CommandLine command_line_;
    Configuration configuration_;
    Log& log_;
    boost::asio::io_context io_{1};
    std::shared_ptr<Entrance> entrance_ = std::make_shared<Entrance>();
    FramePool pool_;
    Services services_;
    group::Stack stack_;
    Statistics statistics_;
    ipc::Server server_;
    KeyRing keys_;
    std::unique_ptr<net::PacketSeal> seal_;
    net::ReadySet ready_{io_};
    net::UdpLink link_;
    Driver driver_;
    RingWatch ring_watch_;
    PauseReport pause_report_;
    boost::asio::signal_set signals_;
    std::unique_ptr<RingNumberMemo> memo_;
    std::unique_ptr<RingIdStore> ring_ids_;
    std::uint64_t stored_ring_seq_ = 0;
    std::uint64_t asked_ring_seq_ = 0;  // last asked to be made durable
    bool ring_id_stored_ = false;       // in this life of the process
    std::set<NodeId> announced_leave_;  // since the last membership
    SlowWork slow_work_;
    Reloader reloader_;
    bool stopping_ = false;
    int exit_status_ = 0;
};

}  // namespace totem::daemon
