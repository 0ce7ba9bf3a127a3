// Datagrams on their way: the packet network decides, this keeps the bytes until they arrive.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/event_queue.h"
#include "sim/packet_network.h"
#include "totem/core/effects.h"
#include "totem/core/frame.h"

namespace sim {

struct Packet {
    totem::FrameRef frame;
    std::uint8_t from = 0;
    bool ignorable = false;  // damaged: must be rejected without effect
    bool replayed = false;
    bool token = false;  // the regular token
};

class Wire {
  public:
    Wire(const Options& options, EventQueue& queue);

    // Sends to one node or to all others; never to `from` itself. `kind` is what the frame is
    // inside of its seal, when it has one.
    void transmit(Instant now, std::uint32_t from, totem::FrameType kind,
                  const totem::Datagram& datagram);
    // Hands a datagram of a node to itself, untouched by the network.
    void loop_back(Instant now, std::uint32_t node, const totem::Datagram& datagram);

    // The packet of an arrival event.
    [[nodiscard]] Packet take(std::uint32_t slot);

    [[nodiscard]] PacketNetwork& network() noexcept { return network_; }
    [[nodiscard]] const PacketNetwork& network() const noexcept { return network_; }
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

  private:
    struct Outgoing {
        totem::FrameType kind{};
        totem::FrameRef frame;
    };
    void transmit_to(Instant now, std::uint32_t from, std::uint32_t to, const Outgoing& out);
    void schedule(Instant at, std::uint32_t to, Packet packet);
    [[nodiscard]] Packet damage(const totem::FrameRef& frame, std::uint64_t noise);

    EventQueue* queue_;
    PacketNetwork network_;
    std::uint32_t nodes_;
    bool sealed_;
    totem::FramePool pool_;  // before what refers to it
    std::vector<Packet> slots_;
    std::vector<std::uint32_t> free_;
    std::uint64_t sent_ = 0;
};

// The bytes of a datagram in one frame.
[[nodiscard]] totem::FrameRef flatten(totem::FramePool& pool, const totem::Datagram& datagram);
// A number for bytes, the same in every build.
[[nodiscard]] std::uint64_t hash_bytes(totem::Bytes bytes);

}  // namespace sim
