// The cluster engine of this machine, asked through Debian's client libraries: libcmap, libquorum,
// libvotequorum and libcfg. It may be totemd or a corosync.
//
// An engine that is just synchronising answers "try again": it is asked again for a while. One that
// does not answer at all cannot hold up the caller either: the libraries wait without end, so an
// alarm ends the program with a line on stderr and status 1.
//
// Source: ipc.md 9, 10, 12; pvecm.md 4 (texts of failures are corosync-quorumtool's).
#pragma once

#include "pvecm/cluster.h"

namespace pvecm {

class ClientDoors final : public Cluster {
  public:
    [[nodiscard]] totem::Result<View, DoorError> look() override;
    [[nodiscard]] std::optional<DoorError> set_expected(std::uint32_t votes) override;
};

}  // namespace pvecm
