// Between the order of the ring and the services: every configuration change and every message goes
// to the services that it concerns, and after each regular configuration the services get their
// turns in the synchronisation.
//
// Source: totem.md 6.3; wire.md 6.1 and 7.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "totem/group/capabilities.h"
#include "totem/group/service.h"
#include "totem/group/stack_outbox.h"
#include "totem/group/state_hash.h"
#include "totem/group/sync.h"

namespace totem::group {

class Multiplexer {
  public:
    // `out` must outlive the multiplexer.
    Multiplexer(NodeId self, StackOutbox& out) : out_(&out), sync_(self) {}

    // The service must outlive the multiplexer; its id must be new (checked).
    void add(Service& service);

    void on_configuration(const Configuration& change);
    // One message as reassembled, group prefix included.
    void on_message(NodeId sender, const FrameRef& message);
    // Lets every service on that asked for a wake not later than now, and says for whom a
    // synchronisation waits.
    void on_wake();
    // A client was heard: a service that waits for one gets its turn again.
    void retry_turn();

    // When on_wake() has something to do next.
    [[nodiscard]] std::optional<Instant> wake_at() const;
    [[nodiscard]] bool synchronising() const noexcept {
        return sync_.phase() != Sync::Phase::kIdle;
    }
    // A synchronisation has been completed since the start.
    [[nodiscard]] bool ready() const noexcept { return ready_; }
    // Features that all members of this ring have (capabilities.h), once it is synchronised.
    [[nodiscard]] std::uint64_t features() const noexcept { return features_; }

    void hash(StateHash& into) const;

  private:
    void begin_sync(const Configuration& regular);
    void abort_sync();
    // Takes turns until one waits or the synchronisation is complete.
    void take_turn();
    void complete_sync();
    void on_sync_message(NodeId sender, const FrameRef& message);
    void on_service_message(NodeId sender, const FrameRef& message);
    void malformed(NodeId sender, std::uint64_t service, std::uint64_t function, const char* what);
    [[nodiscard]] Service* find(std::int32_t id) const noexcept;

    StackOutbox* out_;
    std::vector<Service*> services_;  // ascending by id
    Sync sync_;
    Capabilities capabilities_;
    std::uint64_t features_ = 0;
    std::vector<NodeId> transitional_;  // members of the last transitional configuration
    std::vector<NodeId> left_;          // those that left with it
    bool ready_ = false;
};

}  // namespace totem::group
