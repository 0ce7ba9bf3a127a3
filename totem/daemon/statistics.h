// The statistics map that clients read (cmapctl -m stats), from the counters of the ring.
//
// Source: ipc.md 13; samples/cmapctl-stats-3node.txt. Counters of clients' connections are not
// kept.
#pragma once

#include <string_view>

#include "totem/core/stats.h"
#include "totem/group/cmap_store.h"
#include "totem/group/stack.h"
#include "totem/ipc/doors/cmap_door.h"

namespace totem::daemon {

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
