#include "sim/checkers/configurations.h"

#include <algorithm>

namespace sim {

Configurations::Configurations(Findings& findings, std::uint32_t nodes)
    : Checker("configurations", findings), processes_(nodes), highest_(nodes) {}

void Configurations::on(const Started& event) { processes_[event.where.node] = {}; }

void Configurations::on(const Configured& event) {
    Process& process = processes_[event.where.node];
    if (!event.listed) {
        violate(event.where, "E2.4", "a member list that is not ascending, or names strangers");
    }
    if ((event.members & mask_of(event.where.node)) == 0) {
        violate(event.where, "E2.1",
                "not a member of its own configuration " + members_text(event.members));
    }
    if (event.regular) {
        on_regular(event, process);
    } else {
        on_transitional(event, process);
    }
}

void Configurations::on_transitional(const Configured& event, Process& process) {
    if (process.transitional) {
        violate(event.where, "E2.3", "two transitional configurations in a row");
    }
    const NodeMask before = process.configured ? process.members : mask_of(event.where.node);
    if ((event.members & ~before) != 0) {
        violate(event.where, "E2.3",
                "transitional members " + members_text(event.members) + " were not all in " +
                    members_text(before));
    }
    if (process.configured && event.left != (before & ~event.members)) {
        violate(event.where, "E2.3", "wrong list of those who left " + members_text(event.left));
    }
    process.transitional = true;
    process.next = event.ring;
    process.together = event.members;
}

void Configurations::check_identity(const Configured& event, const Process& process) {
    const auto found = rings_.find(event.ring);
    if (found != rings_.end() && found->second.members != event.members) {
        violate(event.where, "M1",
                "ring " + text(event.ring) + " has members " + members_text(event.members) +
                    " here and " + members_text(found->second.members) + " elsewhere");
    }
    if (found != rings_.end() && found->second.arrivals[event.where.node].present) {
        violate(event.where, "M1", "ring " + text(event.ring) + " installed a second time");
    }
    std::uint64_t& highest = highest_[event.where.node];
    if (event.ring.seq <= highest) {
        violate(event.where, "E2.7",
                "ring " + text(event.ring) + " installed after number " + std::to_string(highest));
    }
    highest = std::max(highest, event.ring.seq);
    std::uint32_t representative = 0;
    if (!index_of(event.ring.representative, kNodesMax, representative) ||
        (event.members & mask_of(representative)) == 0 ||
        (event.members & (mask_of(representative) - 1)) != 0) {
        violate(event.where, "M4",
                "ring " + text(event.ring) + " of " + members_text(event.members) +
                    " is not named after its lowest member");
    }
    if (!process.transitional || !(process.next == event.ring)) {
        violate(event.where, "E2.3", "no transitional configuration before " + text(event.ring));
    }
}

void Configurations::check_arrivals(const Configured& event, const Ring& ring,
                                    const Arrival& mine) {
    for (std::uint32_t node = 0; node < ring.arrivals.size(); ++node) {
        const Arrival& theirs = ring.arrivals[node];
        if (node == event.where.node || !theirs.present) {
            continue;
        }
        const bool named = (mine.together & mask_of(node)) != 0;
        const bool same = mine.configured && theirs.configured && mine.from == theirs.from;
        if (named != same || (named && mine.together != theirs.together)) {
            violate(event.where, "E2.3",
                    "came to ring " + text(event.ring) + " from " + text(mine.from) + " with " +
                        members_text(mine.together) + ", but node " + std::to_string(node + 1) +
                        " came from " + text(theirs.from) + " with " +
                        members_text(theirs.together));
        }
    }
}

void Configurations::on_regular(const Configured& event, Process& process) {
    check_identity(event, process);
    if ((process.together & ~event.members) != 0) {
        violate(event.where, "E2.3",
                "transitional members " + members_text(process.together) + " are not all in " +
                    members_text(event.members));
    }
    Ring& ring = rings_[event.ring];
    ring.members = event.members;
    ring.arrivals.resize(processes_.size());
    const Arrival mine{true, process.configured, process.ring, process.together, event.where.life};
    check_arrivals(event, ring, mine);
    ring.arrivals[event.where.node] = mine;
    process.configured = true;
    process.transitional = false;
    process.ring = event.ring;
    process.members = event.members;
}

}  // namespace sim
