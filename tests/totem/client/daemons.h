// Daemons in memory: the real cpg, quorum and votequorum services with their doors, on one total
// order, and hosts that carry bytes between a GroupClient and its daemon.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/totem/ipc/doors/fake_outbox.h"
#include "totem/client/group_client.h"
#include "totem/group/cpg_service.h"
#include "totem/ipc/doors/cpg_door.h"
#include "votequorum/core/service.h"
#include "votequorum/ipc/quorum_door.h"

namespace client_test {

using totem::Configuration;
using totem::NodeId;
using totem::RingId;
using totem::client::Door;
using totem::group::ConnectionId;
using Nodes = std::vector<NodeId>;

struct Daemon {
    Daemon(NodeId self, std::uint32_t expected, totem::FramePool& pool)
        : out(pool), cpg(self), votes({.self = self, .expected_votes = expected}, quorum) {}

    std::vector<totem::group::Service*> services() { return {&cpg, &quorum, &votes}; }
    totem::group::Door& door(Door which) {
        return which == Door::kCpg ? static_cast<totem::group::Door&>(cpg_door) : quorum_door;
    }

    doors_test::FakeOutbox out;
    totem::group::CpgService cpg;
    votequorum::QuorumService quorum{votequorum::QuorumService::Model::kSet};
    votequorum::VoteQuorum votes;
    totem::ipc::CpgDoor cpg_door{cpg};
    votequorum::QuorumDoor quorum_door{quorum};
    RingId ring;
};

class Ring {
  public:
    explicit Ring(std::uint32_t nodes) {
        for (std::uint32_t id = 1; id <= nodes; ++id) {
            all.push_back(NodeId{id});
            daemons[NodeId{id}] = std::make_unique<Daemon>(NodeId{id}, nodes, pool);
        }
    }
    Daemon& at(std::uint32_t id) { return *daemons.at(NodeId{id}); }

    // `members` form a ring and synchronise; the services take their turns one after the other.
    void form(const Nodes& members) {
        const RingId ring{members.front(), next_ring_ += 4};
        std::map<NodeId, Nodes> along;
        for (const NodeId node : members) {
            for (const NodeId other : members) {
                const bool old = daemons.at(node)->ring.seq != 0;
                if (node == other || (old && daemons.at(node)->ring == daemons.at(other)->ring)) {
                    along[node].push_back(other);
                }
            }
        }
        for (const NodeId node : members) {
            Daemon& each = *daemons.at(node);
            each.ring = ring;
            const Configuration transitional{
                Configuration::Kind::kTransitional, ring, along[node], {}, {}};
            const Configuration regular{Configuration::Kind::kRegular, ring, members, {}, {}};
            for (const auto& change : {transitional, regular}) {
                for (auto* service : each.services()) {
                    service->on_configuration(change, each.out);
                }
            }
            for (auto* service : each.services()) {
                service->sync_begin(ring, along[node], members, each.out);
            }
        }
        for (std::size_t turn = 0; turn < 3; ++turn) {
            for (const NodeId node : members) {
                static_cast<void>(
                    daemons.at(node)->services()[turn]->sync_step(daemons.at(node)->out));
            }
            settle(members);
            for (const NodeId node : members) {
                daemons.at(node)->services()[turn]->sync_activate(daemons.at(node)->out);
            }
        }
        for (const NodeId node : members) {
            for (auto* service : daemons.at(node)->services()) {
                service->on_sync_complete(daemons.at(node)->out);
            }
        }
        settle(members);
    }

    // Everything sent is delivered to `members`, in one order. True when there was anything.
    bool settle(const Nodes& members) {
        bool any = false;
        for (bool more = true; more;) {
            more = false;
            for (const NodeId sender : members) {
                for (const auto& message : std::exchange(daemons.at(sender)->out.sent, {})) {
                    deliver(sender, message, members);
                    more = any = true;
                }
            }
        }
        return any;
    }

    totem::FramePool pool;
    std::map<NodeId, std::unique_ptr<Daemon>> daemons;
    Nodes all;
    std::uint32_t next_connection = 1;

  private:
    void deliver(NodeId sender, const doors_test::Sent& message, const Nodes& members) {
        const auto frame = pool.copy(message.bytes);
        for (const NodeId node : members) {
            for (auto* service : daemons.at(node)->services()) {
                if (service->id() == message.service) {
                    service->on_message(sender, message.function, frame, daemons.at(node)->out);
                }
            }
        }
    }

    std::uint64_t next_ring_ = 0;
};

// The doors of one client process: does what its machine asks for, hands it what the daemon says.
class Doors {
  public:
    Doors(Ring& ring, std::uint32_t node) : ring_(ring), daemon_(NodeId{node}) {}
    Doors(const Doors&) = delete;
    Doors& operator=(const Doors&) = delete;
    Doors(Doors&&) = delete;
    Doors& operator=(Doors&&) = delete;
    virtual ~Doors() = default;

    virtual void step(const totem::client::Input& input) = 0;

    // Does what the client asked for, and hands it what the daemon says. True when there was any.
    bool run() {
        bool any = false;
        while (!todo_.empty()) {
            const auto action = std::move(todo_.front());
            todo_.erase(todo_.begin());
            action();
            any = true;
        }
        auto& messages = ring_.daemons.at(daemon_)->out.clients;
        for (std::size_t at = 0; at < messages.size();) {
            const Door* door = find(messages[at].connection);
            if (door == nullptr) {
                ++at;
                continue;
            }
            const auto message = messages[at];
            messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(at));
            hand_in(*door, message);
            any = true;
        }
        return any;
    }
    // The connection breaks, whoever is at fault.
    void cut(Door door) {
        close(door);
        step(totem::client::Disconnected{door});
    }

    bool up = true;
    totem::client::Error refusal = totem::client::Error::kLibrary;
    std::function<bool()> full;  // whether the way to the daemon has no room now

  protected:
    void perform(const std::vector<totem::client::Action>& actions) {
        for (const auto& action : actions) {
            std::visit([&](const auto& value) { queue(value); }, action);
        }
    }

  private:
    Ring& ring_;
    NodeId daemon_;
    std::map<Door, ConnectionId> connections_;
    std::vector<std::function<void()>> todo_;

    Daemon& daemon() { return *ring_.daemons.at(daemon_); }
    const Door* find(ConnectionId connection) const {
        for (const auto& [door, id] : connections_) {
            if (id == connection) {
                return &door;
            }
        }
        return nullptr;
    }
    void queue(const totem::client::Connect& action) {
        todo_.push_back([this, door = action.door] {
            if (!up) {
                step(totem::client::ConnectFailed{door, refusal});
                return;
            }
            const ConnectionId id{ring_.next_connection++};
            connections_[door] = id;
            daemon().door(door).on_open(id, 1, daemon().out);
            step(totem::client::Connected{door});
        });
    }
    void queue(const totem::client::Disconnect& action) { close(action.door); }
    void queue(const totem::client::Request& action) {
        todo_.push_back([this, door = action.door,
                         bytes = totem::client::Bytes(action.bytes.begin(), action.bytes.end())] {
            if (!connections_.contains(door)) {
                return;
            }
            const bool taken = !(full && full()) && daemon().door(door).on_request(
                                                        connections_.at(door), bytes, daemon().out);
            if (taken) {
                step(totem::client::Accepted{door});
            } else {
                step(totem::client::NotTaken{door});
            }
        });
    }
    void close(Door door) {
        if (const auto at = connections_.find(door); at != connections_.end()) {
            daemon().door(door).on_close(at->second, daemon().out);
            connections_.erase(at);
        }
    }
    void hand_in(Door door, const totem::group::ClientMessage& message) {
        totem::client::Bytes bytes(message.head.begin(), message.head.begin() + message.head_size);
        bytes.insert(bytes.end(), message.body.bytes().begin(), message.body.bytes().end());
        if (message.kind == totem::group::ClientMessage::Kind::kReply) {
            step(totem::client::Reply{door, bytes});
        } else {
            step(totem::client::Event{door, bytes});
        }
    }
};

// One client process beside one daemon. What the client says of messages is kept as text.
class Host : public Doors {
  public:
    Host(Ring& ring, std::uint32_t node, totem::client::GroupClientOptions options)
        : Doors(ring, node), client(std::move(options)) {}

    void step(const totem::client::Input& input) override {
        effects_.clear();
        client.step(now, input, effects_);
        wake_at = effects_.wake_at;
        for (auto& each : effects_.news) {
            keep(std::move(each));
        }
        perform(std::exchange(effects_.actions, {}));
    }
    void wake() {
        if (wake_at) {
            now = std::max(now, *wake_at);
            step(totem::client::Wake{});
        }
    }
    void send(std::uint64_t tag, std::string_view text) {
        step(totem::client::Send{tag, std::as_bytes(std::span(text)), totem::Guarantee::kAgreed});
    }
    template <typename Kind>
    std::vector<Kind> take() {
        std::vector<Kind> taken;
        std::vector<totem::client::News> rest;
        for (auto& each : std::exchange(news, {})) {
            if (auto* value = std::get_if<Kind>(&each)) {
                taken.push_back(std::move(*value));
            } else {
                rest.push_back(std::move(each));
            }
        }
        news = std::move(rest);
        return taken;
    }

  private:
    totem::client::Effects effects_;

    void keep(totem::client::News each) {
        if (auto* message = std::get_if<totem::client::Message>(&each)) {
            delivered.emplace_back(totem::group::as_text(message->bytes));
            tags.push_back(message->own_tag);
            message->bytes = {};
        }
        news.push_back(std::move(each));
    }

  public:
    totem::client::GroupClient client;
    totem::Instant now{};
    std::optional<totem::Instant> wake_at;
    std::vector<totem::client::News> news;
    std::vector<std::string> delivered;
    std::vector<std::optional<std::uint64_t>> tags;
};

}  // namespace client_test
