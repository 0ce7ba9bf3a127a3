#include "cfs/daemon/host_config.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <pthread.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "totem/process/read_file.h"

namespace cfs {

namespace client = totem::client;
using client::Door;

namespace {

constexpr std::chrono::seconds kOthersWrite{1};    // before the node that made the change asks
constexpr std::chrono::seconds kStillOldAfter{6};  // then a node whose ring daemon was missed asks

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t first = text.find_first_not_of(kBlank);
    return first == std::string_view::npos
               ? std::string_view{}
               : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string problem(const std::string& what, const std::string& path) {
    return what + " " + path + ": " + std::generic_category().message(errno);
}

bool write_all(int fd, std::string_view rest) {
    while (!rest.empty()) {
        const ssize_t written = ::write(fd, rest.data(), rest.size());
        if (written < 0) {
            return false;
        }
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

bool sync_directory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) {
        ::close(fd);
    }
    return synced;
}

// Whole and durable under its name, or as before. Empty, or what is wrong.
std::string replace_file(const std::string& path, std::string_view text) {
    constexpr mode_t kMode = 0644;
    const std::string fresh = path + ".cfsd-new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
    if (fd < 0) {
        return problem("cannot create", fresh);
    }
    const bool written = ::fchmod(fd, kMode) == 0 && write_all(fd, text) && ::fsync(fd) == 0;
    std::string wrong = written ? std::string() : problem("cannot write", fresh);
    ::close(fd);
    if (wrong.empty() && ::rename(fresh.c_str(), path.c_str()) != 0) {
        wrong = problem("cannot replace", path);
    }
    if (!wrong.empty()) {
        ::unlink(fresh.c_str());
        return wrong;
    }
    return sync_directory(std::filesystem::path(path).parent_path())
               ? std::string()
               : problem("cannot sync the directory of", path);
}

}  // namespace

std::optional<std::uint64_t> config_version_of(std::string_view text) {
    constexpr std::string_view kKey = "config_version";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.starts_with(kKey)) {
            continue;
        }
        line = trimmed(line.substr(kKey.size()));
        if (!line.starts_with(':')) {
            continue;
        }
        line = trimmed(line.substr(1));
        std::uint64_t version = 0;
        const auto parsed = std::from_chars(line.data(), line.data() + line.size(), version);
        if (parsed.ec == std::errc{} && parsed.ptr == line.data() + line.size()) {
            return version;
        }
    }
    return std::nullopt;
}

// What the thread needs, so that it may outlive its owner when a disk hangs.
struct HostConfig::Shared {
    std::string path;
    std::function<void(Written)> done;  // by mutex; empty once the owner is gone
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<std::string> text;  // to be copied
    bool ended = false;

    void run();
    [[nodiscard]] Written copy(const std::string& from_tree) const;
};

void HostConfig::Shared::run() {
    std::unique_lock lock(mutex);
    for (;;) {
        changed.wait(lock, [this] { return ended || text; });
        if (ended) {
            return;
        }
        const std::string wanted = std::move(*text);
        text.reset();
        lock.unlock();
        Written written = copy(wanted);
        lock.lock();
        if (done) {
            done(std::move(written));
        }
    }
}

HostConfig::Written HostConfig::Shared::copy(const std::string& from_tree) const {
    const auto wanted = config_version_of(from_tree);
    if (!wanted) {
        return {0, false,
                "corosync.conf in the tree has no config_version: " + path + " stays as it is"};
    }
    const auto present = totem::process::read_file(path);
    if (!present && present.error() != ENOENT) {
        errno = present.error();
        return {0, false, problem("cannot read", path)};
    }
    const std::uint64_t version = present ? config_version_of(*present).value_or(0) : 0;
    if (present && version >= *wanted) {
        return {version, false, {}};
    }
    std::string wrong = replace_file(path, from_tree);
    const bool replaced = wrong.empty();
    return {replaced ? *wanted : version, replaced, std::move(wrong)};
}

HostConfig::HostConfig(std::string path, std::function<void(Written)> done)
    : shared_(std::make_shared<Shared>()) {
    shared_->path = std::move(path);
    shared_->done = std::move(done);
    std::thread thread([shared = shared_] { shared->run(); });
    ::pthread_setname_np(thread.native_handle(), "cfsd-config");
    thread.detach();
}

HostConfig::~HostConfig() {
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = true;
    shared_->done = {};
    shared_->changed.notify_all();
}

void HostConfig::look(Instant /*now*/, const TreeView& tree, NodeId self) {
    const EntryRef entry = tree.child(kRootInode, "corosync.conf");
    if (!entry || entry->is_directory() || entry->version == seen_version_) {
        return;
    }
    mine_ = seen_version_ != 0 && entry->writer == self;
    seen_version_ = entry->version;
    std::string text(entry->content.size(), '\0');
    entry->content.read(0, std::as_writable_bytes(std::span(text)));
    if (text.empty()) {
        return;  // made, and not written yet
    }
    const std::lock_guard lock(shared_->mutex);
    shared_->text = std::move(text);
    shared_->changed.notify_all();
}

void HostConfig::on_written(Instant now, const Written& written) {
    if (written.replaced) {
        host_version_ = written.version;
        plan(now + (mine_ ? kOthersWrite : kStillOldAfter));
    }
}

void HostConfig::on_running(Instant /*now*/, std::uint64_t version) {
    running_version_ = version;
    if (running_version_ >= host_version_) {
        ask_at_.reset();
    }
}

// ---- the reload ---------------------------------------------------------------------------------

void HostConfig::plan(Instant at) { ask_at_ = at; }

std::optional<Instant> HostConfig::wake_at() const {
    return asking_ == Asking::kNo ? ask_at_ : std::nullopt;
}

void HostConfig::wake(Instant now, std::vector<client::Action>& actions) {
    if (asking_ == Asking::kNo && ask_at_ && now >= *ask_at_) {
        ask_at_.reset();
        asking_ = Asking::kConnecting;
        actions.emplace_back(client::Connect{Door::kCfg});
    }
}

std::string HostConfig::on_door(Instant now, const client::Input& input,
                                std::vector<client::Action>& actions) {
    constexpr std::chrono::milliseconds kAgain{100};
    if (std::holds_alternative<client::Connected>(input)) {
        asking_ = Asking::kAsked;
        request_ = client::cfg_reload();
        actions.emplace_back(client::Request{Door::kCfg, request_});
    } else if (std::holds_alternative<client::NotTaken>(input)) {
        asking_ = Asking::kNo;
        actions.emplace_back(client::Disconnect{Door::kCfg});
        plan(now + kAgain);
    } else if (const auto* reply = std::get_if<client::Reply>(&input)) {
        asking_ = Asking::kNo;
        actions.emplace_back(client::Disconnect{Door::kCfg});
        const auto header = client::decode_header(reply->bytes);
        if (header && header->error == client::Error::kTryAgain) {
            plan(now + kAgain);
            return {};
        }
        return header && header->error == client::Error::kOk
                   ? "the ring daemons have read the new corosync.conf"
                   : "the ring daemon refuses the new corosync.conf; its log says why";
    } else if (std::holds_alternative<client::ConnectFailed>(input) ||
               std::holds_alternative<client::Disconnected>(input)) {
        asking_ = Asking::kNo;
        return "the ring daemon does not answer; it reads the new corosync.conf when it starts";
    }
    return {};
}

}  // namespace cfs
