// Everything of a node between the ring and its clients: the ring's deliveries go in, frames for
// the ring come out of source(), and the services and doors live in between.
//
// Separate from Stack so that it can be driven by any total order, not only by the ring protocol.
//
// Source: totem.md 6.2 (which step of an operational entry switches what), 6.3 and 7; ipc.md 4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "totem/group/multiplexer.h"
#include "totem/group/packer.h"
#include "totem/group/reassembly.h"
#include "totem/group/stack_outbox.h"

namespace totem::group {

class GroupLayer {
  public:
    // `pool` must outlive the layer.
    GroupLayer(const RingConfig& config, FramePool& pool);
    GroupLayer(const GroupLayer&) = delete;
    GroupLayer& operator=(const GroupLayer&) = delete;
    GroupLayer(GroupLayer&&) = delete;
    GroupLayer& operator=(GroupLayer&&) = delete;
    ~GroupLayer() = default;

    void add(Service& service) { multiplexer_.add(service); }
    void add(Door& door) { doors_.push_back(&door); }

    // Everything until the next call happens at `now` and answers into `effects`.
    void begin_step(Instant now, StackEffects& effects) { outbox_.begin_step(now, effects); }

    void on_delivery(const Delivery& delivery);
    void on_wake() { multiplexer_.on_wake(); }
    void set_frame_data_max(std::size_t bytes) { packer_.set_frame_data_max(bytes); }

    // A client of a service without a door is heard by nobody.
    void open(const ClientOpened& client);
    void close(ConnectionId connection);
    // False: offer it again once room_available().
    [[nodiscard]] bool request(const ClientRequest& request);
    void host_reply(const HostReply& reply);

    [[nodiscard]] MessageSource& source() noexcept { return packer_; }
    [[nodiscard]] std::optional<Instant> wake_at() const { return multiplexer_.wake_at(); }
    [[nodiscard]] bool room_available() const noexcept;
    [[nodiscard]] SendLevel send_level() const noexcept { return packer_.level(); }
    // From a new configuration, and from the start, until its synchronisation is complete.
    [[nodiscard]] bool synchronising() const noexcept {
        return packer_.active() == Lane::kTransitional;
    }
    [[nodiscard]] bool ready() const noexcept { return multiplexer_.ready(); }
    [[nodiscard]] std::uint64_t features() const noexcept { return multiplexer_.features(); }

    void hash(StateHash& into) const;

  private:
    struct Connection {
        ConnectionId id{};
        Door* door = nullptr;
    };

    void on_configuration(const Configuration& change);
    void on_message(const DeliveredMessage& message);
    void end_synchronisation();
    [[nodiscard]] std::vector<Connection>::iterator find(ConnectionId id);

    Packer packer_;
    Reassembly reassembly_;
    StackOutbox outbox_;
    Multiplexer multiplexer_;
    std::vector<Door*> doors_;
    std::vector<Connection> connections_;  // ascending by id
    std::vector<FrameRef> messages_;       // of the frame at hand
    std::vector<NodeId> left_;             // with the transitional configuration that is in force
    bool joined_since_sync_ = false;       // some member may lack the head of a message of ours
    // How much had left the queue when a request was refused.
    std::optional<std::uint64_t> refused_at_;
};

}  // namespace totem::group
