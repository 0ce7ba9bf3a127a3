// Everything that is going to happen in the world, in the order (time, id).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "totem/core/types.h"

namespace sim {

using totem::Duration;
using totem::Instant;

enum class EventKind : std::uint8_t {
    kArrive,      // node; a = slot of the packet in the network
    kWake,        // node, life; the node's deadline
    kRun,         // node, life; go on with what waits in the socket
    kPersisted,   // node, life; a, b = ring number's low and high half
    kSubmit,      // node; the application's next message
    kBoot,        // node, life
    kFaultBegin,  // a = fault
    kFaultEnd,    // a = fault
    kClient,      // node, life; a = client
    kHangUp,      // node, life; a = client, which the daemon disconnects
    kPhase,       // a = phase
};

struct Event {
    Instant at{};
    std::uint64_t id = 0;
    EventKind kind{};
    std::uint8_t node = 0;
    std::uint32_t life = 0;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

class EventQueue {
  public:
    EventQueue() { heap_.reserve(1024); }

    void push(Event event) {
        event.id = ++last_id_;
        heap_.push_back(event);
        std::push_heap(heap_.begin(), heap_.end(), Later{});
    }
    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    Event pop() {
        std::pop_heap(heap_.begin(), heap_.end(), Later{});
        const Event event = heap_.back();
        heap_.pop_back();
        return event;
    }

  private:
    struct Later {
        bool operator()(const Event& a, const Event& b) const noexcept {
            return a.at != b.at ? a.at > b.at : a.id > b.id;
        }
    };

    std::vector<Event> heap_;
    std::uint64_t last_id_ = 0;
};

}  // namespace sim
