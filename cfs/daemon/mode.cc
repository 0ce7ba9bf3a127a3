// Alone or in a cluster (docs/cfsd.md, "Local mode").
#include "cfs/daemon/daemon.h"

namespace cfs {

Mode mode_of(const ModeFacts& facts) {
    if (facts.asked) {
        return {true, facts.was_in_cluster
                          ? "local mode as asked (-l): what is written now is put aside when this "
                            "node is in its cluster again"
                          : "local mode as asked (-l)"};
    }
    if (facts.host_config || facts.tree_config) {
        return {};
    }
    if (facts.was_in_cluster) {
        return {false,
                "there is no corosync.conf, but these files are of a cluster: read-only until the "
                "ring daemon runs (or start with -l)"};
    }
    return {true,
            "local mode: there is no corosync.conf, this node is in no cluster. Start cfsd again "
            "when it is"};
}

}  // namespace cfs
