#include "totem/group/stack.h"

#include <algorithm>
#include <cstddef>
#include <variant>

#include "totem/group/group_layer.h"
#include "totem/group/state_hash.h"

namespace totem::group {
namespace {

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
    return a && b ? std::min(*a, *b) : (a ? a : b);
}

}  // namespace

struct Stack::Parts {
    Parts(const RingConfig& config, FramePool& pool, TraceMask mask)
        : layer(config, pool), node(config, pool, layer.source(), mask) {}

    void step_ring(Instant now, const Input& input, StackEffects& out);
    void on_ring_input(Instant now, const Input& input, StackEffects& out);
    void announce_backlog(Instant now, StackEffects& out);

    GroupLayer layer;
    Node node;
    std::optional<Instant> ring_wake;
    bool running = false;    // between Start and Leave
    bool announced = false;  // the ring knows that the source is not empty
    bool taken = true;
};

// One step of the ring, whose deliveries the services see at once.
void Stack::Parts::step_ring(Instant now, const Input& input, StackEffects& out) {
    const std::size_t first = out.ring.deliveries.size();
    out.ring.wake_at.reset();
    node.step(now, input, out.ring);
    ring_wake = out.ring.wake_at;
    announced = announced && layer.source().backlog() > 0;
    for (std::size_t i = first; i < out.ring.deliveries.size(); ++i) {
        layer.on_delivery(out.ring.deliveries[i]);
    }
}

void Stack::Parts::on_ring_input(Instant now, const Input& input, StackEffects& out) {
    if (std::holds_alternative<Wake>(input)) {
        if (ring_wake && *ring_wake <= now) {
            step_ring(now, input, out);
        }
        layer.on_wake();
        return;
    }
    if (const auto* reconfigure = std::get_if<Reconfigure>(&input)) {
        layer.set_frame_data_max(reconfigure->config.frame_data_max);
    }
    running = running || std::holds_alternative<Start>(input);
    step_ring(now, input, out);
    if (std::holds_alternative<Leave>(input)) {
        running = false;
        ring_wake.reset();
    }
}

// The ring asks its source only when the token is there; that there is something new to ask for, it
// must be told, since it may be holding the token or be alone.
void Stack::Parts::announce_backlog(Instant now, StackEffects& out) {
    while (running && !announced && layer.source().backlog() > 0) {
        announced = true;
        step_ring(now, Submitted{}, out);
    }
}

Stack::Stack(const RingConfig& config, FramePool& pool, TraceMask mask)
    : parts_(std::make_unique<Parts>(config, pool, mask)) {}

Stack::~Stack() = default;

void Stack::add(Service& service) { parts_->layer.add(service); }

void Stack::add(Door& door) { parts_->layer.add(door); }

void Stack::step(Instant now, const StackInput& input, StackEffects& out) {
    GroupLayer& layer = parts_->layer;
    layer.begin_step(now, out);
    if (const auto* ring_input = std::get_if<Input>(&input)) {
        parts_->on_ring_input(now, *ring_input, out);
    } else if (const auto* request = std::get_if<ClientRequest>(&input)) {
        parts_->taken = layer.request(*request);
    } else if (const auto* opened = std::get_if<ClientOpened>(&input)) {
        layer.open(*opened);
    } else if (const auto* closed = std::get_if<ClientClosed>(&input)) {
        layer.close(closed->connection);
    } else if (const auto* reply = std::get_if<HostReply>(&input)) {
        layer.host_reply(*reply);
    }
    parts_->announce_backlog(now, out);
    out.ring.wake_at = earlier(parts_->ring_wake, layer.wake_at());
}

bool Stack::request_taken() const noexcept { return parts_->taken; }

bool Stack::room_available() const noexcept { return parts_->layer.room_available(); }

SendLevel Stack::send_level() const noexcept { return parts_->layer.send_level(); }

bool Stack::synchronising() const noexcept { return parts_->layer.synchronising(); }

bool Stack::ready() const noexcept { return parts_->layer.ready(); }

const Node& Stack::node() const noexcept { return parts_->node; }

std::uint64_t Stack::state_hash() const {
    StateHash hash;
    hash.add(parts_->node.state_hash());
    parts_->layer.hash(hash);
    hash.add(std::uint64_t{parts_->running}).add(std::uint64_t{parts_->announced});
    return hash.value();
}

}  // namespace totem::group
