// What goes into the ring protocol and what one step asks of the world, as plain data.
//
// The host's contract, the same in daemon and simulator:
//  - it hands over readable multicast frames before a token of the same batch, and all readable
//  input
//    before Wake;
//  - it performs effects in the order persist, send, deliver (perform.h is the only place where
//  that
//    order lives);
//  - a datagram to the node itself comes back as Received without touching the network; one to
//    everyone goes to every other node and not to itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "totem/core/config.h"
#include "totem/core/frame.h"
#include "totem/core/trace.h"
#include "totem/core/types.h"

namespace totem {

// ---- inputs -----------------------------------------------------------------------------------

// First input. `stored_ring_seq` is what the ring id file holds, or, when there is none, a number
// that no earlier life of this node can have used.
struct Start {
    std::uint64_t stored_ring_seq = 0;
};
// A whole frame, opened and authenticated when the ring is sealed, from another node or looped
// back.
struct Received {
    LinkId link{};
    FrameRef frame;
};
// The source of messages has something new to send.
struct Submitted {};
// Announce the departure and stop; nothing may be stepped afterwards.
struct Leave {};
// A network of this node became usable or unusable.
struct LinkChange {
    LinkId link{};
    bool up = false;
};
// New timers and limits, in force at once. `self` cannot change.
struct Reconfigure {
    RingConfig config;
};
// Persist{ring_seq} is on stable storage.
struct Persisted {
    std::uint64_t ring_seq = 0;
};
// Ask for the ring to be gathered anew (an administrator's force_gather).
struct ForceGather {};
// The deadline of Effects::wake_at has passed.
struct Wake {};

using Input = std::variant<Start, Received, Submitted, Leave, LinkChange, Reconfigure, Persisted,
                           ForceGather, Wake>;

// ---- effects ----------------------------------------------------------------------------------

// One datagram: `head` bytes then `body`, ready for scatter-gather. `to` kNoNode means every other
// node of the ring's node list.
struct Datagram {
    LinkId link{};
    NodeId to = kNoNode;
    std::uint8_t head_size = 0;
    std::array<std::byte, 45> head{};
    FrameRef body;
};

// A message in its place in the total order. `payload` is the frame without its 45-byte header.
struct DeliveredMessage {
    NodeId sender = kNoNode;
    Guarantee guarantee = Guarantee::kAgreed;
    Seq seq;
    RingId ring;  // the ring whose order it belongs to
    FrameRef payload;
};

// A configuration change in its place in the total order (totem.md 6.2).
struct Configuration {
    enum class Kind : std::uint8_t { kTransitional, kRegular };
    Kind kind = Kind::kRegular;
    RingId ring;  // always the new ring
    std::vector<NodeId>
        members;                 // ascending; transitional: those that come along from the old ring
    std::vector<NodeId> left;    // transitional only
    std::vector<NodeId> joined;  // regular only
};

using Delivery = std::variant<DeliveredMessage, Configuration>;

// Reused by the caller from step to step: clear() keeps the capacity.
struct Effects {
    // A ring number that must be durable; the answer is Persisted. What depends on it is emitted by
    // the step that receives the answer.
    std::optional<std::uint64_t> persist;
    std::vector<Datagram> datagrams;
    std::vector<Delivery> deliveries;
    std::vector<Trace> traces;
    // The one deadline; replaces the last one given. Absent: nothing to wait for.
    std::optional<Instant> wake_at;

    void clear() {
        persist.reset();
        datagrams.clear();
        deliveries.clear();
        traces.clear();
        wake_at.reset();
    }
};

// ---- what the ring pulls ------------------------------------------------------------------------

// Where the ring takes its messages from at each token visit: the packing of totem/group, or a
// queue in a test. Pulled, because only at the visit is it known which messages share a frame.
class MessageSource {
  public:
    // A frame ready to be numbered: kDataHeaderBytes of room that the ring fills, then the payload.
    struct Outgoing {
        FrameRef frame;
        Guarantee guarantee = Guarantee::kAgreed;
    };

    MessageSource() = default;
    MessageSource(const MessageSource&) = delete;
    MessageSource& operator=(const MessageSource&) = delete;
    MessageSource(MessageSource&&) = delete;
    MessageSource& operator=(MessageSource&&) = delete;
    virtual ~MessageSource() = default;

    // Frames that could be taken now, a partly filled one included.
    [[nodiscard]] virtual std::size_t backlog() const = 0;
    // The next frame. Called at most backlog() times in a row.
    [[nodiscard]] virtual Outgoing take() = 0;
};

}  // namespace totem
