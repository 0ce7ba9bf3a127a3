// What the map says about members, and the comparison of configuration versions between them.
//
// Every node tells its totem.config_version at each synchronisation and when it changes; it is
// kept, with address, status and number of joins, as runtime.members.N.*. A node that meets others
// for the first time in its life and learns that its configuration is older than theirs stops
// itself.
//
// Source: wire.md 6.4, ipc.md 12, config.md 14. One difference: "first meeting" is the first
// synchronisation with another member; a peer lets the first one pass when the node was never
// alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "totem/group/cmap_store.h"
#include "totem/group/facts.h"
#include "totem/group/service.h"

namespace totem::group {

class CmapService final : public Service, private CmapTracker {
  public:
    // Tracks keys of the store, which must outlive the service.
    CmapService(CmapStore& store, ClusterFacts facts);

    // New names and addresses, after a reload; addresses of present members are rewritten.
    void set_facts(ClusterFacts facts);
    [[nodiscard]] const ClusterFacts& facts() const noexcept { return facts_; }

    [[nodiscard]] ServiceId id() const override { return ServiceId::kCmap; }
    void on_configuration(const Configuration& change, Outbox& out) override;
    void sync_begin(const RingId& ring, std::span<const NodeId> transitional,
                    std::span<const NodeId> members, Outbox& out) override;
    SyncStep sync_step(Outbox& out) override;
    void sync_activate(Outbox& out) override;
    void sync_abort(Outbox& out) override;
    void on_sync_complete(Outbox& out) override;
    void on_message(NodeId sender, std::uint16_t function, const FrameRef& message,
                    Outbox& out) override;
    void on_wake(Outbox& out) override;
    [[nodiscard]] std::uint64_t state_hash() const override;

  private:
    // CmapTracker
    void on_change(std::uint64_t id, const CmapChange& change) override;
    void flush(Outbox& out) override;

    [[nodiscard]] bool send_version(std::uint8_t reason, Outbox& out);
    void on_item(NodeId sender, std::string_view key, const std::optional<CmapValue>& value);
    void member_joined(NodeId node);
    void member_left(NodeId node);
    [[nodiscard]] std::string address_text(NodeId node) const;

    CmapStore& store_;
    ClusterFacts facts_;
    std::vector<NodeId> members_;
    bool met_others_ = false;
    std::uint64_t highest_version_ = 0;  // received in the synchronisation that runs
    bool version_to_send_ = false;
    bool gather_wanted_ = false;
};

}  // namespace totem::group
