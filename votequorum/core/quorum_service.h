// The quorum service (id 3): which nodes share the ring since the last synchronisation, and whether
// they are quorate. It decides nothing: a provider (VoteQuorum) does, or nobody (model kFree: all
// is allowed). It sends nothing on the ring, but takes its turn in synchronisations as every peer
// does.
//
// Source: ipc.md 9; wire.md 7; samples/log-3node-startup.txt for the notices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "totem/group/service.h"

namespace votequorum {

// Every report carries the ring that it is about, so that a client can tell whether it concerns the
// ring that orders its messages (properties.md Q5).
struct QuorumView {
    bool quorate = false;
    totem::RingId ring;
    std::vector<totem::NodeId> members;  // ascending
};

// One synchronised membership against the one before it. A node that was away in between, however
// shortly, is in both lists.
struct MembershipChange {
    totem::RingId ring;
    std::vector<totem::NodeId> members;  // ascending
    std::vector<totem::NodeId> joined;
    std::vector<totem::NodeId> left;
};

// Who wants to know: the quorum door.
class QuorumListener {
  public:
    QuorumListener() = default;
    QuorumListener(const QuorumListener&) = delete;
    QuorumListener& operator=(const QuorumListener&) = delete;
    QuorumListener(QuorumListener&&) = delete;
    QuorumListener& operator=(QuorumListener&&) = delete;
    virtual ~QuorumListener() = default;

    virtual void on_membership(const MembershipChange& change, totem::group::Outbox& out) = 0;
    virtual void on_quorum(const QuorumView& view, totem::group::Outbox& out) = 0;
};

class QuorumService final : public totem::group::Service {
  public:
    enum class Model : std::uint8_t {
        kFree = 0,  // no provider: always quorate, no members
        kSet = 1,   // a provider reports through provide()
    };

    explicit QuorumService(Model model) : model_(model) { view_.quorate = model == Model::kFree; }

    // At most one; must outlive the service or be reset with nullptr.
    void listen(QuorumListener* listener) noexcept { listener_ = listener; }

    // The provider's verdict. Settled says that no synchronisation is under way: then the members
    // are worth a line in the log, once per ring and whenever quorum changes.
    enum class Phase : std::uint8_t { kChanging, kSettled };
    void provide(QuorumView view, Phase phase, totem::group::Outbox& out);

    [[nodiscard]] Model model() const noexcept { return model_; }
    [[nodiscard]] const QuorumView& view() const noexcept { return view_; }
    // Of the last completed synchronisation.
    [[nodiscard]] const MembershipChange& membership() const noexcept { return membership_; }

    [[nodiscard]] totem::group::ServiceId id() const override {
        return totem::group::ServiceId::kQuorum;
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
    [[nodiscard]] std::uint64_t state_hash() const override;

  private:
    const Model model_;
    QuorumListener* listener_ = nullptr;
    QuorumView view_;
    totem::RingId noticed_;  // the members of this ring are in the log
    MembershipChange membership_;
    MembershipChange pending_;  // of the synchronisation that is under way
    // Members of membership_ that have come along in every change since.
    std::vector<totem::NodeId> along_;
};

}  // namespace votequorum
