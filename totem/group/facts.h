// What the services above the ring know about the cluster from its configuration.
//
// A plain value that the host fills from the validated configuration and replaces at a reload.
// Source: config.md (nodelist), ipc.md 8 (what clients ask for).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "totem/core/types.h"

namespace totem::group {

// A network address of a node: `text` as people write it, and its bytes in network order.
struct NodeAddress {
    LinkId link{};
    bool ipv6 = false;
    std::array<std::byte, 16> bytes{};  // IPv4 in the first 4
    std::string text;
};

struct NodeFacts {
    NodeId id = kNoNode;
    std::string name;                    // empty: none configured
    std::vector<NodeAddress> addresses;  // ascending link
};

struct ClusterFacts {
    NodeId self = kNoNode;
    std::string cluster_name;
    std::vector<NodeFacts> nodes;  // ascending id
    // Told to clients as a link's mtu: netmtu less 90 bytes of headers (1410 of 1500).
    std::uint32_t mtu = 0;

    [[nodiscard]] const NodeFacts* find(NodeId id) const noexcept {
        const auto at = std::ranges::find(nodes, id, &NodeFacts::id);
        return at == nodes.end() ? nullptr : &*at;
    }
};

}  // namespace totem::group
