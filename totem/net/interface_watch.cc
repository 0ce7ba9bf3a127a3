#include "totem/net/interface_watch.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <memory>
#include <net/if.h>
#include <utility>

namespace totem::net {

namespace {

[[nodiscard]] bool holds(const ifaddrs& entry, const IpAddress& address) {
    if (entry.ifa_addr == nullptr ||
        (entry.ifa_addr->sa_family != AF_INET && entry.ifa_addr->sa_family != AF_INET6)) {
        return false;
    }
    sockaddr_storage storage{};
    const std::size_t size =
        entry.ifa_addr->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(&storage, entry.ifa_addr, size);
    const IpAddress found = from_socket_address(storage);
    if (address.scope != 0 && found.scope != address.scope) {
        return false;
    }
    if (found.without_scope() == address.without_scope()) {
        return true;
    }
    // All of 127/8 is local though only 127.0.0.1 is listed.
    return address.family == IpAddress::Family::kV4 && found.family == IpAddress::Family::kV4 &&
           address.is_loopback() && found.is_loopback();
}

}  // namespace

std::optional<InterfaceState> interface_of(const IpAddress& address) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return std::nullopt;
    }
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (holds(*entry, address)) {
            const unsigned index = if_nametoindex(entry->ifa_name);
            const bool up = (entry->ifa_flags & static_cast<unsigned>(IFF_UP)) != 0;
            return index == 0 ? std::nullopt : std::optional<InterfaceState>({up, index});
        }
    }
    return InterfaceState{};
}

void InterfaceWatch::open() {
    FileDescriptor socket(
        ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket.valid()) {
        return;
    }
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as sockets have it
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(socket.get(), where, sizeof address) == 0) {
        announcements_ = std::move(socket);
    }
}

bool InterfaceWatch::changed() {
    if (!announcements_.valid()) {
        return true;
    }
    bool any = std::exchange(look_again_, false);
    std::array<std::byte, 8192> ignored{};
    // More than this in one period is a storm: the rest is read in the next one.
    for (int reads = 0; reads < 64; ++reads) {
        if (::recv(announcements_.get(), ignored.data(), ignored.size(), 0) < 0) {
            return any || errno == ENOBUFS;  // ENOBUFS: announcements were lost
        }
        any = true;
    }
    return any;
}

}  // namespace totem::net
