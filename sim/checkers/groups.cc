#include "sim/checkers/groups.h"

#include <algorithm>
#include <utility>

#include "sim/random.h"

namespace sim {

namespace {

constexpr std::uint64_t kRingBegins = 1;

bool contains(const std::vector<GroupMember>& view, const GroupMember& member) {
    return std::ranges::find(view, member) != view.end();
}

std::uint64_t hash_view(const std::vector<GroupMember>& view) {
    std::uint64_t hash = view.size();
    for (const GroupMember& member : view) {
        hash = combine(combine(hash, totem::raw(member.node)), member.pid);
    }
    return hash;
}

std::string text(const GroupMember& member) {
    return std::to_string(totem::raw(member.node)) + ":" + std::to_string(member.pid);
}

}  // namespace

FollowTable::Slot& FollowTable::slot(std::uint64_t place) {
    std::size_t at = place & (slots_.size() - 1);
    while (slots_[at].place != 0 && slots_[at].place != place) {
        at = (at + 1) & (slots_.size() - 1);
    }
    return slots_[at];
}

std::uint64_t FollowTable::put(std::uint64_t place, std::uint64_t item) {
    place = place == 0 ? 1 : place;
    Slot& found = slot(place);
    if (found.place == place) {
        return found.item;
    }
    found = {place, item};
    if (++used_ * 2 > slots_.size()) {
        grow();
    }
    return item;
}

void FollowTable::grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& each : old) {
        if (each.place != 0) {
            slot(each.place) = each;
        }
    }
}

void Groups::on(const GroupStarted& event) {
    Client& client = clients_[{event.at.where.node, event.at.client}];
    client = {};
    client.alive = true;
    client.self = {id_of(event.at.where.node), event.at.pid};
}

void Groups::on(const GroupFailed& event) { clients_[{event.at.where.node, event.at.client}] = {}; }

void Groups::on(const GroupExpelled& event) {
    Client& client = clients_[{event.at.where.node, event.at.client}];
    client.joined = false;
    client.view.clear();
    client.view_hash = 0;
    client.heard.clear();
    client.told_ring = false;
    client.anchored = false;
}

void Groups::on(const GroupSaid& event) {
    said_[{id_of(event.at.where.node), event.at.pid}] = event.number;
}

void Groups::on(const GroupTrouble& event) {
    violate(event.at, "E8.3", "the daemon said what a client cannot understand: " + event.text);
}

// A view may occur twice in a ring (a client leaves and comes back with the same pid), so it names
// no place; a message does, and the ring's beginning, and so do the views that follow one.
void Groups::follow(const GroupWhere& at, Client& client, std::uint64_t item, bool message) {
    const bool same_ring = client.last_ring == at.ring;
    if (client.anchored && same_ring) {
        const std::uint64_t ring = combine(totem::raw(at.ring.representative), at.ring.seq);
        const std::uint64_t place = combine(combine(ring, client.place), at.client % 2);
        if (next_.put(place, item) != item) {
            violate(at, "E6.2", "hears something else next than another member of its group");
        }
    }
    client.place = message ? item : combine(client.place, item);
    client.anchored = message || (client.anchored && same_ring);
    client.last_ring = at.ring;
}

// Whoever hears a message in the same ring sees the same group while hearing it, and so does
// whoever is told of the ring's beginning. Not over rings: who leaves the others behind may miss
// the joins of the departed and still delivers what it sent behind them itself (E6.3 allows this
// gap in a transitional configuration).
void Groups::compare_view(const GroupWhere& at, const Client& client, std::uint64_t place) {
    const std::uint64_t ring = combine(totem::raw(at.ring.representative), at.ring.seq);
    const std::uint64_t key = combine(combine(ring, place), at.client % 2);
    if (views_.put(key, client.view_hash) != client.view_hash) {
        violate(at, "E8.4",
                "is among " + std::to_string(client.view.size()) +
                    " members; another member of its group sees others there");
    }
}

void Groups::on(const GroupHeard& event) {
    Client& client = clients_[{event.at.where.node, event.at.client}];
    const auto message = [&event] {
        return text(event.sender) + " number " + std::to_string(event.number);
    };
    const auto said = said_.find(event.sender);
    if (!event.intact || said == said_.end() || event.number > said->second) {
        violate(event.at, "E8.2", "heard what was never said, or not like this: " + message());
        return;
    }
    if (!contains(client.view, event.sender)) {
        violate(event.at, "E8.4", "heard a message of " + text(event.sender) + ", not a member");
        return;
    }
    if (event.own != (event.sender == client.self)) {
        violate(event.at, "E8.2", "own and foreign messages mixed up: " + message());
    }
    std::uint64_t& last = client.heard[event.sender];
    if (event.number <= last || (last != 0 && event.number != last + 1)) {
        violate(event.at, event.number <= last ? "E1.4" : "E6.3",
                "heard " + message() + " after number " + std::to_string(last));
    }
    last = event.number;
    const std::uint64_t item =
        combine(combine(totem::raw(event.sender.node), event.sender.pid), event.number);
    compare_view(event.at, client, item);
    follow(event.at, client, item, true);
}

void Groups::on(const GroupView& event) {
    Client& client = clients_[{event.at.where.node, event.at.client}];
    if (!std::ranges::is_sorted(event.members) ||
        std::ranges::adjacent_find(event.members) != event.members.end()) {
        violate(event.at, "E8.4", "members not ascending, or one named twice");
    }
    if (!contains(event.members, client.self)) {
        violate(event.at, "E8.4", "a view without the client itself");
    }
    std::erase_if(client.heard,
                  [&event](const auto& sender) { return !contains(event.members, sender.first); });
    client.joined = true;
    client.view = event.members;
    client.view_hash = hash_view(client.view);
    follow(event.at, client, event.hash, false);
}

// The ring's groups are settled: what comes before this depends on where a client comes from, from
// here on it is the same for all. Not for who joins later and is told then, nor when the ring was
// already gone when its groups were settled: what followed may have gaps.
void Groups::on(const GroupRing& event) {
    Client& client = clients_[{event.at.where.node, event.at.client}];
    for (const GroupMember& member : client.view) {
        std::uint32_t node = 0;
        if (!index_of(member.node, kNodesMax, node) || (event.members & mask_of(node)) == 0) {
            violate(event.at, "E8.4",
                    "a ring of " + members_text(event.members) + " begins with " + text(member) +
                        " in the group");
        }
    }
    const bool beginning = std::exchange(client.told_ring, true);
    if (!beginning || !(event.ring == event.at.ring)) {
        return;
    }
    client.place = kRingBegins;
    client.anchored = true;
    client.last_ring = event.ring;
    compare_view(event.at, client, kRingBegins);
}

void Groups::on(const Settled& event) {
    for (std::uint32_t group = 0; group < 2; ++group) {
        std::vector<GroupMember> expected;
        for (const auto& [name, client] : clients_) {
            if (client.alive && name.client % 2 == group &&
                (event.members & mask_of(name.node)) != 0) {
                expected.push_back(client.self);
            }
        }
        check_settled(event, expected);
    }
}

void Groups::check_settled(const Settled& event, const std::vector<GroupMember>& expected) {
    for (const auto& [name, client] : clients_) {
        if (!client.alive || !contains(expected, client.self) || client.view == expected) {
            continue;
        }
        std::string members;
        for (const GroupMember& member : client.view) {
            members += " " + text(member);
        }
        violate(Where{event.where.at, name.node, 0}, "E8.4",
                "client " + text(client.self) + " still sees the members" + members + " and not " +
                    std::to_string(expected.size()) + ", long after the heal");
    }
}

}  // namespace sim
