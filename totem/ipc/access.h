// Who may connect: root, and whom the configuration or an administrator let in (ipc.md 2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace totem::ipc {

struct AccessRules {
    std::vector<std::uint32_t> uids;
    std::vector<std::uint32_t> gids;

    // Only the client's effective user and primary effective group count.
    [[nodiscard]] bool allows(std::uint32_t uid, std::uint32_t gid) const {
        return uid == 0 || gid == 0 || std::ranges::find(uids, uid) != uids.end() ||
               std::ranges::find(gids, gid) != gids.end();
    }
    friend bool operator==(const AccessRules&, const AccessRules&) = default;
};

}  // namespace totem::ipc
