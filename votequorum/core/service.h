// VoteQuorum: the service that tells the others of this node's votes, hears of theirs, and reports
// whether this node is quorate. The decisions are Ballot's; this is when they are taken and said.
//
//  first ring of a life        own record at once, flagged first until the next ring
//  transitional configuration  the departed are dead; quorum that is lost by it is reported at
//  once,
//                              so before any message of the new ring (properties.md Q16)
//  its synchronisation         own record, then the device's; what the others say is kept aside
//  activation                  what was kept aside is in force; quorum can still only be lost
//  synchronisation complete    quorum can be gained; always a report with the new ring's id (Q5)
//  between                     records and administrators' commands take effect as they are ordered
//
// Source: wire.md 6.3 and 7, ipc.md 10 and 12; totem.md 9 (6, 7): the own record always goes before
// the device's, and no record says quorate and waiting for all at once, since real peers abort.
// One addition to the peer's behaviour: a node whose quorate or waiting flag changed outside of a
// synchronisation says so with a record, which real peers understand.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "totem/group/service.h"
#include "votequorum/core/ballot.h"
#include "votequorum/core/quorum_service.h"

namespace votequorum {

// Who wants to know: the votequorum door.
class VoteListener {
  public:
    VoteListener() = default;
    VoteListener(const VoteListener&) = delete;
    VoteListener& operator=(const VoteListener&) = delete;
    VoteListener(VoteListener&&) = delete;
    VoteListener& operator=(VoteListener&&) = delete;
    virtual ~VoteListener() = default;

    // A synchronisation begins: the nodes on the new ring.
    virtual void on_nodelist(const totem::RingId& ring, std::span<const totem::NodeId> nodes,
                             totem::group::Outbox& out) = 0;
    // Quorum, votes or members may have changed; read them from the service.
    virtual void on_votes(totem::group::Outbox& out) = 0;
    virtual void on_expected(std::uint32_t expected, totem::group::Outbox& out) = 0;
};

// What became of an administrator's command. kNoRoom: nothing happened, ask again.
enum class Outcome : std::uint8_t { kSent, kRefused, kUnknownNode, kNoRoom };

// Values of the keys runtime.votequorum.* (ipc.md 12).
struct RuntimeKeys {
    totem::NodeId this_node_id = totem::kNoNode;
    totem::NodeId lowest_node_id = totem::kNoNode;
    totem::NodeId highest_node_id = totem::kNoNode;
    std::uint32_t ev_barrier = 0;
    bool two_node = false;
    std::optional<bool> wait_for_all_status;  // absent: the option is off
    friend bool operator==(const RuntimeKeys&, const RuntimeKeys&) = default;
};

class VoteQuorum final : public totem::group::Service {
  public:
    // `quorum` must be of model kSet and outlive this. `options` holds nothing unsupported
    // (first_unsupported()); the configuration was refused otherwise.
    VoteQuorum(const Options& options, QuorumService& quorum);

    // At most one; must outlive the service or be reset with nullptr.
    void listen(VoteListener* listener) noexcept { listener_ = listener; }

    // ---- commands -----------------------------------------------------------------------------
    // Checked here, carried to all members, in force when they come back in the total order.
    [[nodiscard]] Outcome set_expected(std::uint32_t expected, totem::group::Outbox& out);
    [[nodiscard]] Outcome set_votes(totem::NodeId node, std::uint32_t votes,
                                    totem::group::Outbox& out);
    [[nodiscard]] Outcome cancel_wait_for_all(totem::group::Outbox& out);
    // The configuration was read again; what differs from what is in force is told to all. Options
    // that count only at start (wait_for_all) are left as they are.
    void reconfigure(const Options& options, totem::group::Outbox& out);

    // ---- state --------------------------------------------------------------------------------
    [[nodiscard]] const Ballot& ballot() const noexcept { return ballot_; }
    [[nodiscard]] const totem::RingId& ring() const noexcept { return ring_; }
    // Ascending; during a configuration change those that came along.
    [[nodiscard]] std::span<const totem::NodeId> members() const noexcept { return members_; }
    [[nodiscard]] RuntimeKeys runtime_keys() const;

    // ---- service ------------------------------------------------------------------------------
    [[nodiscard]] totem::group::ServiceId id() const override {
        return totem::group::ServiceId::kVotequorum;
    }
    void on_configuration(const totem::Configuration& change, totem::group::Outbox& out) override;
    void sync_begin(const totem::RingId& ring, std::span<const totem::NodeId> transitional,
                    std::span<const totem::NodeId> members, totem::group::Outbox& out) override;
    totem::group::SyncStep sync_step(totem::group::Outbox& out) override;
    void sync_activate(totem::group::Outbox& out) override;
    void sync_abort(totem::group::Outbox& out) override;
    void on_sync_complete(totem::group::Outbox& out) override;
    void on_message(totem::NodeId sender, std::uint16_t function, const totem::FrameRef& message,
                    totem::group::Outbox& out) override;
    void on_wake(totem::group::Outbox& out) override;
    [[nodiscard]] std::uint64_t state_hash() const override;

  private:
    // kChanging: between the transitional configuration and the regular one; also before the first.
    enum class Phase : std::uint8_t { kChanging, kSynchronising, kSettled };

    void on_nodeinfo(totem::NodeId sender, const totem::FrameRef& message,
                     totem::group::Outbox& out);
    void on_device_record(totem::NodeId sender, std::uint32_t votes, totem::group::Outbox& out);
    void on_reconfigure(totem::NodeId sender, const totem::FrameRef& message,
                        totem::group::Outbox& out);
    void apply(const Reconfigure& command);
    void apply_deferred();
    // Decides anew, and says so: when quorum changed, or in any case.
    enum class Report : std::uint8_t { kChanges, kAlways };
    void decide(Report report, totem::group::Outbox& out);
    void malformed(totem::NodeId sender, Function function, std::string_view what,
                   totem::group::Outbox& out) const;

    [[nodiscard]] Nodeinfo own_record() const;
    [[nodiscard]] bool multicast_own_record(totem::group::Outbox& out);
    [[nodiscard]] bool multicast_records(totem::group::Outbox& out);
    [[nodiscard]] bool multicast(Function function, const Body& body, totem::group::Outbox& out);
    // Sends what is due; when there is no room, again a little later.
    void send_due(totem::group::Outbox& out);

    Ballot ballot_;
    QuorumService& quorum_;
    VoteListener* listener_ = nullptr;
    Phase phase_ = Phase::kChanging;
    totem::RingId ring_;
    std::vector<totem::NodeId> members_;

    // Heard in the synchronisation that is under way.
    Records records_;
    Records device_records_;  // by sender
    std::vector<Reconfigure> deferred_;

    std::uint32_t own_votes_;  // to be told; in force when the record comes back
    std::uint32_t rings_ = 0;  // regular configurations of this life: none, the first, more
    bool records_due_ = false;
    std::uint32_t sent_flags_ = 0;  // of the last record sent
    std::optional<std::uint32_t> expected_due_;
};

}  // namespace votequorum
