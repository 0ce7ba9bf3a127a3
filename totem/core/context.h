// What every part of the ring processor needs of its surroundings during one step: the time, where
// effects go, the configuration, the pool, the counters. It holds no protocol state.
#pragma once

#include <cstdint>
#include <utility>

#include "totem/core/config.h"
#include "totem/core/effects.h"
#include "totem/core/frame.h"
#include "totem/core/stats.h"
#include "totem/core/trace.h"
#include "totem/core/types.h"

namespace totem {

struct Context {
    RingConfig config;
    FramePool* pool = nullptr;
    MessageSource* source = nullptr;
    TraceMask mask = 0;
    NodeStats stats;
    Instant now;
    Effects* out = nullptr;

    [[nodiscard]] NodeId self() const noexcept { return config.self; }

    void trace(const Trace& trace) const {
        if ((mask & trace_bit(trace.kind)) != 0) {
            out->traces.push_back(trace);
        }
    }
    // To every other node.
    void multicast(FrameRef frame) const { unicast(kNoNode, std::move(frame)); }
    void unicast(NodeId to, FrameRef frame) const {
        Datagram& datagram = out->datagrams.emplace_back();
        datagram.to = to;
        datagram.body = std::move(frame);
    }
};

}  // namespace totem
