#include "totem/host/facts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace totem::host {

namespace {

std::vector<config::HostInterface> local_interfaces() {
    std::vector<config::HostInterface> found;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return found;
    }
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const auto address = to_address(entry->ifa_addr);
        if (!address) {
            continue;
        }
        config::HostInterface interface;
        interface.name = entry->ifa_name;
        interface.address = *address;
        interface.up = (entry->ifa_flags & IFF_UP) != 0;
        if (const auto mask = to_address(entry->ifa_netmask)) {
            for (const std::uint8_t byte : mask->bytes) {
                interface.prefix += static_cast<unsigned>(std::popcount(byte));
            }
        }
        found.push_back(std::move(interface));
    }
    ::freeifaddrs(list);
    return found;
}

}  // namespace

std::optional<config::IpAddress> to_address(const sockaddr* from) {
    config::IpAddress address;
    if (from != nullptr && from->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, from, sizeof v4);
        address.family = config::IpAddress::Family::kV4;
        std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
        return address;
    }
    if (from != nullptr && from->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, from, sizeof v6);
        address.family = config::IpAddress::Family::kV6;
        std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
        return address;
    }
    return std::nullopt;
}

std::vector<config::IpAddress> look_up(const std::string& name) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* list = nullptr;
    std::vector<config::IpAddress> found;
    if (::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) {
        return found;
    }
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        const auto address = to_address(entry->ai_addr);
        if (address && std::ranges::find(found, *address) == found.end()) {
            found.push_back(*address);
        }
    }
    ::freeaddrinfo(list);
    return found;
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

config::HostFacts facts_for(const config::ClusterConfig& cluster) {
    const config::Lookups wanted = config::lookups(cluster);
    config::HostFacts facts;
    facts.hostname = host_name();
    facts.interfaces = local_interfaces();
    for (const std::string& name : wanted.names) {
        facts.resolved[name] = look_up(name);
    }
    std::array<char, 4096> room{};
    for (const std::string& name : wanted.users) {
        passwd entry{};
        passwd* found = nullptr;
        if (::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found) == 0 && found) {
            facts.users[name] = entry.pw_uid;
        }
    }
    for (const std::string& name : wanted.groups) {
        struct ::group entry {};
        struct ::group* found = nullptr;
        if (::getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found) == 0 && found) {
            facts.groups[name] = entry.gr_gid;
        }
    }
    return facts;
}

}  // namespace totem::host
