#include "cfs/fuse/mount_point.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <system_error>
#include <thread>

namespace cfs {

namespace {

// mountinfo writes blanks and the like in octal: "\040".
std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

std::string text_of(int error) { return std::generic_category().message(error); }

// The errno of asking what is mounted there; absent: no answer in time. By statfs(2), since the
// kernel may answer stat(2) from what it was told before. Who is mounted there may hang for ever,
// so somebody else asks.
std::optional<int> probe(const std::string& path, std::chrono::milliseconds patience) {
    auto promise = std::make_shared<std::promise<int>>();
    std::future<int> answer = promise->get_future();
    std::thread([promise, path] {
        struct statfs st {};
        promise->set_value(::statfs(path.c_str(), &st) == 0 ? 0 : errno);
    }).detach();
    if (answer.wait_for(patience) != std::future_status::ready) {
        return std::nullopt;
    }
    return answer.get();
}

// Nothing, when what is mounted there was dead and is gone.
std::optional<std::string> remove_dead(const std::string& path, const std::string& type,
                                       std::chrono::milliseconds patience) {
    const std::string what = path + ": there is a filesystem of type " + type + " mounted on it";
    if (type != "fuse") {
        return what;
    }
    const auto error = probe(path, patience);
    if (!error) {
        return what + " that does not answer";
    }
    if (*error != ENOTCONN && *error != ECONNABORTED) {
        return what;
    }
    // Nobody is behind it any more; whoever still uses it keeps only errors.
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) {
        return path + ": cannot unmount what a dead daemon left: " + text_of(errno);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> mounted_type(const std::string& path) {
    std::ifstream in("/proc/self/mountinfo");
    std::optional<std::string> type;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string word;
        std::string point;
        for (int i = 0; i < 5; ++i) {
            words >> point;
        }
        if (unescaped(point) != path) {
            continue;
        }
        while (words >> word && word != "-") {
        }
        words >> word;
        type = word;  // a later line lies above an earlier one
    }
    return type;
}

std::optional<std::string> prepare_mount_point(const std::string& path,
                                               const MountPointRules& rules) {
    namespace fs = std::filesystem;
    if (path.empty() || path.front() != '/') {
        return path + ": the mount point must be an absolute path";
    }
    for (auto type = mounted_type(path); type; type = mounted_type(path)) {
        if (auto problem = remove_dead(path, *type, rules.patience)) {
            return problem;
        }
    }
    std::error_code error;
    fs::create_directories(path, error);
    if (error) {
        return path + ": cannot make the mount point: " + error.message();
    }
    if (fs::is_symlink(fs::symlink_status(path, error))) {
        return path + ": the mount point is a symbolic link";
    }
    const bool empty = fs::is_empty(path, error);
    if (error) {
        return path + ": cannot read the mount point: " + error.message();
    }
    if (!empty && !rules.over_content) {
        return path + ": the mount point is not empty";
    }
    return std::nullopt;
}

}  // namespace cfs
