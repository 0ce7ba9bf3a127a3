// Which sets of nodes may decide: votes, the votes in force, and who breaks a tie.
//
// Any two sufficient sets share a node as long as no administrator lowers the votes in force
// (properties.md Q2, Q9); everything that replicas promise and acknowledge rests on that.
//
// Source: architecture.md decision 7; docs/replication.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cfs/core/types.h"

namespace cfs {

struct Voter {
    NodeId node = totem::kNoNode;
    std::uint32_t votes = 1;
    friend bool operator==(const Voter&, const Voter&) = default;
};

struct Voting {
    std::vector<Voter> voters;          // the listed nodes, ascending
    NodeId tie_break = totem::kNoNode;  // wins with exactly half
    std::uint32_t expected = 0;         // votes in force; as many as there are, or fewer

    [[nodiscard]] std::uint32_t total() const noexcept;
    [[nodiscard]] bool lowered() const noexcept { return expected < total(); }
    [[nodiscard]] bool listed(NodeId node) const noexcept;
    // Nodes that are not listed have no vote; each counts once. `nodes` in any order.
    [[nodiscard]] bool sufficient(std::span<const NodeId> nodes) const;
    friend bool operator==(const Voting&, const Voting&) = default;
};

}  // namespace cfs
