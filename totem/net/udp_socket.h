// The sockets of a link and the conversion of addresses for the kernel. Plain system calls.
//
// Source: wire.md 1 (which socket is bound to what, and with which options).
#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>

#include "totem/core/result.h"
#include "totem/net/address.h"
#include "totem/net/file_descriptor.h"

namespace totem::net {

// What the kernel wants for an address and a port.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};
[[nodiscard]] SocketAddress to_socket_address(const IpAddress& address, std::uint16_t port);
// kNone for a family that is neither IPv4 nor IPv6.
[[nodiscard]] IpAddress from_socket_address(const sockaddr_storage& storage);

// The system call that failed, and why.
struct SocketError {
    const char* call = "";
    int code = 0;
};

struct BindOptions {
    bool reuse_address = false;
    bool broadcast = false;
};

// A non-blocking UDP socket bound to address:port, with large buffers and the priority of cluster
// traffic. The address need not be on an interface yet.
[[nodiscard]] Result<FileDescriptor, SocketError> open_socket(const IpAddress& address,
                                                              std::uint16_t port,
                                                              const BindOptions& options);

// How multicasts leave through `fd`: on the interface of `local`, not looped back. Errors are
// returned as errno, 0 is success.
struct MulticastOut {
    IpAddress local;
    unsigned interface_index = 0;
    std::uint8_t ttl = 1;
};
[[nodiscard]] int set_multicast_out(int fd, const MulticastOut& out);
// Joins `group` on the interface of `local`, afresh when the socket was a member already. Groups
// that other sockets of this host joined are not delivered to it.
[[nodiscard]] int join_group(int fd, const IpAddress& group, const IpAddress& local,
                             unsigned interface_index);

}  // namespace totem::net
