#include "votequorum/core/arithmetic.h"

#include <algorithm>

namespace votequorum {

Votes threshold(const Tally& tally, const ThresholdRule& rule) noexcept {
    if (two_node_in_force(rule.two_node, tally)) {
        return 1;
    }
    const Votes needed = std::max(majority(tally.highest_expected), majority(tally.total));
    return rule.allow_decrease ? needed : std::max(needed, rule.current);
}

bool may_expect(Votes expected, const Tally& tally, bool quorate) noexcept {
    if (expected < tally.total) {
        return false;
    }
    return !quorate || majority(expected) <= tally.total;
}

bool may_set_votes(const Tally& tally, Votes threshold) noexcept {
    return threshold >= tally.total / 2 && threshold <= tally.total;
}

}  // namespace votequorum
