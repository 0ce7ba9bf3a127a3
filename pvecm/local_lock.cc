#include "pvecm/local_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <thread>
#include <utility>

namespace pvecm {

totem::Result<LocalLock, std::string> LocalLock::take(const std::string& path,
                                                      std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds kPause{50};
    const auto refused = [&](const std::string& why) {
        return totem::Unexpected{"can't lock file '" + path + "' - " + why};
    };
    totem::net::FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file.valid()) {
        return refused(std::generic_category().message(errno));
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    // flock() itself knows no deadline.
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return refused(std::generic_category().message(errno));
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            return refused("got timeout");
        }
        std::this_thread::sleep_for(kPause);
    }
    return LocalLock{std::move(file)};
}

}  // namespace pvecm
