// A cluster whose replicas have all started and opened an epoch.
#pragma once

#include <gtest/gtest.h>

#include "tests/cfs/cluster.h"

namespace cfs::testing {

class RunningCluster : public Cluster {
  public:
    explicit RunningCluster(ClusterOptions wanted = {}, void (*change)(ReplicaOptions&) = nullptr)
        : Cluster(std::move(wanted)) {
        if (change != nullptr) {
            change(replica_options);
        }
        for (const std::uint32_t id : options.nodes) {
            start(id);
        }
        run(milliseconds{100});
        EXPECT_TRUE(all_writable()) << cfs::to_string(status(options.nodes.front()).obstacle);
    }
    RunningCluster(const RunningCluster&) = delete;
    RunningCluster& operator=(const RunningCluster&) = delete;
    RunningCluster(RunningCluster&&) = delete;
    RunningCluster& operator=(RunningCluster&&) = delete;
    ~RunningCluster() { EXPECT_EQ(broken, ""); }
};

}  // namespace cfs::testing
