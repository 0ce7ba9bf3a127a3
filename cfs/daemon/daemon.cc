#include "cfs/daemon/daemon.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <grp.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "cfs/daemon/exit_codes.h"
#include "cfs/store/sqlite_store.h"
#include "totem/process/read_file.h"

namespace cfs {

using std::chrono::steady_clock;
using totem::process::Failure;
using totem::process::PidFile;
using totem::process::Severity;

namespace {

constexpr std::chrono::milliseconds kLeaveAtMost{1200};  // then what is left is left
constexpr std::chrono::milliseconds kStoreAtLeast{300};
constexpr std::chrono::seconds kEndAtMost{2};  // whatever hangs then, even the log
constexpr std::chrono::milliseconds kLook{250};
constexpr std::chrono::milliseconds kGlance{10};  // while everything is opened

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    const std::string_view whole = name.data();
    return std::string(whole.substr(0, whole.find('.')));
}

Life random_life() {
    std::uint64_t number = 0;
    while (::getrandom(&number, sizeof number, 0) != sizeof number) {
    }
    return Life{number};
}

// In microseconds, as systemd asks; none: it does not.
std::optional<std::chrono::microseconds> watchdog_interval() {
    const char* text = std::getenv("WATCHDOG_USEC");  // NOLINT(concurrency-mt-unsafe)
    const long long value = text == nullptr ? 0 : std::atoll(text);  // NOLINT(cert-err34-c)
    return value > 0 ? std::optional(std::chrono::microseconds(value)) : std::nullopt;
}

sigset_t our_signals() {
    sigset_t set{};
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ::sigaddset(&set, signal);
    }
    return set;
}

}  // namespace

Daemon::Daemon(CommandLine line, totem::process::Log& log) : line_(std::move(line)), log_(log) {}

Daemon::~Daemon() = default;

void Daemon::say(Severity severity, const std::string& text) { log_.write(severity, "MAIN", text); }

void Daemon::set_debug(bool on) {
    totem::config::LoggingConfig logging;
    logging.target.to_stderr = true;  // in the background, until it has started
    logging.target.to_syslog = !line_.foreground;
    logging.target.debug = on ? totem::config::LogDebug::kOn : totem::config::LogDebug::kOff;
    log_.configure(logging, [](const std::string&) {});
}

// ---- opening ------------------------------------------------------------------------------------

std::optional<Failure> Daemon::open() {
    // Every other thread is to leave these to us.
    const sigset_t signals = our_signals();
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    set_debug(line_.debug);
    if (auto failure = lock()) {
        return failure;
    }
    const std::jthread listener([this](const std::stop_token& opened) { listen(opened); });
    return open_all();
}

// Takes the signals to stop while what comes next may hang, and cannot be told to stop.
void Daemon::listen(const std::stop_token& opened) {
    totem::process::become_helper("cfsd-signals");
    sigset_t ends{};
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGTERM);
    ::sigaddset(&ends, SIGINT);
    const timespec glance{0, std::chrono::nanoseconds(kGlance).count()};
    while (!opened.stop_requested()) {
        if (const int signal = ::sigtimedwait(&ends, nullptr, &glance); signal > 0) {
            on_signal(signal);
        }
        if (stopping_ && steady_clock::now() > leave_at_) {
            leave_behind({opening_.load()});
        }
    }
}

std::optional<Failure> Daemon::open_all() {
    opening_ = "opening the database (the disk does not answer)";
    if (auto failure = open_store()) {
        return failure;
    }
    opening_ = "mounting the files";
    decide_mode();
    published_ = std::make_unique<Published>(host_name(), loaded_->state.snapshot(),
                                             [this](bool on) { set_debug(on); });
    MountOptions options;
    options.path = line_.mount_path();
    options.started = static_cast<std::uint64_t>(std::time(nullptr));
    options.on_ended = [this] { fail(line_.mount_path() + " was unmounted"); };
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else asks
    if (const group* www = ::getgrnam("www-data"); www != nullptr) {
        options.group = www->gr_gid;
    } else {
        say(Severity::kWarning, "there is no group www-data: the files belong to group root");
    }
    mount_ = std::make_unique<Mount>(*published_, options);
    make_group();
    if (auto problem = mount_->start()) {
        return Failure{*problem, kExitStart};
    }
    group_->start(*store_, std::move(*loaded_));
    loaded_.reset();
    say(Severity::kNotice, fmt::format("{} is mounted", line_.mount_path()));
    return std::nullopt;
}

std::optional<Failure> Daemon::lock() {
    std::error_code error;
    const std::filesystem::path path = line_.pid_path();
    std::filesystem::create_directories(path.parent_path(), error);
    auto acquired = PidFile::acquire(path);
    if (!acquired) {
        const bool in_use = acquired.error().kind == totem::process::PidFileProblem::Kind::kInUse;
        return Failure{in_use ? fmt::format("another cfsd serves {} already", line_.mount_path())
                              : fmt::format("{}: {}", path.string(), acquired.error().reason),
                       kExitStart};
    }
    pid_file_ = std::make_unique<PidFile>(std::move(*acquired));
    return std::nullopt;
}

std::optional<Failure> Daemon::open_store() {
    std::error_code error;
    const std::filesystem::path path = line_.database_path();
    if (std::filesystem::create_directories(path.parent_path(), error)) {
        std::filesystem::permissions(path.parent_path(), std::filesystem::perms{0750}, error);
    }
    auto store = SqliteStore::open({path.string(), line_.backup_directory()});
    if (!store) {
        return Failure{store.error().text, kExitStart};
    }
    opened_ = std::move(*store);
    auto loaded = load_whole(*opened_);
    if (!loaded) {
        return Failure{loaded.error().text, kExitStart};
    }
    loaded_ = std::move(*loaded);
    const Summary& summary = loaded_->state.tree().summary();
    say(Severity::kNotice,
        fmt::format("{}: {} files and directories, {} bytes, version {}", path.string(),
                    summary.inodes - 1, summary.bytes, loaded_->state.tree().version()));
    return std::nullopt;
}

void Daemon::decide_mode() {
    ModeFacts facts;
    facts.asked = line_.local;
    facts.host_config = ::access(line_.corosync_conf().c_str(), F_OK) == 0;
    facts.tree_config = loaded_->state.tree().child(kRootInode, "corosync.conf") != nullptr;
    facts.was_in_cluster = loaded_->state.position().epoch != 0 || loaded_->promise.epoch != 0;
    const Mode mode = mode_of(facts);
    local_ = mode.local;
    if (!mode.line.empty()) {
        say(Severity::kNotice, mode.line);
    }
}

void Daemon::make_group() {
    GroupThread::Options options;
    options.local = local_;
    options.life = random_life();
    options.door_suffix = line_.door_suffix();
    options.corosync_conf = line_.corosync_conf();
    if (loaded_->state.position().index == 0) {
        const auto text = totem::process::read_file(line_.corosync_conf());
        options.first_corosync_conf = text ? *text : std::string();
    }
    options.on_failure = [this](const std::string& why) { fail(why); };
    options.on_status = [](const std::string& text) {
        totem::process::notify_systemd("STATUS=" + text + "\n");
    };
    group_ = std::make_unique<GroupThread>(std::move(options),
                                           GroupThread::Around{*published_, *mount_, log_});
    store_ = std::make_unique<StoreThread>(std::move(opened_), [this](StoreThread::Answer answer) {
        group_->stored(std::move(answer));
    });
    published_->set_forward([this](Wish& wish, Files::Completion& completion) {
        return group_->submit(wish, completion);
    });
}

// ---- running ------------------------------------------------------------------------------------

int Daemon::run() {
    if (!stopping_) {
        totem::process::notify_systemd("READY=1\n");
    }
    const sigset_t signals = our_signals();
    const timespec look{0, std::chrono::nanoseconds(kLook).count()};
    while (!stopping_ && !failed_) {
        const int signal = ::sigtimedwait(&signals, nullptr, &look);
        if (signal > 0) {
            on_signal(signal);
        }
        feed_watchdog();
    }
    return stop();
}

void Daemon::on_signal(int signal) {
    if (signal == SIGHUP) {
        log_.reopen([](const std::string&) {});
        say(Severity::kNotice, "log opened anew");
        return;
    }
    say(Severity::kNotice, fmt::format("stopping: {}", signal == SIGTERM ? "SIGTERM" : "SIGINT"));
    begin_to_stop();
}

// From the first word of it on there is one deadline, whatever is under way.
void Daemon::begin_to_stop() {
    if (!stopping_) {
        totem::process::end_within(kEndAtMost, kExitStuck);
        leave_at_ = steady_clock::now() + kLeaveAtMost;
        stopping_ = true;
    }
}

// The service manager hears of us while the group's thread goes round.
void Daemon::feed_watchdog() {
    static const auto interval = watchdog_interval();
    const auto now = steady_clock::now();
    if (!interval || now - rounds_seen_at_ < *interval / 3) {
        return;
    }
    const std::uint64_t rounds = group_->rounds();
    if (rounds != rounds_seen_) {
        rounds_seen_ = rounds;
        rounds_seen_at_ = now;
        totem::process::notify_systemd("WATCHDOG=1\n");
    }
}

void Daemon::fail(const std::string& why) {
    if (!failed_.exchange(true)) {
        say(Severity::kCrit, "cannot go on: " + why);
    }
}

// ---- stopping -----------------------------------------------------------------------------------

int Daemon::stop() {
    totem::process::notify_systemd("STOPPING=1\n");
    begin_to_stop();
    std::vector<std::string> stuck;
    if (!group_->stop(leave_at_)) {
        stuck.emplace_back("leaving the group (the ring daemon does not answer)");
    }
    if (!store_->stop(std::max(leave_at_, steady_clock::now() + kStoreAtLeast))) {
        stuck.emplace_back("storing the last changes (the disk does not answer)");
    }
    mount_->stop();
    if (!stuck.empty()) {
        leave_behind(stuck);
    }
    return failed_ ? kExitStart : 0;
}

// Threads still run that use what we own: there is no way to end but this one.
void Daemon::leave_behind(const std::vector<std::string>& stuck) {
    for (const std::string& what : stuck) {
        say(Severity::kError, "not done in time: " + what);
    }
    say(Severity::kNotice, "ends all the same");
    pid_file_.reset();
    log_.flush();
    ::_exit(kExitStuck);
}

}  // namespace cfs
