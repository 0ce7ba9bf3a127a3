// Replicas on a ring in memory: one order per component, views at the same places of it, and what
// a change of the ring may do to the last messages before it. Time moves only when told to.
//
// After every step of a replica it is checked, against what all have done so far, that
//   S1  one position has one state,
//   S18 what is answered as done is on the disks of a sufficient set,
//   S6  no operation has two places in one order.
// What went wrong is in `broken`, so that planted bugs can be shown to be caught.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cfs/core/replica.h"
#include "tests/cfs/store/memory_store.h"

namespace cfs::testing {

using std::chrono::milliseconds;

struct ClusterOptions {
    std::vector<std::uint32_t> nodes{1, 2, 3};
    Voting voting{};              // empty: one vote each, the lowest breaks ties
    bool always_quorate = false;  // as two_node or an override makes votequorum say
    milliseconds disk{1};         // what a commit takes
};

class Cluster {
  public:
    struct Event {  // a view, or a message
        std::optional<View> view;
        bool quorate = false;
        Process sender;
        std::vector<std::byte> bytes;
    };
    struct Ring {
        RingId id;
        std::set<NodeId> nodes;
        std::vector<Event> log;  // in the one order
    };
    struct Node {
        NodeId id{};
        std::uint32_t starts = 0;
        std::unique_ptr<cfs::Replica> replica;  // null: the daemon is not running
        bool up = true;                         // the machine, with its ring daemon
        bool paused = false;                    // the daemon stands still
        bool joined = false;                    // wants to be in the group
        bool deaf = false;                      // the ring's news do not reach it yet
        std::shared_ptr<Ring> ring;
        std::size_t delivered = 0;  // of ring->log
        std::deque<Event> inbox;    // delivered by the ring, not read yet
        std::deque<std::vector<std::byte>> outbox;
        std::unique_ptr<MemoryDisk> disk;
        std::unique_ptr<Store> store;
        std::optional<Batch> commit;
        Instant commit_at;
        bool disk_full = false;
        bool disk_stuck = false;
        std::map<std::uint64_t, Record> durable;  // by index
        Promise durable_promise;
        std::optional<Instant> wake_at;
        std::uint64_t checked = 0;  // index up to which the history was looked at
        Voting voting;
        std::vector<Notice> notices;
        std::vector<Changed> changed;
    };

    explicit Cluster(ClusterOptions options = {});

    // ---- what happens to the machines -----------------------------------------------------------
    void start(std::uint32_t node);  // the daemon
    void kill(std::uint32_t node);   // the daemon; the machine stays
    void power_cut(std::uint32_t node, bool keep_last_write = false);
    void power_on(std::uint32_t node);  // and the daemon
    // The ring falls apart into these; who is in none is alone. `gaps` chooses which of the last
    // messages each part still delivers.
    void split(const std::vector<std::vector<std::uint32_t>>& parts, std::uint64_t gaps = 0);
    void heal(std::uint64_t gaps = 0);
    void set_voting(const Voting& voting);
    void set_voting(std::uint32_t node, const Voting& voting);

    // ---- time -----------------------------------------------------------------------------------
    // Everything that can happen now happens.
    void settle();
    void run(milliseconds time);
    // One thing that can happen, chosen by `choice`; false: nothing can at this instant.
    bool act(std::uint64_t choice);
    bool next_instant(Instant limit);

    // ---- callers --------------------------------------------------------------------------------
    // Makes the file /NAME, which nobody else makes. The ticket.
    std::uint64_t make(std::uint32_t node, const std::string& name);
    std::uint64_t submit(std::uint32_t node, Change change, std::string subject = {});
    void input(std::uint32_t node, ReplicaInput input);

    [[nodiscard]] Node& node(std::uint32_t id) { return nodes_.at(NodeId{id}); }
    [[nodiscard]] const cfs::Replica& replica(std::uint32_t id) { return *node(id).replica; }
    [[nodiscard]] const Status& status(std::uint32_t id) { return replica(id).status(); }
    [[nodiscard]] const std::optional<Answer>& answer(std::uint64_t ticket) {
        return asked_.at(ticket).answer;
    }
    [[nodiscard]] bool done(std::uint64_t ticket) {
        const auto& answer = asked_.at(ticket).answer;
        return answer && answer->refusal == Refusal::kNone && answer->outcome.error == Errno::kOk;
    }
    [[nodiscard]] Refusal refusal(std::uint64_t ticket) {
        const auto& answer = asked_.at(ticket).answer;
        return answer ? answer->refusal : Refusal::kNone;
    }
    [[nodiscard]] bool has(std::uint32_t id, const std::string& name) {
        return replica(id).snapshot().resolve(name) != nullptr;
    }
    [[nodiscard]] bool told(std::uint32_t id, Notice::Kind kind);
    [[nodiscard]] bool all_writable();
    // After all is well again: every replica has one state, with all that was answered as done.
    void check_final();

    std::string broken;  // what was wrong first
    Instant now{};
    std::uint64_t answered = 0;
    std::size_t multicasts = 0;
    ClusterOptions options;
    ReplicaOptions replica_options;

  private:
    struct Asked {
        NodeId node{};
        std::string subject;
        std::optional<Answer> answer;
    };

    void step(Node& node, ReplicaInput input);
    void take(Node& node, ReplicaEffects& out);
    void on_answer(const Answer& answer);
    void check_history(Node& node);
    void finish_commit(Node& node);
    void reload(Node& node);
    void leave(Node& node);
    void stop_daemon(Node& node);
    void send(Node& node);
    void deliver(Node& node);
    void read(Node& node);
    void announce(Ring& ring);
    void move(const std::vector<NodeId>& group, const std::shared_ptr<Ring>& to,
              std::uint64_t gaps);
    void new_ring(const std::vector<std::vector<NodeId>>& parts, std::uint64_t gaps);
    [[nodiscard]] bool quorate(const Ring& ring) const;
    void fail(const std::string& what);

    std::map<NodeId, Node> nodes_;
    std::uint64_t ring_number_ = 0;
    std::uint64_t tickets_ = 0;
    std::map<std::uint64_t, Asked> asked_;
    std::map<Position, Digest> state_at_;
};

[[nodiscard]] Voting equal_votes(const std::vector<std::uint32_t>& nodes);

}  // namespace cfs::testing
