#include "cfs/core/voting.h"

#include <algorithm>
#include <numeric>

#include "totem/core/mutant.h"

namespace cfs {

std::uint32_t Voting::total() const noexcept {
    return std::accumulate(voters.begin(), voters.end(), std::uint32_t{0},
                           [](std::uint32_t sum, const Voter& each) { return sum + each.votes; });
}

bool Voting::listed(NodeId node) const noexcept {
    return std::ranges::any_of(voters, [&](const Voter& each) { return each.node == node; });
}

bool Voting::sufficient(std::span<const NodeId> nodes) const {
    // As if the ring's quorum were that of the replicas.
    if (TOTEM_MUTANT(ring_members_count)) {
        return !nodes.empty();
    }
    const auto present = [&](NodeId node) {
        return node != totem::kNoNode && std::ranges::find(nodes, node) != nodes.end();
    };
    std::uint64_t votes = 0;
    for (const Voter& each : voters) {
        votes += present(each.node) ? each.votes : 0;
    }
    return votes * 2 > expected || (expected != 0 && votes * 2 == expected && present(tie_break));
}

}  // namespace cfs
