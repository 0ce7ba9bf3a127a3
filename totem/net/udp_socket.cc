#include "totem/net/udp_socket.h"

#include <cerrno>
#include <cstring>
namespace totem::net {

namespace {

// Holds several rotations of a full window at the kernel's accounting of about twice the frame
// size.
constexpr int kBufferBytes = 8 * 1024 * 1024;
// TC_PRIO_INTERACTIVE, the highest an unprivileged process may ask for: ahead of bulk traffic.
constexpr int kPriority = 6;

[[nodiscard]] int set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : errno;
}

void raise_buffers(int fd) {
    // The forced form passes the system's limit but needs CAP_NET_ADMIN; the plain one is cut to
    // it.
    if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes) != 0) {
        static_cast<void>(set_option(fd, SOL_SOCKET, SO_RCVBUF, kBufferBytes));
    }
    if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, kBufferBytes) != 0) {
        static_cast<void>(set_option(fd, SOL_SOCKET, SO_SNDBUF, kBufferBytes));
    }
}

// Binding to an address that is not there (yet) lets a node start before its network does.
[[nodiscard]] int allow_absent_address(int fd, IpAddress::Family family) {
    return family == IpAddress::Family::kV4 ? set_option(fd, IPPROTO_IP, IP_FREEBIND, 1)
                                            : set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
}

[[nodiscard]] in_addr to_in_addr(const IpAddress& address) {
    in_addr result{};
    std::memcpy(&result, address.bytes.data(), sizeof result);
    return result;
}

[[nodiscard]] in6_addr to_in6_addr(const IpAddress& address) {
    in6_addr result{};
    std::memcpy(&result, address.bytes.data(), sizeof result);
    return result;
}

// Sets what every socket gets; the name of the call that failed or nullptr.
[[nodiscard]] const char* set_common(int fd, IpAddress::Family family, const BindOptions& options) {
    if (options.reuse_address && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0) {
        return "SO_REUSEADDR";
    }
    if (options.broadcast && set_option(fd, SOL_SOCKET, SO_BROADCAST, 1) != 0) {
        return "SO_BROADCAST";
    }
    if (family == IpAddress::Family::kV6 && set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0) {
        return "IPV6_V6ONLY";
    }
    if (allow_absent_address(fd, family) != 0) {
        return "IP_FREEBIND";
    }
    static_cast<void>(set_option(fd, SOL_SOCKET, SO_PRIORITY, kPriority));
    raise_buffers(fd);
    return nullptr;
}

}  // namespace

SocketAddress to_socket_address(const IpAddress& address, std::uint16_t port) {
    SocketAddress result;
    if (address.family == IpAddress::Family::kV4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        v4.sin_addr = to_in_addr(address);
        std::memcpy(&result.storage, &v4, sizeof v4);
        result.size = sizeof v4;
    } else if (address.family == IpAddress::Family::kV6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        v6.sin6_addr = to_in6_addr(address);
        v6.sin6_scope_id = address.scope;
        std::memcpy(&result.storage, &v6, sizeof v6);
        result.size = sizeof v6;
    }
    return result;
}

IpAddress from_socket_address(const sockaddr_storage& storage) {
    IpAddress address;
    if (storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage, sizeof v4);
        std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
        address.family = IpAddress::Family::kV4;
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage, sizeof v6);
        std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
        address.family = IpAddress::Family::kV6;
        address.scope = v6.sin6_scope_id;
    }
    return address;
}

Result<FileDescriptor, SocketError> open_socket(const IpAddress& address, std::uint16_t port,
                                                const BindOptions& options) {
    const int family = address.family == IpAddress::Family::kV4 ? AF_INET : AF_INET6;
    FileDescriptor socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) {
        return Unexpected{SocketError{"socket", errno}};
    }
    if (const char* failed = set_common(socket.get(), address.family, options)) {
        return Unexpected{SocketError{failed, errno}};
    }
    const SocketAddress target = to_socket_address(address, port);
    sockaddr_storage storage = target.storage;
    if (::bind(socket.get(),
               reinterpret_cast<const sockaddr*>(
                   &storage),  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
               target.size) != 0) {
        return Unexpected{SocketError{"bind", errno}};
    }
    return socket;
}

int set_multicast_out(int fd, const MulticastOut& out) {
    int failed = 0;
    const auto set = [&](int level, int name, int value) {
        const int code = set_option(fd, level, name, value);
        failed = failed == 0 ? code : failed;
    };
    if (out.local.family == IpAddress::Family::kV4) {
        ip_mreqn request{};
        request.imr_address = to_in_addr(out.local);
        request.imr_ifindex = static_cast<int>(out.interface_index);
        if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) != 0) {
            failed = errno;
        }
        set(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
        set(IPPROTO_IP, IP_MULTICAST_TTL, out.ttl);
        return failed;
    }
    set(IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(out.interface_index));
    set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
    set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, out.ttl);
    return failed;
}

int join_group(int fd, const IpAddress& group, const IpAddress& local, unsigned interface_index) {
    if (group.family == IpAddress::Family::kV4) {
        ip_mreqn request{};
        request.imr_multiaddr = to_in_addr(group);
        request.imr_address = to_in_addr(local);
        request.imr_ifindex = static_cast<int>(interface_index);
        static_cast<void>(set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0));
        // A membership outlives the address that it was made for, but is dead: leave it first.
        setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &request, sizeof request);
        return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0 ? 0
                                                                                            : errno;
    }
    ipv6_mreq request{};
    request.ipv6mr_multiaddr = to_in6_addr(group);
    request.ipv6mr_interface = interface_index;
    static_cast<void>(set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0));
    setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &request, sizeof request);
    return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request) == 0 ? 0 : errno;
}

}  // namespace totem::net
