// Member: everything of cfsd that decides, as one state machine: the client of the ring daemon's
// doors and the replica above it. The daemon and the simulator host this object.
//
// Client inputs and actions keep the contract of totem/client/group_client.h; replica inputs and
// effects that of replica.h. View, ViewLost, Delivered, QuorumIs, ForeignAre and the multicasts
// stay inside.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cfs/core/replica.h"
#include "totem/client/group_client.h"

namespace cfs {

// The group of our replicas, and the one of the filesystem that must not write beside us.
inline constexpr std::string_view kGroupName{"quorate_cfs\0", 12};
inline constexpr std::string_view kForeignGroupName{"pve_dcdb_v1\0", 12};

struct MemberEffects {
    std::vector<totem::client::Action> actions;  // for the doors, in order
    ReplicaEffects replica;                      // multicasts, leave and join are empty
    std::vector<std::string> trouble;            // with the ring daemon, a line each
    bool stopped = false;                        // Stop is done: both doors are closed
    std::optional<Instant> wake_at;

    void clear();
};

class Member {
  public:
    struct Options {
        ReplicaOptions replica;
        std::uint32_t pid = 0;
        std::chrono::milliseconds reconnect{1000};
    };
    explicit Member(Options options);

    // Begin with Loaded; the doors are opened then (not in local mode).
    void step(Instant now, const totem::client::Input& input, MemberEffects& out);
    void step(Instant now, ReplicaInput input, MemberEffects& out);
    // The deadline has passed.
    void wake(Instant now, MemberEffects& out);

    [[nodiscard]] const Replica& replica() const noexcept { return replica_; }
    [[nodiscard]] const totem::client::GroupClient& client() const noexcept { return client_; }

  private:
    void drive(Instant now, const totem::client::Input& input, MemberEffects& out);
    void drive(Instant now, ReplicaInput input, MemberEffects& out);
    void hear(Instant now, const std::vector<totem::client::News>& news, MemberEffects& out);
    void on(Instant now, const totem::client::Membership& news, MemberEffects& out);
    void on_client_stopped(Instant now, MemberEffects& out);
    void show_view(Instant now, MemberEffects& out);
    void open(Instant now, MemberEffects& out);
    void leave(Instant now, MemberEffects& out);
    void finish(MemberEffects& out) const;

    bool local_ = false;
    Replica replica_;
    totem::client::GroupClient client_;

    bool open_ = false;      // the client has something to do with the doors
    bool leaving_ = false;   // ... and is on its way out
    bool wanted_ = false;    // to be opened (again)
    bool stopping_ = false;  // for good
    std::optional<RingId> ring_;
    std::vector<Process> members_;
    std::optional<Instant> client_wake_;
    std::optional<Instant> replica_wake_;
};

}  // namespace cfs
