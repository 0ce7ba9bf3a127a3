// Closed process groups on the network: who is in which group, and messages to a group.
//
// A process is in a group from the delivery of its procjoin (or, for nodes that merge, from the
// joinlist of the synchronisation) to the delivery of its procleave or the loss of its node.
// Changes and messages have one total order, the same on every node; a message is delivered only
// while its sender is in the group.
//
// Source: wire.md 6.2, ipc.md 7, properties.md E8.4. One difference: nodes that did not come along
// through *every* configuration since the last completed synchronisation count as lost and found
// again, not only those that missed the last one, since what they delivered meanwhile is unknown.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "totem/group/cpg_table.h"
#include "totem/group/cpg_types.h"
#include "totem/group/service.h"

namespace totem::group {

// Who is told what happens to the groups: the door.
class CpgObserver {
  public:
    CpgObserver() = default;
    CpgObserver(const CpgObserver&) = delete;
    CpgObserver& operator=(const CpgObserver&) = delete;
    CpgObserver(CpgObserver&&) = delete;
    CpgObserver& operator=(CpgObserver&&) = delete;
    virtual ~CpgObserver() = default;

    virtual void on_group_change(const CpgChange& change, Outbox& out) = 0;
    virtual void on_group_message(const CpgMessage& message, Outbox& out) = 0;
    // The groups agree with this ring: after the changes that its synchronisation brought.
    virtual void on_groups_settled(const RingId& ring, std::span<const NodeId> members,
                                   Outbox& out) = 0;
};

class CpgService final : public Service {
  public:
    explicit CpgService(NodeId self) : self_(self) {}
    // One observer, which must outlive the service's use; before the first message.
    void observe(CpgObserver& observer) noexcept { observer_ = &observer; }

    // ---- for local processes --------------------------------------------------------------------

    enum class Join {
        kSent,        // the change will be reported when it is delivered
        kStillThere,  // this pid is in the group, or on its way in or out
        kNoRoom,
    };
    [[nodiscard]] Join join(const GroupName& group, std::uint32_t pid, Outbox& out);
    // Never refused: without room it is kept and sent as soon as there is some.
    void leave(const GroupName& group, std::uint32_t pid, CpgReason reason, Outbox& out);
    // `payload` is at most kCpgPayloadMax. False: no room, nothing queued.
    [[nodiscard]] bool send(const GroupName& group, std::uint32_t pid,
                            std::span<const std::byte> payload, Guarantee guarantee, Outbox& out);
    struct Part {
        CpgPart part = CpgPart::kFirst;
        std::uint32_t total_bytes = 0;
        std::span<const std::byte> payload;
    };
    [[nodiscard]] bool send_part(const GroupName& group, std::uint32_t pid, const Part& part,
                                 Guarantee guarantee, Outbox& out);

    [[nodiscard]] NodeId self() const noexcept { return self_; }
    [[nodiscard]] const CpgTable& table() const noexcept { return table_; }
    // The ring that the groups agree with, and its members.
    [[nodiscard]] const RingId& ring() const noexcept { return ring_; }
    [[nodiscard]] std::span<const NodeId> ring_members() const noexcept { return ring_members_; }
    // Every leave was handed to the ring; a host that stops waits for it.
    [[nodiscard]] bool leaves_sent() const noexcept { return leaves_waiting_.empty(); }

    // ---- Service
    // ----------------------------------------------------------------------------------

    [[nodiscard]] ServiceId id() const override { return ServiceId::kCpg; }
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
    using Claim = std::pair<GroupName, std::uint32_t>;
    struct Leave {
        GroupName group;
        std::uint32_t pid = 0;
        CpgReason reason{};
    };
    // Changes of several groups that are reported group by group.
    using Changes = std::map<GroupName, std::vector<CpgAddress>>;

    [[nodiscard]] bool send_leave(const Leave& leave, Outbox& out);
    void send_waiting_leaves(Outbox& out);
    void send_downlist(Outbox& out);
    void send_joinlists(Outbox& out);

    void on_join(NodeId sender, const StructReader& message, Outbox& out);
    void on_leave(NodeId sender, const StructReader& message, Outbox& out);
    void on_joinlist(NodeId sender, const StructReader& message, Outbox& out);
    void on_mcast(NodeId sender, const FrameRef& message, Outbox& out);
    void on_partial_mcast(NodeId sender, const FrameRef& message, Outbox& out);

    [[nodiscard]] Changes lost_with_their_nodes() const;
    [[nodiscard]] Changes found_in_joinlists() const;
    [[nodiscard]] Changes no_longer_claimed() const;
    void apply_joined(const Changes& changes, Outbox& out);
    void apply_left(const Changes& changes, Outbox& out);

    NodeId self_;
    CpgObserver* observer_ = nullptr;
    CpgTable table_;
    // Local processes from join() to the delivery of their leave: one at a time per pid and group.
    std::set<Claim> claims_;
    std::vector<Leave> leaves_waiting_;

    RingId ring_;
    std::vector<NodeId> ring_members_;

    // The synchronisation that runs, or the last one.
    RingId sync_ring_;
    std::vector<NodeId> sync_members_;
    // Nodes with this one through every configuration since the last activation.
    std::vector<NodeId> came_along_;
    bool activated_ = true;
    std::map<NodeId, std::set<Claim>> joinlists_;
};

}  // namespace totem::group
