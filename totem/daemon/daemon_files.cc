// Daemon, the half that has to do with files while the ring turns: the ring id, the configuration
// anew, log files. Other threads touch them; what hangs is named in the log.
#include <cerrno>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "totem/daemon/daemon.h"
#include "totem/daemon/exit_codes.h"
#include "totem/daemon/link_config.h"

namespace totem::daemon {

namespace {

constexpr const char* kOpeningLogs = "opening the log files";

}  // namespace

// ---- ring id
// ----------------------------------------------------------------------------------------

std::optional<Failure> Daemon::open_ring_id() {
    const std::string directory = state_directory();
    if (::access(directory.c_str(), W_OK | X_OK) != 0) {
        return Failure{fmt::format("Cannot chdir to state directory {}. {}", directory,
                                   std::generic_category().message(errno)),
                       kExitStateDirectory};
    }
    const NodeId self = configuration_.resolved.self;
    const auto stored = read_ring_id(directory, self, std::chrono::system_clock::now());
    if (!stored) {
        return Failure{stored.error(), kExitRingId};
    }
    if (stored->invented) {
        say(Severity::kInfo, "TOTEM",
            fmt::format("No ring id file in {}: starting from {:x}", directory, stored->seq));
    }
    memo_ = std::make_unique<RingNumberMemo>(command_line_.ring_number_path(self));
    stored_ring_seq_ = memo_->used(stored->seq).value_or(stored->seq);
    ring_ids_ = std::make_unique<RingIdStore>(
        directory, self, [this](std::uint64_t seq, const std::string& problem) {
            boost::asio::post(io_, [this, seq, problem] { on_persisted(seq, problem); });
        });
    return std::nullopt;
}

std::string Daemon::storing() const {
    return "storing the ring id in " +
           ring_id_path(state_directory(), configuration_.resolved.self);
}

void Daemon::on_persist(std::uint64_t ring_seq) {
    asked_ring_seq_ = ring_seq;
    memo_->bound_asked(ring_seq);
    slow_work_.begin(storing());
    ring_ids_->persist(ring_seq);
}

void Daemon::on_persisted(std::uint64_t seq, const std::string& problem) {
    if (!problem.empty() || seq == asked_ring_seq_) {
        slow_work_.end(storing());
    }
    if (problem.empty()) {
        ring_id_stored_ = true;
        memo_->bound_durable(seq);
        driver_.input(Input(Persisted{seq}));
        return;
    }
    // A number that may be forgotten is never sent: without one this node cannot begin. Later there
    // is a reserve, and the store tries again, so that a full disk does not end a healthy member.
    say(Severity::kCrit, "TOTEM", problem);
    if (!ring_id_stored_) {
        stop(kExitRingId);
    }
}

// ---- log files
// --------------------------------------------------------------------------------------

// What is done in the loop once the log's thread has opened the files, which may be held up by a
// disk for as long as it likes.
Log::Done Daemon::when_logs_are_open(Log::Done done) {
    slow_work_.begin(kOpeningLogs);
    return [this, entrance = entrance_, done = std::move(done)](const std::string& problem) {
        const std::lock_guard lock(entrance->mutex);
        if (entrance->io != nullptr) {
            boost::asio::post(*entrance->io, [this, done, problem] {
                slow_work_.end(kOpeningLogs);
                done(problem);
            });
        }
    };
}

// By a signal, or with a token by a client who wants to know.
void Daemon::reopen_logs(std::optional<std::uint32_t> token) {
    constexpr std::uint32_t kDone = 1;
    constexpr std::uint32_t kFailed = 2;
    log_.reopen(when_logs_are_open([this, token](const std::string& problem) {
        if (token) {
            reply(*token, problem.empty() ? kDone : kFailed);
            return;
        }
        say(problem.empty() ? Severity::kNotice : Severity::kError, "MAIN",
            problem.empty() ? "Log files opened anew" : problem);
    }));
}

// ---- reload
// -----------------------------------------------------------------------------------------

std::string Daemon::reading() const { return "reading " + command_line_.config_path(); }

void Daemon::start_reload(std::uint32_t token) {
    slow_work_.begin(reading());
    reloader_.start(token);
}

void Daemon::finish_reload(std::uint32_t token, Reloader::Outcome& outcome) {
    constexpr std::uint32_t kDone = 1;
    constexpr std::uint32_t kInvalid = 7;
    slow_work_.end(reading());
    if (outcome) {
        apply(std::move(*outcome));
        services_.reload(&configuration_, kDone);
    } else {
        for (const std::string& problem : outcome.error().lines) {
            say(Severity::kError, "CFG", "Unable to reload config file: " + problem);
        }
        services_.reload(nullptr, kInvalid);
    }
    reply(token, outcome ? kDone : kInvalid);
}

void Daemon::apply(Reloaded fresh) {
    for (const std::string& warning : fresh.configuration.warnings) {
        say(Severity::kWarning, "MAIN", warning);
    }
    for (const std::string& notice : fresh.notices) {
        say(Severity::kNotice, "CFG", notice);
    }
    configuration_ = std::move(fresh.configuration);
    log_.configure(configuration_.cluster.logging,
                   when_logs_are_open([this](const std::string& problem) {
                       if (!problem.empty()) {
                           say(Severity::kError, "MAIN", problem);
                       }
                   }));
    const net::LinkConfig link = link_config(configuration_);
    link_.set_members(link.peers, link.block_unlisted_ips);
    if (seal_ && fresh.key) {
        seal_->set_nodes(node_ids(configuration_.resolved));
        keys_.add(std::move(*fresh.key));
        services_.change_key(keys_.newest());
    }
    ring_watch_.configure(configuration_.resolved.timers);
    driver_.input(Input(Reconfigure{configuration_.resolved.ring}));
}

}  // namespace totem::daemon
