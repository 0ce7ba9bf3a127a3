#include "totem/core/invariants.h"

#include <array>

#include "totem/core/receive_window.h"

namespace totem {

namespace {

struct Rule {
    bool holds;
    std::string_view text;
};

template <std::size_t N>
std::optional<std::string_view> first_broken(const std::array<Rule, N>& rules) {
    for (const Rule& rule : rules) {
        if (!rule.holds) {
            return rule.text;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string_view> broken_invariant(const Snapshot& now) {
    const bool operational = now.state == State::kOperational;
    return first_broken(std::array{
        Rule{now.released <= now.aru && now.aru <= now.high_seq, "R9 released <= aru <= high_seq"},
        Rule{now.high_seq - now.released <= ReceiveWindow::kCapacity, "R13 window is bounded"},
        Rule{now.released <= now.delivered && now.delivered <= now.high_seq,
             "R6 released <= delivered <= high_seq"},
        Rule{now.released <= now.stable, "R6 only what all hold is forgotten"},
        Rule{now.stable <= now.aru, "R5 the safe line lies within what this node holds"},
        Rule{!operational || now.delivered <= now.aru, "E6.3 no gap in a regular configuration"},
        Rule{!operational || now.ring == now.installed_ring,
             "E2.2 operational on the installed ring"},
        Rule{now.sent_last <= now.max_messages, "R7 frames per visit"},
        Rule{!now.commit_sent || now.ring.seq <= now.durable_bound,
             "M2 ring number durable before the commit token"},
        Rule{now.self_in_proc, "M6 self in the proc set"},
        Rule{!now.self_failed || now.cannot_receive, "M7 nobody fails itself"},
        Rule{now.consensus_within_proc, "M3 consensus within the proc set"},
        Rule{!now.holds_token || now.representative, "R10 only the representative holds the token"},
        Rule{!now.started || now.ended || now.wake_at.has_value(),
             "L8 something is always waited for"},
    });
}

std::optional<std::string_view> broken_change(const Snapshot& before, const Snapshot& now) {
    const bool same_ring = before.installed_ring == now.installed_ring;
    const bool same_token = before.ring == now.ring && before.state == now.state;
    const bool gave_up =
        before.proved_complete && now.state != State::kRecovery && now.state != State::kOperational;
    return first_broken(std::array{
        Rule{!same_ring || before.owed <= now.owed, "M11 what is owed stays owed"},
        Rule{!gave_up || now.behind_gap <= now.owed,
             "M11 what was proved complete is owed after the attempt failed"},
        Rule{now.ring.seq >= before.ring.seq, "E2.7 ring numbers grow"},
        Rule{now.installed_ring.seq >= before.installed_ring.seq, "E2.7 installed numbers grow"},
        Rule{now.durable_bound >= before.durable_bound, "M2 the durable bound grows"},
        Rule{!same_ring || before.released <= now.released, "R6 released never goes back"},
        Rule{!same_ring || before.stable <= now.stable, "R5 the safe line never goes back"},
        Rule{!same_ring || before.delivered <= now.delivered, "E1.4 delivered never goes back"},
        Rule{!same_ring || before.high_seq <= now.high_seq, "R3 high_seq never goes back"},
        Rule{!same_token || before.token_seq <= now.token_seq, "R1 token_seq never goes back"},
        Rule{before.state != State::kOperational || now.state != State::kOperational || same_ring,
             "M5 a new ring only through gather, commit and recovery"},
    });
}

}  // namespace totem
