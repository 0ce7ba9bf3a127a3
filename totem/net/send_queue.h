// Datagrams on their way out: collected during a step, handed to the kernel with one system call.
//
// Nothing is retried: a datagram that the kernel refuses is counted and the next one is tried, so a
// full socket or a lost interface costs a bounded number of calls and never the token of the same
// flush.
//
// Source: sendmmsg(2); architecture.md section 1 (scatter-gather of header and frame).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

#include "totem/core/effects.h"
#include "totem/core/frame.h"
#include "totem/net/udp_socket.h"

namespace totem::net {

class SendQueue {
  public:
    struct Outcome {
        std::uint64_t sent = 0;
        std::uint64_t full = 0;    // EAGAIN, ENOBUFS
        std::uint64_t failed = 0;  // anything else
        int last_error = 0;        // errno of the last `failed`
    };

    // Queues `head` then `body` to one destination, or to each of `targets`. The bytes of `head`
    // are copied, the frame is shared, the addresses must stay valid until send().
    void add(std::span<const std::byte> head, FrameRef body,
             std::span<const SocketAddress> targets);

    // What goes to this destination leaves before the rest; to each destination the order stays.
    void hasten(const SocketAddress& destination) { first_ = &destination; }

    [[nodiscard]] bool empty() const noexcept { return targets_.empty(); }
    // Sends all through `fd` and forgets them.
    [[nodiscard]] Outcome send(int fd);
    void clear();

  private:
    struct Item {
        std::array<std::byte, sizeof(Datagram::head)> head{};
        std::size_t head_size = 0;
        FrameRef body;
    };
    struct Target {
        std::uint32_t item = 0;
        const SocketAddress* address = nullptr;
    };

    void build();
    void append_header(const Target& target);
    void deliver(int fd, Outcome& outcome);

    std::vector<Item> items_;
    std::vector<Target> targets_;
    const SocketAddress* first_ = nullptr;
    // Reused between flushes; as many as items_ and targets_.
    std::vector<std::array<iovec, 2>> vectors_;
    std::vector<mmsghdr> headers_;
};

}  // namespace totem::net
