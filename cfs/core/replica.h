// Replica: one node's part in the replicated filesystem, as a state machine without I/O.
//
// It exchanges with the other members who has what, promises epochs, applies operations in the one
// order, gives them to the store, counts who has them on stable storage, and answers callers. How
// and why is in docs/replication.md; the words are those of that page.
//
// The host performs the effects of a step: multicasts in order (they arrive as Delivered at every
// member, here too), the commit (answered by Stored or StoreFailed; at most one is out at a time),
// the reload (answered by Loaded). Answers, notices and changed inodes are for whoever asked.
//
// Source: architecture.md decisions 6 to 9 and 11; properties.md section 7.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cfs/core/operation.h"
#include "cfs/core/state.h"
#include "cfs/core/store.h"
#include "cfs/core/voting.h"
#include "totem/client/messages.h"

namespace cfs {

using totem::Instant;
using totem::RingId;
using totem::client::Process;

// ---- inputs -------------------------------------------------------------------------------------

// First input, and the answer to a reload. The image must have been loaded whole.
struct Loaded {
    State state;
    Promise promise;
};
// The group as this replica is a member of it; `self` is among the members.
struct View {
    RingId ring;
    std::vector<Process> members;  // ascending
    Process self;
};
// No longer a member: the connection or the daemon is gone.
struct ViewLost {};
// A message of the group, in its order. `bytes` need to live for the step only.
struct Delivered {
    Process sender;
    Bytes bytes;
};
// votequorum says so for the ring of the last View.
struct QuorumIs {
    bool quorate = false;
};
struct VotingIs {
    Voting voting;
};
// Members of another configuration filesystem's group on this ring; empty: there are none.
struct ForeignAre {
    std::vector<NodeId> nodes;
};
// A caller's wish. `ticket` is the caller's own and comes back in the Answer; wishes are sent in
// the order of their Submits. Views in `change` need to live for the step only.
struct Submit {
    std::uint64_t ticket = 0;
    std::uint64_t time = 0;  // s, wall clock of this node
    Change change{};
};
struct Stored {
    std::string backup;  // of Store::Committed
};
struct StoreFailed {
    StoreError error;
};
// Take part no longer: unanswered wishes are answered, then nothing is sent any more.
struct Stop {};
struct Tick {};  // the deadline has passed

using ReplicaInput = std::variant<Loaded, View, ViewLost, Delivered, QuorumIs, VotingIs, ForeignAre,
                                  Submit, Stored, StoreFailed, Stop, Tick>;

// ---- effects ------------------------------------------------------------------------------------

enum class Refusal : std::uint8_t {
    kNone,         // see the outcome
    kNotWritable,  // certain not to have happened (EACCES)
    kBusy,         // certain not to have happened: too many wishes wait (EBUSY)
    kDiskFull,     // certain not to have happened: this node's disk (ENOSPC)
    kUncertain,    // happened on all or none (ETIMEDOUT)
};
struct Answer {
    std::uint64_t ticket = 0;
    Refusal refusal = Refusal::kNone;
    Outcome outcome;
};

// What a kernel must forget: the inode's content and attributes, and the names that came or went.
struct Changed {
    Inode inode{};
    Inode parent_before{}, parent_after{};
    std::string name_before, name_after;  // empty: it was, or is, not there
};

// Why nothing can be written now.
enum class Obstacle : std::uint8_t {
    kNone,
    kStarting,      // no state loaded, or not a member of the group yet
    kNoQuorum,      // the ring has none
    kForeign,       // another configuration filesystem is on the ring
    kExchange,      // members have not said what they have; or no proposal came
    kInsufficient,  // too few members of the group, or too few promises, for the votes in force
    kBehind,        // this replica is catching up
    kConflict,      // histories that cannot come from one order
    kVoting,        // members have different votes configured
    kNewer,         // a member speaks a later format
    kDiskFull,
    kStoreFailed,
    kStopped,
};
[[nodiscard]] const char* to_string(Obstacle obstacle) noexcept;

struct Status {
    Obstacle obstacle = Obstacle::kStarting;
    std::vector<NodeId> waiting_for;  // ascending
    std::optional<Instant> since, until;
    std::uint64_t epoch = 0;  // the open one; 0: none
    bool override_epoch = false;
    bool local = false;
    std::vector<NodeId> members;  // of the view, ascending
    std::vector<NodeId> synced;   // of the open epoch, ascending
    std::vector<NodeId> lagging;  // synced, but not waited for, ascending
    friend bool operator==(const Status&, const Status&) = default;
};

// Worth a line in the log.
struct Notice {
    enum class Kind : std::uint8_t {
        kEpochOpened,
        kSynced,         // this replica caught up; detail: what was transferred
        kMemberSilent,   // node: went on without its Hello, its proposal or its answer
        kMemberLagging,  // node: not waited for any more
        kMemberCaughtUp,
        kTailAside,  // detail: how many operations, where the backup is
        kConflict,   // of node's and number's histories, as node number said
        kForeign,
        kVotingDiffers,
        kNewerFormat,
        kMalformed,  // node sent what cannot be read; counted, told at most once a minute
        kDiskFull,
        kDiskRoom,
        kStoreFailed,
        kUncertain,  // a wish was answered so
    };
    Kind kind{};
    NodeId node = totem::kNoNode;
    std::uint64_t number = 0;  // the epoch, or what the detail counts
    std::string detail;
};

// Reused from step to step.
struct ReplicaEffects {
    std::vector<std::vector<std::byte>> multicasts;  // in order
    std::optional<Batch> commit;
    bool reload = false;  // load the store again
    bool leave = false;   // leave the group until `join` (disk full, failed, stopped)
    bool join = false;    // join it again
    std::vector<Answer> answers;
    std::vector<Notice> notices;
    std::vector<Changed> changed;  // in the state that readers see from now on
    bool published = false;        // snapshot() is a new one
    bool status_changed = false;
    std::optional<Instant> wake_at;  // the one deadline; absent: none

    void clear() { *this = {}; }
};

// ---- the replica --------------------------------------------------------------------------------

struct ReplicaOptions {
    NodeId node = totem::kNoNode;
    Life life{};         // drawn by the host at start
    bool local = false;  // local mode: no group, writable at once
    std::chrono::milliseconds hello_wait{200};
    std::chrono::milliseconds proposal_wait{300};
    std::chrono::milliseconds member_wait{100};  // for the last synced members before an answer
    std::chrono::milliseconds donor_wait{2000};
    std::chrono::milliseconds repeat{1000};  // what was multicast and has not come back
    std::chrono::milliseconds uncertain{10000};
    std::chrono::milliseconds room_probe{2000};
    std::size_t wishes_max = 1024;  // waiting or under way
    std::size_t buffered_bytes_max = std::size_t{64} << 20U;
};

class Replica {
  public:
    explicit Replica(ReplicaOptions options);
    ~Replica();
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;
    Replica(Replica&& other) noexcept;
    Replica& operator=(Replica&& other) noexcept;

    // Appends to `out`, which the caller has cleared. `now` never goes back.
    void step(Instant now, ReplicaInput input, ReplicaEffects& out);

    [[nodiscard]] const Status& status() const noexcept;
    [[nodiscard]] bool writable() const noexcept { return status().obstacle == Obstacle::kNone; }
    // What readers see; whole and immutable.
    [[nodiscard]] const TreeView& snapshot() const noexcept;
    // The same, for readers in other threads, as long as they like.
    [[nodiscard]] std::shared_ptr<const TreeView> shared_snapshot() const;
    // For checkers and tests.
    [[nodiscard]] const State& state() const noexcept;
    [[nodiscard]] std::uint64_t promised() const noexcept;

  private:
    class Machine;  // replica_machine.h
    std::unique_ptr<Machine> machine_;
};

}  // namespace cfs
