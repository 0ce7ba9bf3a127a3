// Whoever connects to a door and says nothing: any user of the host may, and libqb waits for ever.
#include <algorithm>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/totem/ipc/toy_daemon.h"

namespace {

using totem::group::ServiceId;
using toy::Client;
using toy::eventually;

// A connection that never says who it is.
class Silent {
  public:
    explicit Silent(const std::string& door) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // Abstract, padded with zeros: ipc.md 2.
        std::copy(door.begin(), door.end(), std::next(std::begin(address.sun_path)));
        connected_ =
            ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~Silent() { ::close(fd_); }
    Silent(Silent&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
    Silent(const Silent&) = delete;
    Silent& operator=(const Silent&) = delete;
    Silent& operator=(Silent&&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] bool hung_up() const {
        pollfd look{fd_, POLLIN, 0};
        return ::poll(&look, 1, 0) > 0 && (look.revents & POLLHUP) != 0;
    }

  private:
    int fd_;
    bool connected_ = false;
};

TEST(Strangers, OnlySoManyMayBeSilentAndTheOldestGoFirst) {
    constexpr std::size_t kMany = 200;
    constexpr std::size_t kMost = 64;
    totem::ipc::ServerOptions options;
    options.services = {ServiceId::kCmap, ServiceId::kCpg};
    options.name_suffix = "-strangers" + std::to_string(::getpid());
    options.log = [](totem::ipc::LogLevel, std::string_view, const std::string&) {};
    const std::string door = "cmap" + options.name_suffix;
    toy::Daemon daemon(options);
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client early(door);
    ASSERT_TRUE(early.connected());

    std::vector<Silent> silent;
    for (std::size_t i = 0; i < kMany; ++i) {
        silent.emplace_back(door);
        ASSERT_TRUE(silent.back().connected()) << i;
    }
    const auto gone = [&silent] { return std::ranges::count_if(silent, &Silent::hung_up); };
    EXPECT_TRUE(eventually([&] { return gone() == kMany - kMost; })) << gone();
    EXPECT_TRUE(
        std::ranges::all_of(silent.begin(), silent.begin() + (kMany - kMost), &Silent::hung_up));

    // Who says who it is meanwhile is served, and counts no longer.
    Client late(door);
    ASSERT_TRUE(late.connected());
    EXPECT_TRUE(late.echo(100));
    EXPECT_TRUE(early.echo(100));
}

}  // namespace
