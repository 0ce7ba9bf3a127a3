// The effects of a whole stack in the one order that daemon and simulator share: first the ring's
// (totem/core/perform.h: persist, send, deliver), which are on the network before any client is
// served, so that no client ever delays the token; then what clients and the administrator hear;
// last what the host itself is asked to do, which may be to stop.
#pragma once

#include <utility>
#include <vector>

#include "totem/core/perform.h"
#include "totem/group/stack.h"

namespace totem::group {

// What a world must offer to a stack.
template <typename T>
concept StackHost = totem::Host<T> &&
    requires(T& host, ClientMessage message, const Notice& notice, const HostRequest& request) {
    host.flush();  // the datagrams of this step are complete
    host.deliver_client(std::move(message));
    host.publish();  // what clients may know besides, once they have their messages
    host.notice(notice);
    host.request_host(request);
};

// Leaves `effects` empty before the host is asked anything: what it does then may be another step.
template <StackHost H>
void perform(StackEffects& effects, H& host) {
    totem::perform(effects.ring, host);
    host.flush();
    for (ClientMessage& message : effects.clients) {
        host.deliver_client(std::move(message));
    }
    host.publish();
    for (const Notice& notice : effects.notices) {
        host.notice(notice);
    }
    const std::vector<HostRequest> asked = std::exchange(effects.host, {});
    effects.clear();
    for (const HostRequest& request : asked) {
        host.request_host(request);
    }
}

}  // namespace totem::group
