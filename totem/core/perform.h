// The one place where the order of effects lives: persist, send, deliver, then traces and the
// deadline. The daemon and the simulator both perform through it.
//
// persist comes first because what is sent may depend on it; a host whose persist is asynchronous
// answers with Persisted, and what must wait for that is emitted by the step that receives it.
// Sending comes before delivering so that the token is not delayed by the application.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "totem/core/effects.h"

namespace totem {

// What a world must offer to a ring processor.
template <typename T>
concept Host = requires(T& host, std::uint64_t bound, const Datagram& datagram,
                        const Delivery& delivery, const Trace& trace, std::optional<Instant> when) {
    host.persist(bound);
    host.send(datagram);
    host.deliver(delivery);
    host.trace(trace);
    host.wake_at(when);
};

template <Host H>
void perform(const Effects& effects, H& host) {
    if (effects.persist) {
        host.persist(*effects.persist);
    }
    for (const Datagram& datagram : effects.datagrams) {
        host.send(datagram);
    }
    for (const Delivery& delivery : effects.deliveries) {
        host.deliver(delivery);
    }
    for (const Trace& trace : effects.traces) {
        host.trace(trace);
    }
    host.wake_at(effects.wake_at);
}

}  // namespace totem
