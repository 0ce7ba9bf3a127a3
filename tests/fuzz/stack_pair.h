// Two whole stacks, services and doors included, that hear each other: the smallest cluster in
// which a message of another node means something. Virtual time; keeps the payload of every
// multicast.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/frames.h"
#include "totem/core/codec.h"
#include "totem/group/cfg_service.h"
#include "totem/group/cmap_service.h"
#include "totem/group/cmap_store.h"
#include "totem/group/cpg_service.h"
#include "totem/group/stack.h"
#include "totem/ipc/doors/cfg_door.h"
#include "totem/ipc/doors/cmap_door.h"
#include "totem/ipc/doors/cpg_door.h"
#include "votequorum/core/quorum_service.h"
#include "votequorum/core/service.h"
#include "votequorum/ipc/quorum_door.h"
#include "votequorum/ipc/votequorum_door.h"

namespace fuzz {

using frames::Frame;
using totem::NodeId;
using totem::group::StackInput;

inline totem::RingConfig ring_of(std::uint32_t id) {
    totem::RingConfig config;
    config.self = NodeId{id};
    return config;
}

inline totem::group::ClusterFacts facts_of(std::uint32_t id) {
    totem::group::ClusterFacts facts;
    facts.self = NodeId{id};
    facts.cluster_name = "fuzz";
    for (const std::uint32_t node : {1U, 2U}) {
        facts.nodes.push_back({NodeId{node}, "node" + std::to_string(node), {}});
    }
    return facts;
}

inline votequorum::Options votes_of(std::uint32_t id) {
    votequorum::Options options;
    options.self = NodeId{id};
    options.expected_votes = 2;
    options.two_node = true;
    options.listed = {NodeId{1}, NodeId{2}};
    return options;
}

// One node, put together as the daemon does it.
struct Member {
    explicit Member(std::uint32_t id)
        : stack(ring_of(id), pool),
          cmap(store, facts_of(id)),
          cfg(facts_of(id)),
          cpg(NodeId{id}),
          quorum(votequorum::QuorumService::Model::kSet),
          votes(votes_of(id), quorum),
          cmap_door(store),
          cfg_door(cfg, store),
          cpg_door(cpg),
          quorum_door(quorum),
          votequorum_door(votes) {
        for (totem::group::Service* each :
             std::array<totem::group::Service*, 5>{&cmap, &cfg, &cpg, &quorum, &votes}) {
            stack.add(*each);
        }
        for (totem::group::Door* each : std::array<totem::group::Door*, 5>{
                 &cmap_door, &cfg_door, &cpg_door, &quorum_door, &votequorum_door}) {
            stack.add(*each);
        }
    }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    Member(Member&&) = delete;
    Member& operator=(Member&&) = delete;
    ~Member() { effects.clear(); }

    totem::FramePool pool;
    totem::group::StackEffects effects;
    totem::group::Stack stack;
    totem::group::CmapStore store;
    totem::group::CmapService cmap;
    totem::group::CfgService cfg;
    totem::group::CpgService cpg;
    votequorum::QuorumService quorum;
    votequorum::VoteQuorum votes;
    totem::ipc::CmapDoor cmap_door;
    totem::ipc::CfgDoor cfg_door;
    totem::ipc::CpgDoor cpg_door;
    votequorum::QuorumDoor quorum_door;
    votequorum::VotequorumDoor votequorum_door;
    std::optional<totem::Instant> wake_at;
    std::size_t events = 0;     // to clients
    std::size_t malformed = 0;  // notices of a message that could not be read
};

class StackPair {
  public:
    StackPair() {
        for (std::uint32_t id = 1; id <= 2; ++id) {
            members_[id] = std::make_unique<Member>(id);
        }
    }
    ~StackPair() { queue_.clear(); }  // before the pools
    StackPair(const StackPair&) = delete;
    StackPair& operator=(const StackPair&) = delete;
    StackPair(StackPair&&) = delete;
    StackPair& operator=(StackPair&&) = delete;

    Member& member(std::uint32_t id) { return *members_.at(id); }
    // The payloads that these two have multicast themselves.
    std::vector<Frame> payloads;

    void step(std::uint32_t id, const StackInput& input) {
        Member& at = member(id);
        at.effects.clear();
        at.stack.step(now_, input, at.effects);
        perform(id, at);
    }
    // `payload` as the next message of node 2, in total order.
    void deliver_to_first(const Frame& payload) {
        Member& at = member(1);
        const totem::Node& node = at.stack.node();
        const totem::DataHeader header{.from = NodeId{2},
                                       .system_from = NodeId{2},
                                       .seq = node.snapshot().high_seq + 1,
                                       .ring = node.ring()};
        totem::FrameRef frame = at.pool.allocate(totem::kDataHeaderBytes + payload.size());
        totem::encode_data_header(header, frame.writable().first<totem::kDataHeaderBytes>());
        std::ranges::copy(payload, frame.writable().begin() + totem::kDataHeaderBytes);
        step(1, totem::Input(totem::Received{.frame = std::move(frame)}));
    }
    // False: `reached` did not come true within `limit`.
    template <typename Condition>
    bool run_until(const Condition& reached, totem::Duration limit) {
        const totem::Instant end = now_ + limit;
        while (!reached()) {
            if (!advance(end)) {
                return false;
            }
        }
        return true;
    }
    // Both on one ring of two, with nothing left to tell each other.
    [[nodiscard]] bool settled() {
        return std::ranges::all_of(members_, [this](const auto& each) {
            const totem::Snapshot now = each.second->stack.node().snapshot();
            return now.state == totem::State::kOperational && now.members_size == 2 &&
                   now.ring == member(1).stack.node().ring() && each.second->stack.ready() &&
                   !each.second->stack.synchronising();
        });
    }

    // Where both stand, for a failure.
    [[nodiscard]] std::string describe() {
        std::string text;
        for (const auto& [id, each] : members_) {
            const totem::Snapshot now = each->stack.node().snapshot();
            text += "node " + std::to_string(id) + ": state " +
                    std::to_string(static_cast<int>(now.state)) + ", ring number " +
                    std::to_string(now.ring.seq) + ", members " + std::to_string(now.members_size) +
                    ", ready " + std::to_string(each->stack.ready()) + ", synchronising " +
                    std::to_string(each->stack.synchronising()) + "\n";
        }
        return text;
    }

  private:
    struct Arrival {
        std::uint32_t to = 0;
        totem::Input input;
    };

    void perform(std::uint32_t id, Member& at) {
        if (const auto bound = at.effects.ring.persist) {
            push(id, totem::Persisted{.ring_seq = *bound});
        }
        for (const totem::Datagram& datagram : at.effects.ring.datagrams) {
            send(id, datagram);
        }
        at.wake_at = at.effects.ring.wake_at;
        at.events += at.effects.clients.size();
        at.malformed += static_cast<std::size_t>(
            std::ranges::count(at.effects.notices, totem::group::Notice::Kind::kMalformedMessage,
                               &totem::group::Notice::kind));
        at.effects.clear();
    }
    void send(std::uint32_t from, const totem::Datagram& datagram) {
        Frame bytes(datagram.head.begin(), datagram.head.begin() + datagram.head_size);
        const auto body = datagram.body.bytes();
        bytes.insert(bytes.end(), body.begin(), body.end());
        const auto header = totem::decode_data_header(bytes);
        if (header && !header->encapsulated && payloads.size() < 500) {
            payloads.emplace_back(bytes.begin() + totem::kDataHeaderBytes, bytes.end());
        }
        for (auto& [id, to] : members_) {
            if (datagram.to == totem::kNoNode ? id != from : id == raw(datagram.to)) {
                push(id, totem::Received{.frame = to->pool.copy(bytes)});
            }
        }
    }
    void push(std::uint32_t to, totem::Input input) {
        queue_.emplace(std::pair(now_ + std::chrono::microseconds(100), ++pushed_),
                       Arrival{to, std::move(input)});
    }
    // The next arrival or deadline not after `end`; false when there is none.
    bool advance(totem::Instant end) {
        std::uint32_t due = 0;
        totem::Instant next = queue_.empty() ? end : queue_.begin()->first.first;
        for (const auto& [id, each] : members_) {
            if (each->wake_at && *each->wake_at < next) {
                due = id;
                next = *each->wake_at;
            }
        }
        if (next >= end) {
            return false;
        }
        now_ = std::max(now_, next);
        if (due != 0) {
            step(due, totem::Input(totem::Wake{}));
            return true;
        }
        const Arrival first = std::move(queue_.extract(queue_.begin()).mapped());
        step(first.to, first.input);
        return true;
    }

    std::map<std::uint32_t, std::unique_ptr<Member>> members_;
    std::map<std::pair<totem::Instant, std::uint64_t>, Arrival> queue_;
    std::uint64_t pushed_ = 0;
    totem::Instant now_{};
};

}  // namespace fuzz
