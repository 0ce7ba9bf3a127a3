#include "totem/daemon/daemon.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/random.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include "totem/core/stats.h"
#include "totem/daemon/exit_codes.h"
#include "totem/daemon/link_config.h"
#include "totem/daemon/notice_text.h"

namespace totem::daemon {

namespace {

// How long a stop waits for the clients' connections to close, and then for others to hear that
// this node's processes left their groups. Meanwhile this node is a member that does its part.
constexpr std::chrono::milliseconds kCloseClients{2000};
constexpr std::chrono::milliseconds kLeaveGroups{1000};
constexpr std::chrono::milliseconds kLookAgain{5};
// However long threads, disks or the resolver take.
constexpr std::chrono::seconds kEndAtMost{10};

RingConfig with_seed(RingConfig ring) {
    static_cast<void>(!::getrandom(&ring.seed, sizeof ring.seed, 0));
    return ring;
}

Severity severity_of(ipc::LogLevel level) {
    switch (level) {
        case ipc::LogLevel::kError:
            return Severity::kError;
        case ipc::LogLevel::kWarning:
            return Severity::kWarning;
        case ipc::LogLevel::kNotice:
            return Severity::kNotice;
        case ipc::LogLevel::kInfo:
            return Severity::kInfo;
        case ipc::LogLevel::kDebug:
            break;
    }
    return Severity::kDebug;
}

}  // namespace

Daemon::Daemon(const CommandLine& command_line, Configuration configuration, Log& log)
    : command_line_(command_line),
      configuration_(std::move(configuration)),
      log_(log),
      services_(configuration_),
      stack_(with_seed(configuration_.resolved.ring), pool_, traces_for_log()),
      statistics_(stack_),
      server_(server_options()),
      link_(io_, ready_, pool_),
      driver_({io_, ready_, pool_, stack_, link_, server_, *this}, configuration_.resolved.self),
      ring_watch_(io_, stack_.node(),
                  [this](const std::string& text) { say(Severity::kNotice, "TOTEM", text); }),
      signals_(io_),
      slow_work_(io_, [this](const std::string& text) { say(Severity::kWarning, "MAIN", text); }),
      reloader_(io_, configuration_,
                {command_line_.config_path(), command_line_.key_path(), NodeId{command_line_.node}},
                [this](std::uint32_t token, Reloader::Outcome& outcome) {
                    finish_reload(token, outcome);
                }) {
    entrance_->io = &io_;
    services_.add_to(stack_);
    services_.cmap_door().set_stats(statistics_);
}

Daemon::~Daemon() {
    {
        const std::lock_guard lock(entrance_->mutex);
        entrance_->io = nullptr;
    }
    link_.close();
}

ipc::ServerOptions Daemon::server_options() {
    ipc::ServerOptions options;
    options.services = services_.doors();
    options.name_suffix = command_line_.door_suffix();
    options.lend = true;
    options.log = [this](ipc::LogLevel level, std::string_view subsystem, const std::string& text) {
        log_.write(severity_of(level), subsystem, text);
    };
    process::Scheduling wish = scheduling_of(configuration_.cluster.system);
    wish.below = 1;
    options.on_thread_start = [wish] {
        process::become_helper("totemd-clients");
        static_cast<void>(process::set_scheduling(wish));
    };
    return options;
}

std::string Daemon::state_directory() const {
    const std::string& configured = configuration_.cluster.system.state_dir;
    return configured.empty() ? command_line_.state_directory() : configured;
}

void Daemon::say(Severity severity, std::string_view subsystem, std::string_view text) {
    log_.write(severity, subsystem, text);
}

// ---- start
// ------------------------------------------------------------------------------------------

std::optional<Failure> Daemon::open() {
    for (const auto step :
         {&Daemon::open_seal, &Daemon::open_ring_id, &Daemon::open_link, &Daemon::open_doors}) {
        if (auto failure = (this->*step)()) {
            return failure;
        }
    }
    return std::nullopt;
}

std::optional<Failure> Daemon::open_seal() {
    const config::TotemConfig& totem = configuration_.cluster.totem;
    if (!configuration_.resolved.secauth) {
        return std::nullopt;
    }
    auto key = cluster_key(totem, command_line_.key_path());
    if (!key) {
        return Failure{key.error(), kExitConfiguration};
    }
    keys_.add(std::move(*key));
    services_.start_with_key(keys_.newest());
    seal_ = std::make_unique<net::PacketSeal>(
        net::PacketSeal::Config{configuration_.resolved.self, true}, keys_.copies(services_.keys()),
        pool_, net::system_random());
    seal_->set_nodes(node_ids(configuration_.resolved));
    return std::nullopt;
}

std::optional<Failure> Daemon::open_link() {
    const config::ResolvedConfig& resolved = configuration_.resolved;
    say(Severity::kNotice, "TOTEM",
        resolved.transport == config::Transport::kUdp ? "Initializing transport (UDP/IP Multicast)."
                                                      : "Initializing transport (UDP/IP Unicast).");
    if (seal_) {
        say(Severity::kNotice, "TOTEM", "secauth: on: every frame is sealed (libsodium AEAD)");
    }
    const auto opened =
        link_.open(link_config(configuration_), driver_.link_listener(), seal_.get());
    if (!opened) {
        return Failure{opened.error().text, kExitTotem};
    }
    on_link_change(link_.up());
    return std::nullopt;
}

std::optional<Failure> Daemon::open_doors() {
    const auto started = server_.start();
    if (!started) {
        return Failure{started.error(), kExitServices};
    }
    if (services_.votes()) {
        say(Severity::kNotice, "QUORUM", "Using quorum provider corosync_votequorum");
    }
    tell_of_services("loaded", true);
    say(Severity::kInfo, "TOTEM",
        fmt::format("Configured link number {}: local addr: {}, port={}",
                    static_cast<unsigned>(configuration_.resolved.link.number),
                    configuration_.resolved.link.local.to_string(),
                    configuration_.resolved.link.port));
    if (configuration_.resolved.transport == config::Transport::kUdpu) {
        for (const config::ResolvedNode& node : configuration_.resolved.nodes) {
            say(Severity::kNotice, "TOTEM",
                fmt::format("adding new UDPU member {{{}}}", node.address.to_string()));
        }
    }
    return std::nullopt;
}

void Daemon::tell_of_services(std::string_view what, bool numbers) {
    for (const LogLine& line : service_lines(what, services_.votes(), numbers)) {
        say(line.severity, line.subsystem, line.text);
    }
}

int Daemon::run() {
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2}) {
        signals_.add(signal);
    }
    wait_for_signal();
    // Last, so that the threads that have been started do not inherit it.
    say(Severity::kInfo, "MAIN",
        process::set_scheduling(scheduling_of(configuration_.cluster.system)));
    ring_watch_.configure(configuration_.resolved.timers);
    driver_.input(Input(Start{stored_ring_seq_}));
    if (!stopping_) {
        driver_.run();
    }
    leave();
    return exit_status_;
}

// ---- what the driver tells
// --------------------------------------------------------------------------

void Daemon::on_notice(const group::Notice& notice) {
    for (const LogLine& line : to_lines(notice)) {
        say(line.severity, line.subsystem, line.text);
    }
    if (notice.kind == group::Notice::Kind::kMembershipFormed) {
        std::vector<NodeId> failed = notice.others;
        std::erase_if(failed, [this](NodeId node) { return announced_leave_.contains(node); });
        announced_leave_.clear();
        if (!failed.empty()) {
            say(Severity::kNotice, "TOTEM",
                "Failed to receive the leave message. failed: " + to_string(failed));
        }
    }
}

void Daemon::on_trace(const Trace& trace) {
    if (trace.kind == TraceKind::kLeft) {
        announced_leave_.insert(trace.peer);
    } else if (trace.kind == TraceKind::kRequested) {
        ring_watch_.on_requested(trace.a);
    } else if (trace.kind == TraceKind::kPaused) {
        const Duration late{static_cast<Duration::rep>(trace.a)};
        const auto deadline = std::chrono::system_clock::now() - late;
        const std::string text = pause_report_.on_pause(
            {now(), late, Duration{static_cast<Duration::rep>(trace.b)}, deadline});
        if (!text.empty()) {
            say(Severity::kWarning, "MAIN", text);
        }
    }
    const LogLine line = to_line(trace, configuration_.resolved.ring);
    if (!line.text.empty()) {
        say(line.severity, line.subsystem, line.text);
    }
}

void Daemon::on_link_change(bool up) {
    say(up ? Severity::kNotice : Severity::kWarning, "TOTEM",
        fmt::format("The network interface [{}] is now {}.",
                    configuration_.resolved.link.local.to_string(), up ? "up" : "down"));
}

void Daemon::on_seal_event(const net::SealEvent& event) {
    const unsigned node = raw(event.node);
    switch (event.kind) {
        case net::SealEvent::Kind::kSessionStarted:
            say(Severity::kDebug, "TOTEM", fmt::format("sealed session with node {} begins", node));
            break;
        case net::SealEvent::Kind::kDuplicateId:
            say(Severity::kError, "TOTEM",
                fmt::format("Two live nodes use node id {}: frames of the earlier one are refused",
                            node));
            break;
        case net::SealEvent::Kind::kOtherKey:
            say(Severity::kWarning, "TOTEM",
                fmt::format("Frames from the address of node {} are sealed with a key that this "
                            "node has not got: dropped. Another key file, or a change of the key "
                            "that is not done",
                            node));
            break;
    }
}

void Daemon::on_stranger(NodeId node, const net::IpAddress& source) {
    const std::string who = source.to_string();
    if (node == configuration_.resolved.ring.self) {
        say(Severity::kError, "TOTEM",
            fmt::format("Another node ({}) uses the id of this node, {}: give each its own nodeid",
                        who, raw(node)));
    } else {
        const auto& nodes = configuration_.resolved.nodes;
        const bool listed =
            std::ranges::find(nodes, node, &config::ResolvedNode::id) != nodes.end();
        say(Severity::kWarning, "TOTEM",
            fmt::format("Frames from {} name node {}, which {} in the nodelist: dropped", who,
                        raw(node), listed ? "has another address" : "is not"));
    }
}

void Daemon::before_effects(bool news) {
    memo_->use(stack_.node().ring_number_used());
    if (news) {
        services_.refresh_keys();
    }
    if (const auto access = services_.changed_access()) {
        server_.set_access(*access);
    }
    if (services_.owes_step()) {
        reply(0, 0);
    }
    if (services_.state_asked_for()) {
        dump_state();
    }
}

void Daemon::on_ready() { process::notify_systemd("READY=1\n"); }

void Daemon::on_host_request(const group::HostRequest& request) {
    switch (request.kind) {
        case group::HostRequest::Kind::kStop:
            stop(request.exit_status);
            break;
        case group::HostRequest::Kind::kReload:
            start_reload(request.token);
            break;
        case group::HostRequest::Kind::kReopenLogs:
            reopen_logs(request.token);
            break;
        case group::HostRequest::Kind::kForceGather:
            driver_.input(Input(ForceGather{}));
            break;
        case group::HostRequest::Kind::kUseKeys:
            say(Severity::kNotice, "TOTEM", keys_.use(services_.keys(), *seal_));
            break;
    }
}

void Daemon::reply(std::uint32_t token, std::uint32_t error) {
    driver_.input(group::HostReply{token, error});
}

// ---- signals
// ----------------------------------------------------------------------------------------

void Daemon::wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (!error) {
            on_signal(signal);
            wait_for_signal();
        }
    });
}

void Daemon::on_signal(int signal) {
    if (signal == SIGHUP) {
        reopen_logs(std::nullopt);
    } else if (signal == SIGUSR2) {
        dump_state();
    } else if (!stopping_) {
        say(Severity::kNotice, "MAIN", "Node was shut down by a signal");
        stop(0);
    }
}

void Daemon::dump_state() {
    for (const std::string& line : state_text(stack_, link_, pool_)) {
        say(Severity::kNotice, "MAIN", line);
    }
}

// ---- end
// --------------------------------------------------------------------------------------------

void Daemon::stop(int exit_status) {
    if (!stopping_) {
        stopping_ = true;
        exit_status_ = exit_status;
        driver_.quit();
    }
}

void Daemon::run_until(std::chrono::milliseconds limit, const std::function<bool()>& done) {
    if (done()) {
        return;
    }
    boost::asio::steady_timer timer(io_);
    const std::function<void()> look = [&] {
        timer.expires_after(kLookAgain);
        timer.async_wait([&](const boost::system::error_code& error) {
            if (!error && done()) {
                driver_.quit();
            } else if (!error) {
                look();
            }
        });
    };
    look();
    driver_.run(now() + limit);
    timer.cancel();
    io_.poll();
}

void Daemon::leave() {
    stopping_ = true;
    process::end_within(kEndAtMost, exit_status_);
    process::notify_systemd("STOPPING=1\n");
    say(Severity::kNotice, "SERV", "Unloading all Corosync service engines.");
    services_.set_stopping();
    server_.withdraw();
    run_until(kCloseClients, [this] { return server_.ended() && services_.groups_left(); });
    if (!server_.ended()) {
        say(Severity::kError, "MAIN",
            "The connections of clients do not close: leaving all the same");
    }
    driver_.take_last_requests();
    run_until(kLeaveGroups, [this] { return services_.groups_left(); });
    driver_.input(Input(Leave{}));
    driver_.perform();
    link_.close();
    tell_of_services("unloaded", false);
    ring_ids_.reset();
}

}  // namespace totem::daemon
