#include <utility>
#include <variant>

#include "cfs/core/operation_codec.h"
#include "cfs/core/replica_changes.h"
#include "cfs/core/replica_machine.h"
#include "totem/core/check.h"
#include "totem/core/mutant.h"

namespace cfs {

namespace {

// Turns that are applied before the store has taken them. Far below kHistoryMin, which is how many
// may pass between two batches at most.
constexpr std::uint64_t kUnstoredMax = 1024;

}  // namespace

void Replica::Machine::handle(NodeId sender, const Operate& operate) {
    if (!epoch_ || !epoch_->open || operate.epoch != epoch_->name ||
        !epoch_->turns.synced(sender)) {
        return;
    }
    const auto operation = decode_operation(operate.operation);
    if (!operation) {
        if (operation.error() == DecodeError::kNewerFormat) {
            newer(sender, "an operation");
        } else {
            malformed(sender, operation.error());
        }
        return;
    }
    if (operation->id.node != sender) {
        malformed(sender, DecodeError::kBadIdentifier);
        return;
    }
    Turns& turns = epoch_->turns;
    turns.receive(operation->id, operate.operation);
    if (operation->id.node == options_.node && operation->id.life == options_.life) {
        Wish* const wish = wishes_.find(operation->id.number);
        if (wish != nullptr && wish->turn == 0) {
            wish->turn = turns.received();
        }
    }
    if (turns.held_bytes() > options_.buffered_bytes_max) {
        // Too much to wait for: what comes now is taken from another replica's state.
        turns.forget(turns.received());
        epoch_->following = false;
        drop_receiver();
    }
}

void Replica::Machine::handle(NodeId sender, const Progress& progress) {
    if (!epoch_ || progress.epoch != epoch_->name) {
        return;
    }
    if (sender == options_.node) {
        epoch_->progress.back = true;
    }
    epoch_->turns.on_progress(sender, progress);
}

void Replica::Machine::apply_ordered() {
    if (!epoch_ || !epoch_->open || !epoch_->following || !epoch_->promise_given || !gate()) {
        return;
    }
    Epoch& epoch = *epoch_;
    const bool early = TOTEM_MUTANT(store_at_delivery) || TOTEM_MUTANT(ack_on_delivery);
    const std::uint64_t ready = early ? epoch.turns.received() : epoch.turns.ordered();
    while (epoch.applied < ready && epoch.applied - epoch.given < kUnstoredMax) {
        const Turns::Turn* const turn = epoch.turns.find(epoch.applied + 1);
        TOTEM_CHECK(turn != nullptr);
        const auto operation = decode_operation(turn->operation);
        TOTEM_CHECK(operation.has_value());  // it was when it came
        epoch.applied += 1;
        settle_turn(*turn, apply(epoch.proposal.epoch, *operation));
        if (std::holds_alternative<RequestUnlock>(operation->change)) {
            answer_unlock(*operation);
        }
        epoch.turns.forget(epoch.applied);
    }
}

Applied Replica::Machine::apply(std::uint64_t epoch, const Operation& operation) {
    ChangeWatch watch(state_.tree(), operation);
    const std::uint64_t version = state_.tree().version();
    const Applied applied = state_.apply(epoch, operation);
    if (applied.turn == Applied::Turn::kFirst) {
        unstored_ = true;
    }
    if (state_.tree().version() != version) {
        watch.finish(state_.tree(), applied.outcome.inode, out_->changed);
        if (!unpublished_) {
            const EntryRef root = state_.tree().find(kRootInode);
            out_->changed.push_back(changed(root, root));  // its version and time
        }
        unpublished_ = true;
    }
    return applied;
}

void Replica::Machine::settle_turn(const Turns::Turn& turn, const Applied& applied) {
    if (turn.id.node != options_.node || turn.id.life != options_.life) {
        return;
    }
    Wish* const wish = wishes_.find(turn.id.number);
    if (wish != nullptr && wish->turn == turn.number) {
        wish->outcome = applied.outcome;
        wish->forgotten = applied.turn == Applied::Turn::kForgotten;
    }
}

// The lowest synced member that is not lagging keeps the time of locks. Two that think so do no
// harm: the unlock names the version that was seen.
void Replica::Machine::answer_unlock(const Operation& operation) {
    for (const NodeId node : epoch_->turns.synced()) {
        if (node < options_.node && !epoch_->turns.lagging(node)) {
            return;
        }
    }
    const auto& request = std::get<RequestUnlock>(operation.change);
    if (locks_.expired(now_, request.inode, request.version)) {
        submit_own(Unlock{request.inode, request.version}, operation.time);
    }
}

void Replica::Machine::look_at_members() {
    if (!epoch_ || !epoch_->open) {
        return;
    }
    std::vector<Turns::LagChange> changes;
    epoch_->turns.look(now_, options_.member_wait, changes);
    for (const Turns::LagChange& change : changes) {
        tell(change.lagging ? Notice::Kind::kMemberLagging : Notice::Kind::kMemberCaughtUp,
             change.node);
    }
    if (const auto next = epoch_->turns.next_look(options_.member_wait)) {
        want(*next);
    }
}

void Replica::Machine::say_progress() {
    if (!epoch_ || !epoch_->open || !epoch_->following || !gate() ||
        !epoch_->turns.synced(options_.node)) {
        return;
    }
    Epoch& epoch = *epoch_;
    const Progress progress{epoch.name, epoch.turns.received(), epoch.turns.chain(), epoch.stored};
    const bool news = progress != epoch.last_progress;
    if (epoch.progress.back && news) {
        epoch.progress = {};
    }
    if ((news || epoch.progress.at) && due(epoch.progress)) {
        epoch.last_progress = progress;
        say(progress);
    }
}

}  // namespace cfs
