#include "pvecm/system_host.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <sys/random.h>
#include <syslog.h>
#include <unistd.h>

#include "totem/host/facts.h"

namespace pvecm {

bool SystemHost::is_root() { return ::geteuid() == 0; }

std::string SystemHost::operator_name() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const char* behind_sudo = std::getenv("SUDO_USER");
    return behind_sudo != nullptr ? std::string{behind_sudo} + " (sudo)"
                                  : "user id " + std::to_string(::getuid());
}

std::string SystemHost::host_name() { return totem::host::host_name(); }

std::vector<totem::config::IpAddress> SystemHost::look_up(const std::string& name) {
    return totem::host::look_up(name);
}

totem::config::HostFacts SystemHost::facts_for(const totem::config::ClusterConfig& config) {
    return totem::host::facts_for(config);
}

std::string SystemHost::date() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    std::array<char, 64> text{};
    const auto size = std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y",
                                    ::localtime_r(&now, &local));
    return {text.data(), size};
}

bool SystemHost::draw_random(std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t drawn = ::getrandom(out.data(), out.size(), 0);
        if (drawn < 0 && errno != EINTR) {
            return false;
        }
        out = out.subspan(drawn < 0 ? 0 : static_cast<std::size_t>(drawn));
    }
    return true;
}

void SystemHost::log(const std::string& line) {
    ::openlog("pvecm", LOG_PID, LOG_DAEMON);
    ::syslog(LOG_NOTICE, "%s", line.c_str());
    ::closelog();
}

}  // namespace pvecm
