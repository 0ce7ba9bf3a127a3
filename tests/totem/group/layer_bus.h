// Several group layers on rings that a test makes by hand: total order without the ring protocol.
//
// install() delivers a configuration change to its members, rotate() lets every member send as the
// token would: one visit each, everything it hands out going to all members of its ring at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "totem/core/codec.h"
#include "totem/group/group_layer.h"

namespace group_test {

using totem::Configuration;
using totem::FramePool;
using totem::FrameRef;
using totem::Guarantee;
using totem::Instant;
using totem::NodeId;
using totem::RingConfig;
using totem::RingId;
using totem::group::GroupLayer;
using totem::group::Notice;
using totem::group::StackEffects;

inline std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline RingConfig ring_config(std::uint32_t id, std::size_t frame_data_max = 1382) {
    RingConfig config;
    config.self = NodeId{id};
    config.frame_data_max = frame_data_max;
    return config;
}

struct BusNode {
    explicit BusNode(std::uint32_t number, std::size_t frame_data_max)
        : id(NodeId{number}), layer(ring_config(number, frame_data_max), pool) {}

    NodeId id;
    FramePool pool;
    StackEffects effects;
    GroupLayer layer;
    RingId ring;
    std::vector<NodeId> members;
    std::vector<Notice> notices;  // all so far
};

class LayerBus {
  public:
    explicit LayerBus(std::uint32_t nodes, std::size_t frame_data_max = 1382) {
        for (std::uint32_t i = 1; i <= nodes; ++i) {
            nodes_.push_back(std::make_unique<BusNode>(i, frame_data_max));
        }
    }

    BusNode& node(std::uint32_t number) { return *nodes_.at(number - 1); }
    Instant now{};

    // A new ring of `numbers`. Members that shared a ring before come along together.
    void install(const std::vector<std::uint32_t>& numbers) {
        std::vector<NodeId> members;
        std::map<std::uint32_t, RingId> old_rings;
        for (const std::uint32_t number : numbers) {
            members.push_back(NodeId{number});
            old_rings[number] = node(number).ring;
        }
        const RingId ring{members.front(), next_ring_seq_ += 4};
        for (const std::uint32_t number : numbers) {
            install_at(node(number), ring, members, old_rings);
        }
    }

    // One visit of the token at every node: it sends `frames` at most.
    void rotate(std::size_t frames = 16) {
        for (auto& sender : nodes_) {
            for (std::size_t i = 0; i < frames && sender->layer.source().backlog() > 0; ++i) {
                multicast(*sender, sender->layer.source().take());
            }
        }
    }
    // Until nobody has anything left to send.
    void settle() {
        for (int i = 0; i < 10'000; ++i) {
            if (std::ranges::all_of(nodes_, [](auto& each) {
                    return each->members.empty() || each->layer.source().backlog() == 0;
                })) {
                return;
            }
            rotate();
        }
        FAIL() << "the ring does not come to rest";
    }
    // Time passes; every layer whose deadline has come is woken.
    void advance(totem::Duration by) {
        now += by;
        for (auto& each : nodes_) {
            step(*each, [&] {
                if (each->layer.wake_at() && *each->layer.wake_at() <= now) {
                    each->layer.on_wake();
                }
            });
        }
    }
    // Runs `action` as one step of `at`.
    template <typename Action>
    void step(BusNode& at, Action action) {
        at.effects.clear();
        at.layer.begin_step(now, at.effects);
        action();
        for (Notice& notice : at.effects.notices) {
            at.notices.push_back(std::move(notice));
        }
    }
    // A frame whose payload is `payload`, from `sender` to everybody on its ring.
    void inject(BusNode& sender, std::span<const std::byte> payload) {
        deliver(sender, payload, Guarantee::kAgreed);
    }

    // When set: false loses the frame at that receiver.
    std::function<bool(NodeId sender, NodeId receiver)> passes;
    // What is delivered of the old ring between the two configurations.
    std::function<void(BusNode& at)> rest_of_old_ring;

  private:
    void install_at(BusNode& at, const RingId& ring, const std::vector<NodeId>& members,
                    const std::map<std::uint32_t, RingId>& old_rings) {
        Configuration transitional;
        transitional.kind = Configuration::Kind::kTransitional;
        transitional.ring = ring;
        Configuration regular;
        regular.ring = ring;
        regular.members = members;
        for (const NodeId member : members) {
            const bool along =
                member == at.id || (at.ring.seq != 0 && old_rings.at(raw(member)) == at.ring);
            (along ? transitional.members : regular.joined).push_back(member);
        }
        for (const NodeId member : at.members) {
            if (std::ranges::find(transitional.members, member) == transitional.members.end()) {
                transitional.left.push_back(member);
            }
        }
        at.ring = ring;
        at.members = members;
        step(at, [&] {
            at.layer.on_delivery(transitional);
            if (rest_of_old_ring) {
                rest_of_old_ring(at);
            }
            at.layer.on_delivery(regular);
        });
    }

    void multicast(BusNode& sender, const totem::MessageSource::Outgoing& outgoing) {
        // The ring writes its header into the room before the payload.
        FrameRef frame = outgoing.frame;
        std::ranges::fill(frame.writable().first(totem::kDataHeaderBytes), std::byte{0xEE});
        deliver(sender, frame.bytes().subspan(totem::kDataHeaderBytes), outgoing.guarantee);
    }

    void deliver(BusNode& sender, std::span<const std::byte> payload, Guarantee guarantee) {
        ++seq_;
        for (const NodeId member : sender.members) {
            BusNode& receiver = node(raw(member));
            if (receiver.ring != sender.ring || (passes && !passes(sender.id, receiver.id))) {
                continue;
            }
            const totem::Delivery delivery = totem::DeliveredMessage{
                sender.id, guarantee, seq_, sender.ring, receiver.pool.copy(payload)};
            step(receiver, [&] { receiver.layer.on_delivery(delivery); });
        }
    }

    std::vector<std::unique_ptr<BusNode>> nodes_;
    std::uint64_t next_ring_seq_ = 0;
    totem::Seq seq_;
};

}  // namespace group_test
