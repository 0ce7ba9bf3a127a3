#include "totem/process/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace totem::process {

namespace {

std::string reason(int code) {
    return fmt::format("{} ({})", std::generic_category().message(code), code);
}

}  // namespace

Result<PidFile, PidFileProblem> PidFile::acquire(const std::string& path) {
    using Kind = PidFileProblem::Kind;
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return Unexpected{PidFileProblem{Kind::kOpen, reason(errno)}};
    }
    PidFile file({}, fd);  // without a path until it is ours to remove
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_SETLK, &whole) != 0) {
        const bool in_use = errno == EAGAIN || errno == EACCES;
        return Unexpected{PidFileProblem{in_use ? Kind::kInUse : Kind::kLock, reason(errno)}};
    }
    const std::string text = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd, 0) != 0 ||
        ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return Unexpected{PidFileProblem{Kind::kWrite, reason(errno)}};
    }
    file.path_ = path;
    return file;
}

PidFile::PidFile(PidFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::exchange(other.fd_, -1)) {}

PidFile::~PidFile() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Result<Background, std::string> Background::enter() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return Unexpected{"Can't create a pipe: " + reason(errno)};
    }
    const pid_t child = ::fork();
    if (child < 0) {
        return Unexpected{"Can't fork: " + reason(errno)};
    }
    if (child == 0) {
        ::close(ends[0]);
        ::setsid();
        return Background(ends[1]);
    }
    ::close(ends[1]);
    unsigned char code = 1;
    if (::read(ends[0], &code, 1) != 1) {
        // It died without a word; its own status says more than we could.
        int status = 0;
        ::waitpid(child, &status, 0);
        code = WIFEXITED(status) ? static_cast<unsigned char>(WEXITSTATUS(status)) : 1;
    }
    ::_exit(code);
}

Background::Background(Background&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Background& Background::operator=(Background&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Background::~Background() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void Background::tell(int exit_code) {
    if (fd_ < 0) {
        return;
    }
    if (exit_code == 0) {
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
            ::dup2(null, stream);
        }
        ::close(null);
    }
    const auto code = static_cast<unsigned char>(exit_code);
    static_cast<void>(!::write(fd_, &code, 1));
    ::close(std::exchange(fd_, -1));
}

std::string lock_memory() {
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_MEMLOCK, &all) != 0) {
        return "Could not increase RLIMIT_MEMLOCK, not locking memory: " + reason(errno);
    }
    // On fault: what is never touched (stacks, most of each client's memory) costs nothing.
    if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
        return "Could not lock memory of service to avoid page faults: " + reason(errno);
    }
    return {};
}

std::string set_scheduling(const Scheduling& wish) {
    if (!wish.realtime) {
        return "running with normal scheduling, as configured (system.sched_rr: no)";
    }
    const int least = ::sched_get_priority_min(SCHED_RR);
    const int most = ::sched_get_priority_max(SCHED_RR);
    sched_param param{};
    param.sched_priority = wish.least ? least : wish.priority.value_or(most);
    param.sched_priority = std::clamp(param.sched_priority - wish.below, least, most);
    if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) == 0) {
        return fmt::format("running with SCHED_RR priority {}", param.sched_priority);
    }
    const int code = errno;
    constexpr int kHighest = -20;
    const bool nice = ::setpriority(PRIO_PROCESS, 0, kHighest) == 0;
    return fmt::format("Could not set SCHED_RR at priority {}: {}; running with {} scheduling",
                       param.sched_priority, reason(code),
                       nice ? "the highest priority of normal" : "normal");
}

void become_helper(const char* name) {
    ::pthread_setname_np(::pthread_self(), name);
    sigset_t blocked{};
    ::sigfillset(&blocked);
    for (const int signal : {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP}) {
        ::sigdelset(&blocked, signal);
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

void raise_descriptor_limit() {
    rlimit limit{};
    constexpr rlim_t kWanted = 8192;
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kWanted) {
        limit.rlim_cur = std::min(limit.rlim_max, kWanted);
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void end_within(std::chrono::seconds limit, int exit_status) {
    static volatile std::sig_atomic_t status = 0;
    status = exit_status;
    std::signal(SIGALRM, [](int) { ::_exit(status); });
    ::alarm(static_cast<unsigned>(limit.count()));
}

void notify_systemd(std::string_view state) {
    const char* path =
        std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): never set by us
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path == nullptr || (path[0] != '/' && path[0] != '@') ||
        std::strlen(path) >= sizeof to.sun_path) {
        return;
    }
    std::strcpy(to.sun_path, path);  // NOLINT: measured above
    if (to.sun_path[0] == '@') {
        to.sun_path[0] = '\0';
    }
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as sockets have it
    const auto* where = reinterpret_cast<const sockaddr*>(&to);
    static_cast<void>(::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, where, size));
    ::close(fd);
}

}  // namespace totem::process
