// The daemon's side of the doors: what libqb and totemd's host do between the stack and its
// clients.
#include <algorithm>

#include "sim/sim_node.h"

namespace sim {

namespace {

namespace client = totem::client;
using totem::group::ClientClosed;
using totem::group::ClientOpened;
using totem::group::ClientRequest;
using totem::group::HostRequest;
using totem::group::Notice;
using totem::group::ServiceId;

ServiceId service_of(client::Door door) { return static_cast<ServiceId>(door); }

}  // namespace

DaemonState SimNode::daemon_state() const {
    if (stack_machine_ == nullptr) {
        return {};
    }
    const auto& stack = stack_machine_->stack();
    const bool critical = stack.send_level() == totem::group::SendLevel::kCritical;
    DaemonState state{.listening = stack.ready(), .stopped = stack.synchronising() || critical};
    if (files_ != nullptr) {
        state.expected = stack_machine_->votes().ballot().self().expected_votes;
    }
    return state;
}

std::uint64_t SimNode::open_sends() const {
    std::uint64_t open = 0;
    for (const auto& client : clients_) {
        open += client->open_sends();
    }
    return open;
}

const SimNode::Connection* SimNode::find_connection(std::uint32_t client, client::Door door) const {
    const auto found = std::ranges::find_if(connections_, [client, door](const Connection& c) {
        return c.client == client && c.door == door;
    });
    return found == connections_.end() ? nullptr : &*found;
}

void SimNode::on_client(Instant now, std::uint32_t client) {
    clients_.at(client)->run(now, daemon_state());
    serve(now, client);
}

void SimNode::serve(Instant now, std::uint32_t client) {
    ClientProcess& process = *clients_.at(client);
    if (!alive()) {
        // Nobody listens: connecting fails at once, and nothing else can be under way.
        while (const ClientProcess::Item* item = process.for_daemon(now)) {
            if (item->what == ClientProcess::Asks::kOpen) {
                process.opened(now, item->door, false);
            }
            process.taken(now);
        }
        return;
    }
    while (alive() && !paused()) {
        const ClientProcess::Item* item = process.for_daemon(now);
        if (item == nullptr || !serve_one(now, client, *item)) {
            return;
        }
        if (alive()) {
            process.taken(now);
        }
    }
}

// False: it stays at the front of the queue.
bool SimNode::serve_one(Instant now, std::uint32_t client, const ClientProcess::Item& item) {
    if (item.what == ClientProcess::Asks::kClose) {
        close_connection(now, client, item.door);
        return true;
    }
    if (item.what == ClientProcess::Asks::kOpen) {
        const bool listening = daemon_state().listening;
        clients_.at(client)->opened(now, item.door, listening);
        if (listening) {
            const totem::group::ConnectionId id{++last_connection_};
            connections_.push_back({id, client, item.door});
            step(now, ClientOpened{service_of(item.door), id, clients_.at(client)->pid()});
        }
        return true;
    }
    const Connection* connection = find_connection(client, item.door);
    if (connection == nullptr) {
        return true;
    }
    if (stack_machine_->stack().synchronising()) {
        clients_wait_ = true;
        return false;
    }
    step(now, ClientRequest{connection->id, item.bytes});
    if (alive() && !stack_machine_->stack().request_taken()) {
        clients_wait_ = true;
        return false;
    }
    return true;
}

void SimNode::close_connection(Instant now, std::uint32_t client, client::Door door) {
    if (const Connection* connection = find_connection(client, door); connection != nullptr) {
        const auto id = connection->id;
        std::erase_if(connections_, [id](const Connection& c) { return c.id == id; });
        step(now, ClientClosed{id});
    }
}

void SimNode::deliver_client(const totem::group::ClientMessage& message) {
    if (dying_ || message.connection == operator_) {
        return;
    }
    const auto found = std::ranges::find(connections_, message.connection, &Connection::id);
    if (found != connections_.end()) {
        const RingId ring = configuration_ ? configuration_->ring : RingId{};
        clients_.at(found->client)->message(now_, found->door, message, ring);
    } else {
        world_.recorder.report({"clients", "E8.3", "a message for a closed connection", where()});
    }
}

void SimNode::publish() {
    if (dying_ || stack_machine_ == nullptr) {
        return;
    }
    disconnect_slow_clients();
    resume_clients();
    tell_quorum();
}

void SimNode::disconnect_slow_clients() {
    for (std::uint32_t client = 0; client < clients_.size(); ++client) {
        if (clients_[client]->overflows()) {
            clients_[client]->disconnect(now_);
            world_.queue.push({.at = now_ + Duration{1},
                               .kind = EventKind::kHangUp,
                               .node = static_cast<std::uint8_t>(index_),
                               .life = life_,
                               .a = client});
        }
    }
}

void SimNode::resume_clients() {
    const auto& stack = stack_machine_->stack();
    if (clients_wait_ && !stack.synchronising() && stack.room_available()) {
        clients_wait_ = false;
        for (const auto& process : clients_) {
            process->resume_requests(now_);
        }
    }
}

void SimNode::on_hang_up(Instant now, std::uint32_t life, std::uint32_t client) {
    if (life == life_ && alive()) {
        close_connection(now, client, client::Door::kCpg);
    }
    if (life == life_ && alive()) {
        close_connection(now, client, client::Door::kQuorum);
    }
}

void SimNode::disconnect_clients(Instant now) {
    connections_.clear();
    clients_wait_ = false;
    for (const auto& process : clients_) {
        process->disconnect(now);
    }
}

void SimNode::tell_quorum() {
    const auto& votes = stack_machine_->votes();
    QuorumView view{where(),
                    votes.ballot().quorate(),
                    stack_machine_->stack().synchronising(),
                    votes.ring(),
                    configuration_ ? configuration_->ring : RingId{},
                    configuration_ ? configuration_->members : 0};
    const bool same = quorum_view_ && quorum_view_->quorate == view.quorate &&
                      quorum_view_->ring == view.ring &&
                      quorum_view_->node_ring == view.node_ring &&
                      quorum_view_->synchronising == view.synchronising;
    if (!same) {
        quorum_view_ = view;
        world_.recorder.publish(view);
    }
}

// Q16: quorum is gained at the end of a synchronisation or outside of one, never within. The last
// service's gain comes before the notice that the synchronisation is complete.
void SimNode::watch_gain(Notice::Kind kind) {
    if (kind == Notice::Kind::kMembershipFormed) {
        if (gained_early_) {
            report_gain();
        }
        synchronising_ = true;
    } else if (kind == Notice::Kind::kSyncCompleted) {
        synchronising_ = false;
        gained_early_ = false;
    } else if (kind == Notice::Kind::kQuorumGained) {
        gained_early_ = synchronising_;
    }
}

void SimNode::report_gain() {
    world_.recorder.report({"services", "Q16", "quorum gained within a synchronisation", where()});
}

void SimNode::notice(const Notice& notice) {
    if (dying_) {
        return;
    }
    watch_gain(notice.kind);
    if (notice.kind == Notice::Kind::kSyncWaiting) {
        SyncWaits event{where(), 0, configuration_ ? configuration_->members : 0, true};
        for (const NodeId id : notice.nodes) {
            std::uint32_t node = 0;
            event.listed = event.listed && index_of(id, world_.options.nodes, node);
            event.waiting_for |= event.listed ? mask_of(node) : 0;
        }
        world_.recorder.publish(event);
    } else if (notice.kind == Notice::Kind::kMalformedMessage ||
               notice.kind == Notice::Kind::kMalformedRequest) {
        world_.recorder.report({"services", "M15", "called malformed: " + notice.text, where()});
    }
}

void SimNode::request_host(const HostRequest& request) {
    if (!dying_ && request.kind == HostRequest::Kind::kStop) {
        world_.recorder.report({"services", "X3", "a service stopped the node", where()});
    }
}

}  // namespace sim
