// What the clients' thread and the protocol thread share: two rings of requests, a queue of answers
// and events, a queue of emptied frames on their way home, two doorbells and a few flags.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "totem/group/service.h"
#include "totem/ipc/access.h"
#include "totem/ipc/byte_ring.h"
#include "totem/ipc/doorbell.h"
#include "totem/ipc/poll_loop.h"
#include "totem/ipc/spsc_queue.h"

namespace totem::ipc {

// Head of a record in a request ring; a request's own bytes follow it.
struct RecordHead {
    enum class Kind : std::uint8_t { kOpened, kClosed, kRequest };
    Kind kind = Kind::kRequest;
    group::ServiceId service{};
    std::uint16_t unused = 0;
    group::ConnectionId connection{};
    std::uint32_t pid = 0;
    std::uint32_t padding = 0;
};
static_assert(sizeof(RecordHead) == 16);

// From the protocol to the clients' thread.
struct Outgoing {
    bool disconnect = false;  // only message.connection counts
    group::ClientMessage message;
};

struct Channel {
    // Four times the largest request, so that one always fits (ByteRing).
    static constexpr std::size_t kRequestRingBytes = std::size_t{8} * 1024 * 1024;
    static constexpr std::size_t kRequestBytesMax = kRequestRingBytes / 4 - sizeof(RecordHead);
    // Beyond this clients are stopped, so that what they send does not grow old here; below the
    // other they go on.
    static constexpr ByteRing::Load kRequestsHigh{std::size_t{2} * 1024 * 1024, 2048};
    static constexpr ByteRing::Load kRequestsLow{std::size_t{1} * 1024 * 1024, 512};
    static constexpr std::size_t kOutgoingMax = 8192;
    static constexpr std::size_t kReturnsMax = 16384;

    [[nodiscard]] ByteRing& requests(Lane lane) {
        return lane == Lane::kOrdered ? ordered_requests : local_requests;
    }

    // More is waiting than `most` in either respect.
    [[nodiscard]] bool ordered_beyond(const ByteRing::Load& most) const {
        const ByteRing::Load load = ordered_requests.load();
        return load.bytes > most.bytes || load.records > most.records;
    }

    ByteRing ordered_requests{kRequestRingBytes};
    ByteRing local_requests{kRequestRingBytes};
    SpscQueue<Outgoing> outgoing{kOutgoingMax};
    SpscQueue<FrameRef> returns{kReturnsMax};
    Doorbell protocol_bell;  // the protocol thread sleeps on it
    Doorbell clients_bell;

    std::atomic<bool> ready{false};            // clients may connect
    std::atomic<bool> ordered_stopped{false};  // nothing can be sent to the ring now
    // The protocol thread comes for ordered requests by itself, within a turn of the token.
    std::atomic<bool> coming{false};
    // A client sends ordered requests one after the other without waiting for what they bring
    // about.
    std::atomic<bool> streaming{false};
    // The protocol thread met what is lent to it while the clients' thread was awake.
    std::atomic<bool> lent_missed{false};
    // The clients' thread stopped the ordered lane for its ring's sake and is to be told.
    std::atomic<bool> ring_awaited{false};
    std::atomic<bool> stop{false};
    std::atomic<bool> ended{false};  // the clients' thread does nothing any more

    std::mutex access_mutex;
    AccessRules access;  // guarded by access_mutex
};

}  // namespace totem::ipc
