// The effects of a whole stack in the one order that daemon and simulator share: first the ring's
// (totem/core/perform.h: persist, send, deliver), so that no client ever delays the token; then
// what clients and the administrator hear; last what the host itself is asked to do, which may be
// to stop.
#pragma once

#include <utility>

#include "totem/core/perform.h"
#include "totem/group/stack.h"

namespace totem::group {

// What a world must offer to a stack.
template <typename T>
concept StackHost = totem::Host<T> &&
    requires(T& host, ClientMessage message, const Notice& notice, const HostRequest& request) {
    host.deliver_client(std::move(message));
    host.notice(notice);
    host.request_host(request);
};

// Messages to clients are moved out of `effects`, which the caller clears before the next step.
template <StackHost H>
void perform(StackEffects& effects, H& host) {
    totem::perform(effects.ring, host);
    for (ClientMessage& message : effects.clients) {
        host.deliver_client(std::move(message));
    }
    for (const Notice& notice : effects.notices) {
        host.notice(notice);
    }
    for (const HostRequest& request : effects.host) {
        host.request_host(request);
    }
}

}  // namespace totem::group
