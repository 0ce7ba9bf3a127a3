// The arithmetic of votes: pure functions of numbers, so that every node that knows the same
// numbers gives the same answer (properties.md Q1).
//
// Votes are counted in 64 bits although the wire carries 32, so that no sum of what peers claim can
// wrap. Source: ipc.md 10, wire.md 6.3, config.md 6.
#pragma once

#include <cstdint>

namespace votequorum {

using Votes = std::uint64_t;

// More than half of `votes`: floor(votes / 2) + 1, and 1 of none.
[[nodiscard]] constexpr Votes majority(Votes votes) noexcept { return votes / 2 + 1; }

// What the members of one ring have between them.
struct Tally {
    Votes total = 0;             // votes of the members that take part
    Votes highest_expected = 0;  // the largest number of votes that any of them expects
};

// Whether the option two_node applies: it is meant for exactly two votes and is out of force, not
// silently quorate, as soon as a third vote is there or expected (properties.md Q8).
[[nodiscard]] constexpr bool two_node_in_force(bool option, const Tally& tally) noexcept {
    constexpr Votes kTwo = 2;
    return option && tally.total <= kTwo && tally.highest_expected <= kTwo;
}

struct ThresholdRule {
    bool two_node = false;        // the option, whether in force or not
    bool allow_decrease = false;  // an administrator or a quorate peer says so
    Votes current = 0;            // the threshold so far
};

// The votes needed to be quorate: a majority of what is expected and of what is present. Never
// below the present threshold unless a decrease is allowed, so that a node that leaves takes
// nothing from it.
[[nodiscard]] Votes threshold(const Tally& tally, const ThresholdRule& rule) noexcept;

// Whether an administrator may set the expected votes to `expected`: never below the votes present,
// and never so high that a quorate partition blocks itself.
[[nodiscard]] bool may_expect(Votes expected, const Tally& tally, bool quorate) noexcept;

// Whether an administrator may change a node's votes so that `tally` and `threshold` come out.
[[nodiscard]] bool may_set_votes(const Tally& tally, Votes threshold) noexcept;

}  // namespace votequorum
