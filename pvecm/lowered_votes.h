// Expected votes below what the configuration says, while nodes are missing: somebody overrode the
// cluster's arithmetic, and until those nodes return two sides may both believe in their quorum.
//
// Nothing remembers that. It is read off what is in force against what is configured, so every node
// shows it, also after a restart of the tool, and it ends by itself when the nodes return.
//
// Source: pvecm.md 4 (expected), properties.md Q9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pvecm/cluster.h"

namespace pvecm {

// Nodes of the configuration that are not members, in its order.
[[nodiscard]] std::vector<ListedNode> missing_nodes(const View& view);

// "pve2 (node 2, 1 vote), pve3 (node 3, 1 vote)"
[[nodiscard]] std::string to_string(const std::vector<ListedNode>& nodes);

// "1 vote", "3 votes"
[[nodiscard]] std::string votes_text(std::uint32_t votes);

// The block that status shows below all else; empty when nothing is lowered.
[[nodiscard]] std::string lowered_votes_text(const View& view);

// Why these expected votes would leave the cluster without the quorum that lowering them is for;
// empty when they would not. With as many votes expected, more than half of them must be present.
[[nodiscard]] std::optional<std::string> useless(const View& view, std::uint32_t votes);

}  // namespace pvecm
