#include "tests/cfs/cluster.h"

#include <algorithm>

#include "totem/core/hash.h"

namespace cfs::testing {

namespace {

// The bits of chance, by what they are for.
std::uint64_t drawn(std::uint64_t seed, std::uint64_t what) {
    totem::Hasher hasher;
    hasher.add(seed);
    hasher.add(what);
    return hasher.value() >> 7U;
}

}  // namespace

Voting equal_votes(const std::vector<std::uint32_t>& nodes) {
    Voting voting;
    for (const std::uint32_t node : nodes) {
        voting.voters.push_back({NodeId{node}, 1});
    }
    voting.tie_break = NodeId{nodes.front()};
    voting.expected = voting.total();
    return voting;
}

Cluster::Cluster(ClusterOptions wanted) : options(std::move(wanted)) {
    if (options.voting.voters.empty()) {
        options.voting = equal_votes(options.nodes);
    }
    std::vector<NodeId> all;
    for (const std::uint32_t id : options.nodes) {
        Node& made = nodes_[NodeId{id}];
        made.id = NodeId{id};
        made.disk = std::make_unique<MemoryDisk>();
        made.voting = options.voting;
        all.push_back(made.id);
    }
    new_ring({all}, 0);
}

void Cluster::fail(const std::string& what) {
    if (broken.empty()) {
        broken = what;
    }
}

// ---- machines -----------------------------------------------------------------------------------

void Cluster::start(std::uint32_t id) {
    Node& node = this->node(id);
    node.starts += 1;
    ReplicaOptions made = replica_options;
    made.node = node.id;
    made.life = Life{std::uint64_t{id} * 1000 + node.starts};
    node.replica = std::make_unique<cfs::Replica>(made);
    node.paused = false;
    node.checked = 0;
    node.outbox.clear();
    node.inbox.clear();
    reload(node);
    step(node, VotingIs{node.voting});
    if (!made.local) {
        node.joined = true;
        announce(*node.ring);
    }
}

void Cluster::reload(Node& node) {
    auto opened = node.disk->open();
    node.store = std::move(*opened);
    auto loaded = node.store->load();
    auto state = load(loaded->image);
    if (!state) {
        fail("the disk has no state: " + std::string(to_string(state.error())));
        return;
    }
    node.durable.clear();
    for (const Record& record : loaded->image.records) {
        node.durable[record.position.index] = record;
    }
    node.durable_promise = loaded->promise;
    step(node, Loaded{std::move(*state), loaded->promise});
}

void Cluster::stop_daemon(Node& node) {
    node.replica.reset();
    node.commit.reset();
    node.wake_at.reset();
    node.inbox.clear();
    node.outbox.clear();
    node.joined = false;
}

void Cluster::kill(std::uint32_t id) {
    Node& node = this->node(id);
    if (node.commit) {
        static_cast<void>(
            node.store->commit(*node.commit));  // what was given to the kernel gets there
    }
    stop_daemon(node);
    announce(*node.ring);
}

void Cluster::power_cut(std::uint32_t id, bool keep_last_write) {
    Node& node = this->node(id);
    if (node.commit && keep_last_write) {
        static_cast<void>(node.store->commit(*node.commit));
    }
    stop_daemon(node);
    node.up = false;
    std::vector<NodeId> rest;
    for (const NodeId other : node.ring->nodes) {
        if (other != node.id) {
            rest.push_back(other);
        }
    }
    new_ring({rest, {node.id}}, drawn(raw(node.id), ring_number_));
}

void Cluster::power_on(std::uint32_t id) {
    node(id).up = true;
    start(id);
}

void Cluster::split(const std::vector<std::vector<std::uint32_t>>& parts, std::uint64_t gaps) {
    std::vector<std::vector<NodeId>> rings;
    std::set<NodeId> placed;
    for (const auto& part : parts) {
        auto& ring = rings.emplace_back();
        for (const std::uint32_t id : part) {
            if (node(id).up) {
                ring.push_back(NodeId{id});
                placed.insert(NodeId{id});
            }
        }
    }
    for (const auto& [id, node] : nodes_) {
        if (!placed.contains(id)) {
            rings.push_back({id});
        }
    }
    new_ring(rings, gaps);
}

void Cluster::heal(std::uint64_t gaps) {
    std::vector<NodeId> all;
    std::vector<std::vector<NodeId>> rings(1);
    for (const auto& [id, node] : nodes_) {
        if (node.up) {
            rings.front().push_back(id);
        } else {
            rings.push_back({id});
        }
    }
    new_ring(rings, gaps);
}

void Cluster::set_voting(const Voting& voting) {
    for (auto& [id, node] : nodes_) {
        set_voting(raw(id), voting);
    }
}

void Cluster::set_voting(std::uint32_t id, const Voting& voting) {
    node(id).voting = voting;
    if (node(id).replica) {
        step(node(id), VotingIs{voting});
    }
}

// ---- the ring -----------------------------------------------------------------------------------

bool Cluster::quorate(const Ring& ring) const {
    const std::vector<NodeId> nodes(ring.nodes.begin(), ring.nodes.end());
    return options.always_quorate || options.voting.sufficient(nodes);
}

// The group as it is now, at this place of the order.
void Cluster::announce(Ring& ring) {
    Event event;
    event.view = View{ring.id, {}, {}};
    for (const NodeId id : ring.nodes) {
        const Node& each = nodes_.at(id);
        if (each.joined) {
            event.view->members.push_back({id, each.starts});
        }
    }
    event.quorate = quorate(ring);
    ring.log.push_back(std::move(event));
}

// Nodes that stay together deliver the same of the old ring: all that one of them has and all that
// one of them sent; of the rest some, with gaps.
void Cluster::move(const std::vector<NodeId>& group, const std::shared_ptr<Ring>& to,
                   std::uint64_t gaps) {
    std::map<std::shared_ptr<Ring>, std::vector<NodeId>> from;
    for (const NodeId id : group) {
        if (nodes_.at(id).ring) {
            from[nodes_.at(id).ring].push_back(id);
        }
        nodes_.at(id).ring = nodes_.at(id).ring ? nodes_.at(id).ring : to;
    }
    for (const auto& [old, together] : from) {
        std::size_t common = 0;
        for (const NodeId id : together) {
            common = std::max(common, nodes_.at(id).delivered);
        }
        for (std::size_t i = 0; i < old->log.size(); ++i) {
            const Event& event = old->log[i];
            const bool own = std::ranges::count(together, event.sender.node) != 0;
            const bool seen = i < common || own ||
                              (!event.view && drawn(gaps, raw(group.front()) * 1000 + i) % 2 == 0);
            for (const NodeId id : together) {
                Node& node = nodes_.at(id);
                if (seen && i >= node.delivered && node.replica) {
                    node.inbox.push_back(event);
                }
            }
        }
    }
    for (const NodeId id : group) {
        nodes_.at(id).ring = to;
        nodes_.at(id).delivered = 0;
    }
}

void Cluster::new_ring(const std::vector<std::vector<NodeId>>& parts, std::uint64_t gaps) {
    for (const auto& part : parts) {
        if (part.empty()) {
            continue;
        }
        const auto ring = std::make_shared<Ring>();
        ring_number_ += 4;
        ring->id = {*std::ranges::min_element(part), ring_number_};
        ring->nodes.insert(part.begin(), part.end());
        move(part, ring, gaps);
        announce(*ring);
    }
}

void Cluster::send(Node& node) {
    Event event;
    event.sender = {node.id, node.starts};
    event.bytes = std::move(node.outbox.front());
    node.outbox.pop_front();
    if (node.joined) {
        node.ring->log.push_back(std::move(event));
        multicasts += 1;
    }
}

void Cluster::deliver(Node& node) {
    const Event& event = node.ring->log[node.delivered++];
    if (node.replica) {
        node.inbox.push_back(event);
    }
}

void Cluster::read(Node& node) {
    Event event = std::move(node.inbox.front());
    node.inbox.pop_front();
    const Process self{node.id, node.starts};
    if (!event.view) {
        step(node, Delivered{event.sender, event.bytes});
        return;
    }
    if (!node.joined || std::ranges::count(event.view->members, self) == 0) {
        return;
    }
    event.view->self = self;
    const bool quorate = event.quorate;
    step(node, std::move(*event.view));
    if (node.replica) {
        step(node, QuorumIs{quorate});
    }
}

// ---- replicas -----------------------------------------------------------------------------------

void Cluster::input(std::uint32_t id, ReplicaInput input) { step(node(id), std::move(input)); }

void Cluster::step(Node& node, ReplicaInput input) {
    ReplicaEffects out;
    node.replica->step(now, std::move(input), out);
    take(node, out);
}

void Cluster::take(Node& node, ReplicaEffects& out) {
    node.wake_at = out.wake_at;
    for (auto& message : out.multicasts) {
        node.outbox.push_back(std::move(message));
    }
    node.notices.insert(node.notices.end(), out.notices.begin(), out.notices.end());
    node.changed.insert(node.changed.end(), out.changed.begin(), out.changed.end());
    if (node.wake_at && *node.wake_at <= now && out.multicasts.empty() && !out.commit) {
        fail("a deadline that is not in the future");
    }
    if (out.commit) {
        if (node.commit) {
            fail("two commits at a time");
        }
        node.commit = std::move(out.commit);
        node.commit_at = now + options.disk;
    }
    check_history(node);
    for (const Answer& answer : out.answers) {
        on_answer(answer);
    }
    if (out.leave) {
        leave(node);
    }
    if (out.reload) {
        reload(node);
    }
    if (out.join) {
        node.joined = true;
        announce(*node.ring);
    }
}

void Cluster::leave(Node& node) {
    node.joined = false;
    node.outbox.clear();
    announce(*node.ring);
    step(node, ViewLost{});
}

void Cluster::finish_commit(Node& node) {
    const Batch batch = std::move(*node.commit);
    node.commit.reset();
    if (node.disk_full) {
        step(node, StoreFailed{{StoreErrorKind::kNoSpace, "no space"}});
        return;
    }
    auto committed = node.store->commit(batch);
    if (batch.adoption) {
        node.durable.clear();
    }
    for (const Record& record : batch.records) {
        node.durable[record.position.index] = record;
    }
    node.durable_promise = batch.promise.value_or(node.durable_promise);
    step(node, Stored{committed->backup});
}

// ---- time ---------------------------------------------------------------------------------------

bool Cluster::act(std::uint64_t choice) {
    std::vector<std::pair<Node*, int>> possible;
    for (auto& [id, node] : nodes_) {
        const bool runs = node.replica && !node.paused;
        if (runs && !node.outbox.empty()) {
            possible.emplace_back(&node, 0);
        }
        if (node.up && !node.deaf && node.delivered < node.ring->log.size()) {
            possible.emplace_back(&node, 1);
        }
        if (runs && !node.inbox.empty()) {
            possible.emplace_back(&node, 2);
        }
        if (runs && node.commit && !node.disk_stuck && node.commit_at <= now) {
            possible.emplace_back(&node, 3);
        }
        if (runs && node.wake_at && *node.wake_at <= now) {
            possible.emplace_back(&node, 4);
        }
    }
    if (possible.empty()) {
        return false;
    }
    const auto [node, what] = possible[choice % possible.size()];
    switch (what) {
        case 0:
            send(*node);
            break;
        case 1:
            deliver(*node);
            break;
        case 2:
            read(*node);
            break;
        case 3:
            finish_commit(*node);
            break;
        default:
            step(*node, Tick{});
    }
    return true;
}

bool Cluster::next_instant(Instant limit) {
    std::optional<Instant> next;
    const auto consider = [&](Instant when) { next = next && *next < when ? next : when; };
    for (auto& [id, node] : nodes_) {
        const bool runs = node.replica && !node.paused;
        if (runs && node.wake_at) {
            consider(*node.wake_at);
        }
        if (runs && node.commit && !node.disk_stuck) {
            consider(node.commit_at);
        }
    }
    if (!next || *next > limit) {
        now = std::max(now, limit);
        return false;
    }
    now = std::max(now, *next);
    return true;
}

void Cluster::settle() {
    for (std::uint64_t i = 0; act(0); ++i) {
        if (i > 1000000) {
            fail("it never comes to rest");
            return;
        }
    }
}

void Cluster::run(milliseconds time) {
    const Instant end = now + time;
    do {
        settle();
    } while (next_instant(end) && broken.empty());
    settle();
}

}  // namespace cfs::testing
