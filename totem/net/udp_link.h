// One network of the ring: UDP with multicast (udp) or with a datagram per peer (udpu).
//
// The link moves whole frames between the wire and the driver's loop and decides nothing else. It
// never blocks: what the kernel does not take now is dropped and counted, as the network would drop
// it, and the ring's retransmission repairs it. Datagrams of sources that are not in the node list
// are dropped before anybody looks at their bytes.
//
// What belongs to one sealed ring is opened and sealed here when a PacketSeal is given, so that the
// driver sees only authentic plain frames.
//
// Source: wire.md 1 and 4 (sockets, ports, who sends what where), totem.md 6.4 and 9 (row 21: data
// before the token), config.md 3 and 4 (options).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "totem/core/effects.h"
#include "totem/core/frame.h"
#include "totem/core/result.h"
#include "totem/core/types.h"
#include "totem/net/address.h"
#include "totem/net/packet_seal.h"
#include "totem/net/ready_set.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace totem::net {

enum class Transport : std::uint8_t { kUdp, kUdpu };

// A node of the node list and its address on this link.
struct Peer {
    NodeId node = kNoNode;
    IpAddress address;
};

struct LinkConfig {
    LinkId link{};
    Transport transport = Transport::kUdpu;
    NodeId self = kNoNode;
    IpAddress local;            // ring0_addr of this node (ringN_addr on link N)
    std::uint16_t port = 5405;  // mcastport; udp also uses port - 1
    std::vector<Peer> peers;    // the node list, with or without this node
    bool block_unlisted_ips = true;
    std::chrono::milliseconds downcheck{1000};  // how often the interface is looked at
    // How long a node is not believed after it introduced itself as another; who is another does so
    // again within less.
    std::chrono::milliseconds posing{10000};

    // udp only.
    IpAddress group;         // mcastaddr, of the family of `local`
    bool broadcast = false;  // IPv4: to 255.255.255.255 instead of the group
    std::uint8_t ttl = 1;
};

// All since open(). What is dropped is dropped for good.
struct LinkStats {
    std::uint64_t frames_received = 0;
    std::uint64_t frames_sent = 0;      // datagrams: a udpu multicast counts once per peer
    std::uint64_t unlisted_source = 0;  // dropped: not in the node list
    std::uint64_t unlisted_node = 0;    // dropped: names a node that it may not come from
    std::uint64_t own_source = 0;       // dropped: our own address (an echo, or a forgery)
    std::uint64_t truncated = 0;        // dropped: larger than any datagram, or empty
    std::uint64_t seal_refused = 0;     // dropped by the seal, handshakes not counted
    std::uint64_t receive_errors = 0;
    std::uint64_t send_full = 0;    // not sent: no room in the socket or the device
    std::uint64_t send_errors = 0;  // not sent: unreachable, interface down, too large
    std::uint64_t no_address = 0;   // not sent: destination is not in the node list
    int last_send_error = 0;        // errno of the last send_errors
    IpAddress last_unlisted;        // source of the last unlisted_source
};

struct LinkError {
    std::string text;  // one line for the log
    int code = 0;      // errno
};

// What the link tells the driver. Called from the ready set or the io_context only, never from
// inside queue() or flush(). Every call of the link, close() included, is allowed from inside.
class LinkListener {
  public:
    LinkListener() = default;
    LinkListener(const LinkListener&) = delete;
    LinkListener& operator=(const LinkListener&) = delete;
    LinkListener(LinkListener&&) = delete;
    LinkListener& operator=(LinkListener&&) = delete;
    virtual ~LinkListener() = default;

    // One batch of frames from other nodes: everything else first, tokens and commit tokens last,
    // each kind in the order of arrival. The frames may be moved out of the span. Never empty.
    virtual void on_frames(LinkId link, std::span<FrameRef> frames) = 0;
    // The interface of `local` lost or regained its address, or was set down or up.
    virtual void on_link_change(LinkId link, bool up) = 0;
    // A frame was dropped for the node that it names: one that is not in the node list, or
    // one that its sender is not: it introduced itself last (join, merge detect) as another node
    // than its address has there, perhaps as this one. At most once in kStrangerInterval for each
    // address of the list.
    virtual void on_stranger(NodeId node, const IpAddress& source) {
        static_cast<void>(node);
        static_cast<void>(source);
    }
    // News of the seal, before the frames of the same batch.
    virtual void on_seal_event(LinkId link, const SealEvent& event) {
        static_cast<void>(link);
        static_cast<void>(event);
    }
};

class UdpLink {
  public:
    // How often strangers are reported.
    static constexpr std::chrono::seconds kStrangerInterval{60};

    // All must outlive the link. It receives through `ready`, and keeps time in the io_context.
    UdpLink(boost::asio::io_context& io, ReadySet& ready, FramePool& pool);
    ~UdpLink();
    UdpLink(const UdpLink&) = delete;
    UdpLink& operator=(const UdpLink&) = delete;
    UdpLink(UdpLink&&) = delete;
    UdpLink& operator=(UdpLink&&) = delete;

    // Opens the sockets and starts to receive. An interface that is down or has not got its address
    // yet is no error: up() is false and on_link_change() follows. Once per link.
    // With a `seal`, which must outlive the link, everything is sent sealed and only what it
    // accepts is handed over; the seal may serve several links and is given the node list by its
    // owner.
    using Opened = std::monostate;
    [[nodiscard]] Result<Opened, LinkError> open(const LinkConfig& config, LinkListener& listener,
                                                 PacketSeal* seal = nullptr);
    // Nothing is received, sent or reported any more; frames held are released. Idempotent.
    void close();

    // Takes one datagram of this link for the next flush(). A datagram to this node itself is a
    // mistake of the caller (it loops back in the driver) and is counted in no_address.
    void queue(const Datagram& datagram);
    // Sends everything queued, in the order of queue(), normally with one system call.
    void flush();

    // Hands over now what is readable now, as the ready set would: before a Wake is stepped. True:
    // it was as much as is taken at a time, so there may be more.
    bool receive_now();

    // A new node list, in force at once.
    void set_members(std::span<const Peer> peers, bool block_unlisted_ips);

    [[nodiscard]] bool up() const noexcept;
    [[nodiscard]] const LinkStats& stats() const noexcept;

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace totem::net
