#include "pvecm/lowered_votes.h"

#include <algorithm>
#include <iterator>

namespace pvecm {

std::vector<ListedNode> missing_nodes(const View& view) {
    std::vector<ListedNode> missing;
    std::copy_if(view.listed.begin(), view.listed.end(), std::back_inserter(missing),
                 [&](const ListedNode& node) {
                     return std::none_of(
                         view.members.begin(), view.members.end(),
                         [&](const Member& member) { return member.id == node.id; });
                 });
    return missing;
}

std::string votes_text(std::uint32_t votes) {
    return std::to_string(votes) + (votes == 1 ? " vote" : " votes");
}

std::string to_string(const std::vector<ListedNode>& nodes) {
    std::string text;
    for (const ListedNode& node : nodes) {
        text += (text.empty() ? "" : ", ") + node.name + " (node " +
                std::to_string(totem::raw(node.id)) + ", " + votes_text(node.votes) + ')';
    }
    return text;
}

std::string lowered_votes_text(const View& view) {
    const auto missing = missing_nodes(view);
    const std::uint32_t in_force = view.sums.highest_expected;
    if (!view.votequorum || missing.empty() || in_force >= view.configured_votes) {
        return {};
    }
    return "\nExpected votes are lowered\n--------------------------\n"
           "Configured votes: " +
           std::to_string(view.configured_votes) +
           "\nIn force:         " + std::to_string(in_force) +
           "\nUntil return of:  " + to_string(missing) + '\n';
}

std::optional<std::string> useless(const View& view, std::uint32_t votes) {
    const VoteSums& sums = view.sums;
    const std::uint32_t needed = (sums.flags & kTwoNode) != 0 ? 1 : votes / 2 + 1;
    if (view.quorate || votes >= sums.highest_expected || needed <= sums.total) {
        return std::nullopt;
    }
    const std::uint32_t most = sums.total == 0 ? 0 : 2 * sums.total - 1;
    return "expecting " + votes_text(votes) + " would need " + std::to_string(needed) +
           " present for quorum, and here there " + (sums.total == 1 ? "is " : "are ") +
           std::to_string(sums.total) +
           (most == 0 ? std::string{}
                      : ": expect " + std::to_string(sums.total) +
                            (most == sums.total ? "" : " to " + std::to_string(most)));
}

}  // namespace pvecm
