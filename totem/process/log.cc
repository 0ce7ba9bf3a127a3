#include "totem/process/log.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <ctime>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <syslog.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

namespace totem::process {

namespace {

constexpr std::size_t kQueuedLinesMax = 8192;

std::string_view word(Severity severity) {
    static constexpr std::array<std::string_view, 9> kWords{
        "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug", "trace"};
    return kWords.at(static_cast<std::size_t>(severity));
}

std::string time_text(std::chrono::system_clock::time_point when, config::LogTimestamp kind) {
    if (kind == config::LogTimestamp::kOff) {
        return {};
    }
    const auto since = when.time_since_epoch();
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    std::size_t size = std::strftime(text.data(), text.size(), "%b %d %H:%M:%S", &parts);
    if (kind == config::LogTimestamp::kHires) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
        size += static_cast<std::size_t>(
            std::snprintf(text.data() + size, text.size() - size, ".%03d", static_cast<int>(ms)));
    }
    return {text.data(), size};
}

int facility_of(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, int>, 12> kNames{{
        {"daemon", LOG_DAEMON},
        {"local0", LOG_LOCAL0},
        {"local1", LOG_LOCAL1},
        {"local2", LOG_LOCAL2},
        {"local3", LOG_LOCAL3},
        {"local4", LOG_LOCAL4},
        {"local5", LOG_LOCAL5},
        {"local6", LOG_LOCAL6},
        {"local7", LOG_LOCAL7},
        {"user", LOG_USER},
        {"auth", LOG_AUTH},
        {"kern", LOG_KERN},
    }};
    for (const auto& [known, value] : kNames) {
        if (known == name) {
            return value;
        }
    }
    return LOG_DAEMON;
}

// An open log file, and what became of the lines that it should hold.
class LogFile {
  public:
    explicit LogFile(std::string path)
        : path_(std::move(path)),
          fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0660)) {}
    ~LogFile() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    LogFile(LogFile&&) = delete;
    LogFile& operator=(LogFile&&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

    // A line about the file itself: not one of those that it should hold.
    void write_aside(const std::string& line) const { static_cast<void>(write_all(line)); }
    // What an administrator should know of it, once each time that it begins or ends; mostly empty.
    [[nodiscard]] std::string write(const std::string& line) {
        const auto before = std::chrono::steady_clock::now();
        const int code = write_all(line);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
        if (code != 0) {
            const bool first = lost_++ == 0;
            return first ? "Can't write to logfile '" + path_ +
                               "': " + std::generic_category().message(code) + " (" +
                               std::to_string(code) + ")"
                         : std::string();
        }
        if (lost_ > 0) {
            return "Logfile '" + path_ +
                   "' is written again; lines lost: " + std::to_string(std::exchange(lost_, 0));
        }
        constexpr double kSlowSeconds = 1;
        return took.count() >= kSlowSeconds ? "Writing to logfile '" + path_ + "' took " +
                                                  std::to_string(std::lround(took.count())) + " s"
                                            : std::string();
    }

  private:
    // 0, or why a part of it could not be written.
    [[nodiscard]] int write_all(std::string_view rest) const {
        while (!rest.empty()) {
            const ssize_t written = ::write(fd_, rest.data(), rest.size());
            if (written < 0) {
                return errno;
            }
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        return 0;
    }

    const std::string path_;
    int fd_;
    std::size_t lost_ = 0;  // lines, since the last that was written
};

// Where the lines of one subsystem go. A threshold of -1 is nowhere.
struct Route {
    int stderr_max = static_cast<int>(Severity::kInfo);
    int syslog_max = -1;
    int file_max = -1;
    int facility = LOG_DAEMON;
    std::string path;

    [[nodiscard]] int most() const { return std::max({stderr_max, syslog_max, file_max}); }
};

Route make_route(const config::LogTarget& top, const config::LogTarget& own) {
    const auto pick = [](const auto& mine, const auto& general, auto otherwise) {
        return mine ? *mine : general.value_or(otherwise);
    };
    const config::LogDebug debug = pick(own.debug, top.debug, config::LogDebug::kOff);
    const auto threshold = [debug](config::LogPriority priority) {
        switch (debug) {
            case config::LogDebug::kOn:
                return static_cast<int>(Severity::kDebug);
            case config::LogDebug::kTrace:
                return static_cast<int>(Severity::kTrace);
            case config::LogDebug::kOff:
                break;
        }
        return static_cast<int>(priority);
    };
    constexpr auto kInfo = config::LogPriority::kInfo;
    const int file_max = threshold(pick(own.logfile_priority, top.logfile_priority, kInfo));
    Route route;
    route.stderr_max = pick(own.to_stderr, top.to_stderr, true) ? file_max : -1;
    route.syslog_max = pick(own.to_syslog, top.to_syslog, true)
                           ? threshold(pick(own.syslog_priority, top.syslog_priority, kInfo))
                           : -1;
    route.path = pick(own.logfile, top.logfile, std::string());
    route.file_max =
        pick(own.to_logfile, top.to_logfile, false) && !route.path.empty() ? file_max : -1;
    route.facility =
        facility_of(pick(own.syslog_facility, top.syslog_facility, std::string("daemon")));
    return route;
}

struct Routes {
    Route top;
    std::map<std::string, Route, std::less<>> subsystems;
    config::LogTimestamp timestamp = config::LogTimestamp::kHires;

    [[nodiscard]] const Route& of(std::string_view subsystem) const {
        const auto found = subsystems.find(subsystem);
        return found == subsystems.end() ? top : found->second;
    }
};

// The files of some routes, by path. Opening and closing them may take as long as the disk likes.
class LogFiles {
  public:
    // Empty, or what went wrong.
    [[nodiscard]] std::string open(const Routes& routes) {
        std::string problem = open(routes.top);
        for (const auto& [name, route] : routes.subsystems) {
            problem = problem.empty() ? open(route) : problem;
        }
        return problem;
    }
    // What an administrator should know of the file now; mostly empty.
    [[nodiscard]] std::string write(const Route& route, const std::string& line) {
        const auto found = files_.find(route.path);
        return found == files_.end() ? std::string() : found->second.write(line);
    }
    void write_aside(const Route& route, const std::string& line) const {
        const auto found = files_.find(route.path);
        if (found != files_.end()) {
            found->second.write_aside(line);
        }
    }

  private:
    [[nodiscard]] std::string open(const Route& route) {
        if (route.file_max < 0 ||
            files_.try_emplace(route.path, route.path).first->second.fd() >= 0) {
            return {};
        }
        const int code = errno;
        return "Can't open logfile '" + route.path +
               "' for reason: " + std::generic_category().message(code) + " (" +
               std::to_string(code) + ").";
    }

    std::map<std::string, LogFile> files_;
};

}  // namespace

std::string format_line(std::string_view time, Severity severity, std::string_view subsystem,
                        std::string_view text) {
    constexpr std::size_t kSeverityColumns = 7;
    constexpr std::size_t kSubsystemColumns = 6;
    std::string line(time);
    if (!line.empty()) {
        line += ' ';
    }
    line += word(severity);
    line.append(kSeverityColumns - word(severity).size() + 1, ' ');
    line += '[';
    line += subsystem;
    line.append(subsystem.size() < kSubsystemColumns ? kSubsystemColumns - subsystem.size() : 0,
                ' ');
    line += "] ";
    line += text;
    return line;
}

// Severity and subsystem travel before the text, as spdlog knows neither: one byte, the name, a
// NUL. An empty payload only wakes the sink.
class Log::Sink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    // Takes effect with the next empty message, so that what was written before goes where it was
    // meant to.
    void replace(std::shared_ptr<const Routes> routes, Done done) {
        const std::lock_guard lock(routes_mutex_);
        changes_.push_back({std::move(routes), std::move(done)});
    }
    [[nodiscard]] std::shared_ptr<const Routes> routes() const {
        const std::lock_guard lock(routes_mutex_);
        return routes_;
    }
    void detach_stderr() { stderr_open_ = false; }
    // How many lines were given up so far, for the sink to tell of. Before the log's thread starts.
    void watch_losses(std::function<std::size_t()> lost) { lost_ = std::move(lost); }
    // How often all that was written before was out.
    [[nodiscard]] std::size_t flushes() const {
        const std::lock_guard lock(flushed_mutex_);
        return flushes_;
    }
    [[nodiscard]] bool wait_for_more_flushes(std::size_t than, std::chrono::milliseconds at_most) {
        std::unique_lock lock(flushed_mutex_);
        return flushed_.wait_for(lock, at_most, [this, than] { return flushes_ > than; });
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::string_view payload(message.payload.data(), message.payload.size());
        if (payload.empty() || lost_() != told_) {
            apply_changes();  // its message may be among the lost
            tell_of_losses(message.time);
        }
        if (payload.empty()) {
            return;
        }
        const std::size_t end = payload.find('\0');
        put(message.time, static_cast<Severity>(payload[0] - '0'), payload.substr(1, end - 1),
            payload.substr(end + 1));
    }
    void flush_() override {
        const std::lock_guard lock(flushed_mutex_);
        ++flushes_;
        flushed_.notify_all();
    }

  private:
    struct Change {
        std::shared_ptr<const Routes> routes;
        Done done;
    };

    void apply_changes() {
        std::vector<Change> changes;
        {
            const std::lock_guard lock(routes_mutex_);
            changes.swap(changes_);
        }
        for (const Change& change : changes) {
            LogFiles files;
            const std::string problem = files.open(*change.routes);
            if (problem.empty()) {
                std::swap(files_, files);
                const std::lock_guard lock(routes_mutex_);
                routes_ = change.routes;
            }
            change.done(problem);
        }
    }

    void tell_of_losses(std::chrono::system_clock::time_point when) {
        const std::size_t lost = lost_() - told_;
        if (lost == 0) {
            return;
        }
        told_ += lost;
        put(when, Severity::kWarning, "MAIN",
            std::to_string(lost) +
                " log lines were lost: they came faster than they could be written");
    }

    void put(std::chrono::system_clock::time_point when, Severity severity,
             std::string_view subsystem, std::string_view text) {
        const auto routes = this->routes();
        const Route& route = routes->of(subsystem);
        const int level = static_cast<int>(severity);
        const bool to_stderr = level <= route.stderr_max && stderr_open_;
        if (to_stderr || level <= route.file_max) {
            const std::string time = time_text(when, routes->timestamp);
            const std::string line = format_line(time, severity, subsystem, text) + '\n';
            if (to_stderr) {
                static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
            }
            if (level <= route.file_max) {
                tell_of_file(route, time, files_.write(route, line));
            }
        }
        if (level <= route.syslog_max) {
            to_syslog(route, severity, subsystem, text);
        }
    }

    static void to_syslog(const Route& route, Severity severity, std::string_view subsystem,
                          std::string_view text) {
        const std::string line = format_line({}, severity, subsystem, text);
        ::syslog(std::min(static_cast<int>(severity), LOG_DEBUG) | route.facility, "%s",
                 line.c_str() + line.find('['));
    }
    // Where else lines go, and to the file itself once it can be written again.
    void tell_of_file(const Route& route, std::string_view time, const std::string& what) {
        if (what.empty()) {
            return;
        }
        const std::string line = format_line(time, Severity::kError, "MAIN", what) + '\n';
        if (stderr_open_ && route.stderr_max >= 0) {
            static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
        }
        if (route.syslog_max >= 0) {
            to_syslog(route, Severity::kError, "MAIN", what);
        }
        files_.write_aside(route, line);
    }

    mutable std::mutex routes_mutex_;
    std::shared_ptr<const Routes> routes_ = std::make_shared<const Routes>();  // by routes_mutex_
    std::vector<Change> changes_;                                              // likewise
    LogFiles files_;  // like the rest, of whoever writes
    std::function<std::size_t()> lost_ = [] { return std::size_t{0}; };
    std::size_t told_ = 0;
    std::atomic<bool> stderr_open_{true};

    mutable std::mutex flushed_mutex_;
    std::condition_variable flushed_;
    std::size_t flushes_ = 0;  // by flushed_mutex_
};

struct Log::Writer {
    std::shared_ptr<spdlog::details::thread_pool> pool;  // its end writes what is queued
    std::shared_ptr<spdlog::logger> logger;
};

Log::Log(const char* ident) : sink_(std::make_shared<Sink>()), writer_(std::make_unique<Writer>()) {
    ::openlog(ident, LOG_NDELAY, LOG_DAEMON);
    writer_->logger = std::make_shared<spdlog::logger>(ident, sink_);
}

Log::~Log() {
    writer_->logger.reset();
    writer_->pool.reset();
    ::closelog();
}

void Log::configure(const config::LoggingConfig& config, Done done) {
    auto routes = std::make_shared<Routes>();
    routes->timestamp = config.timestamp;
    routes->top = make_route(config.target, {});
    for (const config::LogSubsystem& subsystem : config.subsystems) {
        routes->subsystems[subsystem.name] = make_route(config.target, subsystem.target);
    }
    sink_->replace(std::move(routes), std::move(done));
    writer_->logger->log(spdlog::level::info, spdlog::string_view_t());
}

void Log::reopen(Done done) {
    sink_->replace(sink_->routes(), std::move(done));
    writer_->logger->log(spdlog::level::info, spdlog::string_view_t());
}

void Log::go_to_background(std::function<void()> on_thread_start) {
    writer_->pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLinesMax, 1,
                                                                   std::move(on_thread_start));
    sink_->watch_losses([pool = writer_->pool.get()] { return pool->overrun_counter(); });
    writer_->logger =
        std::make_shared<spdlog::async_logger>(writer_->logger->name(), sink_, writer_->pool,
                                               spdlog::async_overflow_policy::overrun_oldest);
}

void Log::flush() {
    // The request is queued behind what was written, and may be given up as a line may.
    constexpr std::chrono::milliseconds kAskAgain{500};
    const std::size_t before = sink_->flushes();
    do {
        writer_->logger->flush();
    } while (!sink_->wait_for_more_flushes(before, kAskAgain));
}

void Log::detach_stderr() { sink_->detach_stderr(); }

bool Log::wants(Severity severity, std::string_view subsystem) const {
    return static_cast<int>(severity) <= sink_->routes()->of(subsystem).most();
}

void Log::write(Severity severity, std::string_view subsystem, std::string_view text) {
    if (!wants(severity, subsystem)) {
        return;
    }
    std::string payload(1, static_cast<char>('0' + static_cast<int>(severity)));
    payload.append(subsystem);
    payload.push_back('\0');
    payload.append(text);
    writer_->logger->log(spdlog::level::info, spdlog::string_view_t(payload));
}

}  // namespace totem::process
