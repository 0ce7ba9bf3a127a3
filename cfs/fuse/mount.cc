#include "cfs/fuse/mount.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "cfs/fuse/kernel_calls.h"
#include "cfs/fuse/notifier.h"
#include "cfs/fuse/server.h"

namespace cfs {

namespace {

// fuse_session_new() wants arguments of a main(), and writes into them.
class Arguments {
  public:
    explicit Arguments(const std::string& options) {
        for (const char* word : {"cfsd", "-o", options.c_str()}) {
            fuse_opt_add_arg(&args_, word);
        }
    }
    ~Arguments() { fuse_opt_free_args(&args_); }
    Arguments(const Arguments&) = delete;
    Arguments& operator=(const Arguments&) = delete;
    Arguments(Arguments&&) = delete;
    Arguments& operator=(Arguments&&) = delete;

    fuse_args* get() { return &args_; }

  private:
    fuse_args args_ = FUSE_ARGS_INIT(0, nullptr);
};

std::string absolute(const std::string& path) {
    std::string normal = std::filesystem::path(path).lexically_normal().string();
    while (normal.size() > 1 && normal.back() == '/') {
        normal.pop_back();
    }
    return normal;
}

}  // namespace

Mount::Mount(Files& files, MountOptions options)
    : options_(std::move(options)),
      notifier_(std::make_unique<Notifier>()),
      server_(std::make_shared<Server>(files, *notifier_,
                                       Server::Options{options_.group, options_.started})) {
    options_.path = absolute(options_.path);
}

Mount::~Mount() { stop(); }

std::optional<std::string> Mount::open_session() {
    std::string words = "default_permissions,nosuid,nodev";
    words += options_.allow_other ? ",allow_other" : "";
    Arguments arguments(words);
    session_ = fuse_session_new(arguments.get(), &kernel_calls(), sizeof(fuse_lowlevel_ops),
                                server_.get());
    if (session_ == nullptr) {
        return options_.path + ": libfuse takes no session";
    }
    if (fuse_session_mount(session_, options_.path.c_str()) != 0) {
        fuse_session_destroy(std::exchange(session_, nullptr));
        return options_.path + ": cannot mount (is there a /dev/fuse, and the right to mount?)";
    }
    // The loop polls, and a request can be taken back by the kernel between poll and read.
    const int fd = fuse_session_fd(session_);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);  // NOLINT(hicpp-signed-bitwise)
    return std::nullopt;
}

std::optional<std::string> Mount::start() {
    if (auto problem = prepare_mount_point(options_.path, options_.rules)) {
        return problem;
    }
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    if (wake_ < 0) {
        return options_.path + ": no eventfd";
    }
    if (auto problem = open_session()) {
        return problem;
    }
    notifier_->start([this](const Notifier::Forget& what) {
        // Whatever the kernel says: what it does not know it has nothing to forget of.
        fuse_lowlevel_notify_inval_inode(session_, raw(what.inode), what.pages ? 0 : -1, 0);
    });
    loop_ = std::thread([this] { run(); });
    return std::nullopt;
}

void Mount::run() {
    fuse_buf buffer{};
    std::array<pollfd, 2> polled{{{fuse_session_fd(session_), POLLIN, 0}, {wake_, POLLIN, 0}}};
    while (fuse_session_exited(session_) == 0) {
        if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
            break;
        }
        if (polled[1].revents != 0) {
            break;
        }
        const int received = fuse_session_receive_buf(session_, &buffer);
        if (received > 0) {
            fuse_session_process_buf(session_, &buffer);
        } else if (received != -EINTR && received != -EAGAIN) {
            break;  // unmounted by somebody
        }
    }
    std::free(buffer.mem);  // NOLINT(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory):
                            // made by libfuse
    if (!stopping_ && options_.on_ended) {
        options_.on_ended();
    }
}

// The order is what keeps it from waiting for itself: the notifier may wait for reads, which the
// loop answers; so the loop ends after it. Requests that wait for the cluster are answered first,
// since an unmount under them would leave their callers with a worse error.
void Mount::stop() {
    if (stopping_.exchange(true)) {
        return;
    }
    server_->close();
    if (session_ != nullptr) {
        notifier_->stop();
        const std::uint64_t one = 1;
        static_cast<void>(::write(wake_, &one, sizeof one) == sizeof one);
        loop_.join();
        fuse_session_unmount(session_);  // lazily
        fuse_session_destroy(std::exchange(session_, nullptr));
    }
    if (wake_ >= 0) {
        ::close(wake_);
    }
}

void Mount::published(std::shared_ptr<const TreeView> view, const std::vector<Changed>& changed) {
    server_->published(std::move(view), changed);
}

void Mount::status_changed() { server_->status_changed(); }

std::string Mount::text(ViewKind kind) { return server_->text(kind); }

}  // namespace cfs
