// Replica::Machine: what replica.h promises, in parts by duty.
//
// Handlers of inputs only note what has become true; then pump() does all that has become possible,
// in one fixed order, and finds the one deadline. So nothing depends on which of several things
// came first within a step, and a thing that is said again is simply still due.
//
//   replica_machine.cc   inputs, pump
//   replica_exchange.cc  stages of a view: who has what, proposals, promises, conflicts
//   replica_order.cc     turns of an epoch: delivery, progress, applying
//   replica_catch_up.cc  another replica's state: asking for it, giving it, adopting it
//   replica_store.cc     batches, promises, a full or failed disk
//   replica_callers.cc   wishes of callers: sending, answering, giving up
//   replica_status.cc    why nothing can be written, and who is to blame
//
// Parts that decide without the rest: Turns (replica_turns.h), Wishes (replica_wishes.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cfs/core/lock_timers.h"
#include "cfs/core/messages.h"
#include "cfs/core/replica.h"
#include "cfs/core/replica_turns.h"
#include "cfs/core/replica_wishes.h"
#include "cfs/core/transfer_donor.h"
#include "cfs/core/transfer_receiver.h"

namespace cfs {

class Replica::Machine {
  public:
    explicit Machine(ReplicaOptions options);

    void step(Instant now, ReplicaInput& input, ReplicaEffects& out);

    [[nodiscard]] const Status& status() const noexcept { return status_; }
    [[nodiscard]] const std::shared_ptr<const TreeView>& snapshot() const noexcept {
        return published_;
    }
    [[nodiscard]] const State& state() const noexcept { return state_; }
    [[nodiscard]] std::uint64_t promised() const noexcept { return promise_.epoch; }

  private:
    enum class Phase : std::uint8_t {
        kStarting,   // no state yet
        kRunning,    // with a state and a store that works
        kDiskFull,   // out of the group, trying to store a probe
        kReloading,  // room again: the state comes from the store
        kFailed,     // the store is of no use any more
        kStopped,
    };
    // Something that was multicast, and whether it came back.
    struct Said {
        std::optional<Instant> at;
        bool back = false;
    };
    // One exchange: the round-th of a view.
    struct Stage {
        std::uint32_t round = 0;
        StageName name{};
        Instant since;
        std::map<NodeId, Hello> heard;
        std::optional<Instant> ready_since;  // a proposal is due
        std::set<NodeId> named;              // as silent, each once
        std::set<NodeId> conflict;           // nobody proposes; those named do not promise
        Said hello, proposal, conflict_said, restart;
        bool restart_wanted = false;
    };
    // The epoch that was proposed in this stage.
    struct Epoch {
        EpochName name{};
        Propose proposal;
        NodeId proposer = totem::kNoNode;
        Turns turns;
        bool open = false;
        // Our state is the parent with the turns up to `applied`, nothing else.
        bool following = false;
        std::uint64_t applied = 0, given = 0, stored = 0;  // turns
        bool promise_wanted = false, promise_given = false, promise_stored = false;
        Instant active;  // when something last brought it nearer to opening
        Said promised, progress;
        Progress last_progress;
    };
    struct CommitOut {
        EpochName epoch{};  // whose turns
        std::uint64_t turn = 0;
        std::optional<Promise> promise;
        PromiseRecord record;
        bool probe = false;
        std::optional<std::size_t> aside;      // how many operations were put aside
        std::optional<std::string> caught_up;  // what was transferred
    };
    // A snapshot that another member asks about.
    struct Gift {
        TransferId id;
        std::optional<TransferDonor> donor;
        Instant asked;
    };

    // replica_machine.cc
    void on(Loaded& input);
    void on(View& input);
    void on(const ViewLost& input);
    void on(const Delivered& input);
    void on(const QuorumIs& input);
    void on(VotingIs& input);
    void on(ForeignAre& input);
    void on(const Submit& input);
    void on(Stored& input);
    void on(StoreFailed& input);
    void on(const Stop& input);
    void on(const Tick& input);
    void pump();
    void publish();
    void malformed(NodeId sender, DecodeError error);
    void newer(NodeId node, std::string detail);
    void want(Instant deadline);
    // Whether it is time to say it (again); then it counts as said.
    [[nodiscard]] bool due(Said& said);
    void say(const Message& message);
    void tell(Notice::Kind kind, NodeId node, std::uint64_t number = 0, std::string detail = {});

    // replica_exchange.cc
    void begin_stage(std::uint32_t round);
    void end_epoch();
    void handle(NodeId sender, const Hello& hello);
    void handle(NodeId sender, const Propose& proposal);
    void handle(NodeId sender, const Promised& promised);
    void handle(NodeId sender, const Conflict& conflict);
    void say_hello();
    void judge(NodeId sender, const Hello& hello);
    [[nodiscard]] bool contradicts(const Hello& hello) const;
    void propose();
    [[nodiscard]] bool ready_to_propose();
    void name_silent(NodeId node, const std::string& what);
    [[nodiscard]] std::vector<NodeId> voters_heard() const;
    [[nodiscard]] std::vector<NodeId> candidates() const;
    [[nodiscard]] std::set<NodeId> stray_branches() const;
    void promise();
    void begin_again();
    void open_if_sufficient();
    [[nodiscard]] Hello own_hello() const;
    [[nodiscard]] Point here() const;
    [[nodiscard]] bool branched() const;
    [[nodiscard]] std::uint64_t promised_at_most() const;

    // replica_order.cc
    void handle(NodeId sender, const Operate& operate);
    void handle(NodeId sender, const Progress& progress);
    void apply_ordered();
    Applied apply(std::uint64_t epoch, const Operation& operation);
    void settle_turn(const Turns::Turn& turn, const Applied& applied);
    void answer_unlock(const Operation& operation);
    void look_at_members();
    void say_progress();

    // replica_catch_up.cc
    void handle(NodeId sender, const Transfer& transfer);
    void give(const TransferId& id, Bytes question);
    [[nodiscard]] std::shared_ptr<const TransferSnapshot> present_snapshot();
    void drop_old_gifts();
    [[nodiscard]] std::optional<NodeId> next_donor() const;
    void catch_up();
    [[nodiscard]] bool begin_transfer();
    void ask();
    void take(Bytes answer);
    void give_up_donor(const std::string& why);
    void drop_receiver();
    void stop_catching_up();
    [[nodiscard]] bool plausible(const TransferGoal& goal) const;
    void adopt();
    void settle_wishes_by_history(std::uint64_t turn);

    // replica_store.cc
    void commit();
    void give_to_store(Batch batch, CommitOut out);
    void commit_probe();
    void stored_turns(const CommitOut& done);
    void store_full();
    void store_gone(const std::string& text);
    [[nodiscard]] std::optional<std::pair<Promise, PromiseRecord>> promise_to_store() const;

    // replica_callers.cc
    void submit_own(Change change, std::uint64_t time);
    void apply_local(Wish& wish);
    void send_wishes();
    void settle_wishes();
    void expire_wishes();
    void refuse_unsent();
    void answer(const Wish& wish, Refusal refusal, Outcome outcome = {});
    void give_up_all();
    void discard_parts_of_old_lives();

    // replica_status.cc
    void update_status();
    [[nodiscard]] Obstacle obstacle() const;
    [[nodiscard]] Obstacle exchange_obstacle() const;
    [[nodiscard]] Obstacle epoch_obstacle() const;
    [[nodiscard]] std::vector<NodeId> waiting_for(Obstacle obstacle) const;
    [[nodiscard]] std::vector<NodeId> nodes_missing_from_heard() const;
    [[nodiscard]] bool same_votes() const;
    // May say, order and store anything: the ring has quorum and we are alone on it.
    [[nodiscard]] bool gate() const;
    [[nodiscard]] bool listed(NodeId node) const;
    [[nodiscard]] bool writable() const { return obstacle() == Obstacle::kNone; }

    ReplicaOptions options_;
    Instant now_;
    ReplicaEffects* out_ = nullptr;
    Phase phase_ = Phase::kStarting;

    State state_;
    std::shared_ptr<const TreeView> published_;
    bool unpublished_ = false;
    bool unstored_ = false;  // state_ has what no batch was taken with
    LockTimers locks_;
    Promise promise_;  // as it is on disk
    PromiseRecord record_;
    bool newer_record_ = false;
    std::optional<CommitOut> commit_out_;
    std::optional<Instant> probe_at_;

    std::optional<View> view_;
    ViewName view_name_{};
    Instant view_since_;
    std::set<NodeId> nodes_;       // members that take part: of each node exactly one process
    bool newer_ = false;           // a member of this view speaks a later format
    std::set<NodeId> understood_;  // have spoken ours in this view
    bool quorate_ = false;
    Voting voting_;
    std::vector<NodeId> foreign_;
    std::optional<Stage> stage_;
    std::optional<Epoch> epoch_;
    std::optional<Instant> restarted_at_;

    std::optional<TransferReceiver> receiver_;
    TransferCache fetched_;  // by transfers of before
    std::uint64_t transfers_ = 0;
    Instant donor_heard_;
    Instant asked_at_;
    std::set<NodeId> failed_donors_;  // of this epoch
    std::map<NodeId, Gift> gifts_;    // by who asks
    std::weak_ptr<const TransferSnapshot> last_snapshot_;

    Wishes wishes_;
    std::uint64_t number_ = 0;  // of our last operation
    Instant opened_at_;         // when wishes could last be sent
    bool parts_discarded_ = false;
    std::optional<Point> local_branch_;  // where this life began to write in local mode
    std::uint64_t local_turn_ = 0;
    std::uint64_t local_stored_ = 0;

    Status status_;
    std::optional<Instant> until_;
    std::optional<Instant> malformed_told_;
    std::uint64_t malformed_count_ = 0;
};

}  // namespace cfs
