// The statistics map that clients read (cmapctl -m stats), from the counters of the ring.
//
// Source: ipc.md 13; samples/cmapctl-stats-3node.txt. Counters of clients' connections are not
// kept; docs/configuration.md has the list of what is absent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "totem/core/stats.h"
#include "totem/group/cmap_store.h"
#include "totem/group/stack.h"
#include "totem/ipc/doors/cmap_door.h"
#include "totem/net/udp_link.h"

namespace totem::daemon {

// What an administrator asks for when something hangs: lines for the log.
[[nodiscard]] std::vector<std::string> state_text(const group::Stack& stack,
                                                  const net::UdpLink& link, const FramePool& pool);

class Statistics final : public ipc::StatsSource {
  public:
    // `stack` must outlive it.
    explicit Statistics(const group::Stack& stack) : stack_(stack) {}

    void fill(group::CmapStore& stats) override;
    void clear(std::string_view what) override;

  private:
    const group::Stack& stack_;
    NodeStats zero_;  // what the counters were when they were last cleared
};

}  // namespace totem::daemon
