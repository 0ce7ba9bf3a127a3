// Requests of administrators that concern other nodes: kill a node, announce a shutdown, reload the
// configuration everywhere, change the key of a sealed ring.
//
// Source: wire.md 6.5, ipc.md 8; the announcement of keys is ours (decision 0003). It takes no part
// in synchronisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "totem/group/facts.h"
#include "totem/group/key_rotation.h"
#include "totem/group/service.h"
#include "totem/group/struct_io.h"

namespace totem::group {

// The door, as far as the service needs it.
class CfgObserver {
  public:
    CfgObserver() = default;
    CfgObserver(const CfgObserver&) = delete;
    CfgObserver& operator=(const CfgObserver&) = delete;
    CfgObserver(CfgObserver&&) = delete;
    CfgObserver& operator=(CfgObserver&&) = delete;
    virtual ~CfgObserver() = default;

    // The deadline that was set with set_deadline() has passed.
    virtual void on_deadline(Outbox& out) = 0;
    // A reload that send_reload() of this node asked for was delivered; the host answers to
    // `token`.
    virtual void on_own_reload(std::uint64_t asker, std::uint32_t token) = 0;
};

class CfgService final : public Service {
  public:
    explicit CfgService(ClusterFacts facts) : facts_(std::move(facts)) {}
    // One observer, which must outlive the service's use; before the first message.
    void observe(CfgObserver& observer) noexcept { observer_ = &observer; }
    void set_facts(ClusterFacts facts) { facts_ = std::move(facts); }
    [[nodiscard]] const ClusterFacts& facts() const noexcept { return facts_; }
    [[nodiscard]] bool is_member(NodeId node) const noexcept;

    // Both false without room: nothing was queued.
    [[nodiscard]] bool send_kill(NodeId victim, std::string_view reason, Outbox& out);
    // `asker` comes back in on_own_reload().
    [[nodiscard]] bool send_reload(std::uint64_t asker, Outbox& out);
    // Tells everybody and stops this node when its own announcement is delivered. Never refused.
    void shut_down(Outbox& out);
    // The host shall open its log files again and answer to the token.
    [[nodiscard]] std::uint32_t reopen_logs(Outbox& out);
    void set_deadline(std::optional<Instant> when, Outbox& out);

    // The ring is sealed with this key. Before the first ring.
    void start_with_key(KeyName key) { rotation_.emplace(facts_.self, key); }
    // The configuration names this key now; the host is asked to use keys() whenever they change.
    void change_key(KeyName key, Outbox& out);
    // Of a sealed ring only.
    [[nodiscard]] KeyRotation::Keys keys() const { return rotation_->keys(); }

    [[nodiscard]] ServiceId id() const override { return ServiceId::kCfg; }
    [[nodiscard]] bool synchronises() const override { return false; }
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
    [[nodiscard]] bool send_shutdown(Outbox& out);
    void on_kill(NodeId sender, const StructReader& message, Outbox& out);
    void on_reload(NodeId sender, const StructReader& message, Outbox& out);
    void on_keys(NodeId sender, const StructReader& message, Outbox& out);
    [[nodiscard]] bool send_keys(const KeyRotation::Announcement& what, Outbox& out);
    void tell_of_keys(const KeyRotation::Keys& before, Outbox& out);
    void report_waiting(Outbox& out);
    void schedule(Outbox& out);

    ClusterFacts facts_;
    CfgObserver* observer_ = nullptr;
    std::vector<NodeId> members_;
    // A host request of token 0 expects no answer.
    std::uint32_t last_token_ = 0;
    bool shutdown_to_send_ = false;
    bool shutting_down_ = false;
    std::optional<Instant> deadline_;
    std::optional<KeyRotation> rotation_;
    std::optional<Instant> report_at_;  // who holds up a change of the key
};

}  // namespace totem::group
