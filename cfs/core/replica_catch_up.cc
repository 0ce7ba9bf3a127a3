#include <algorithm>
#include <string>
#include <utility>

#include "cfs/core/replica_changes.h"
#include "cfs/core/replica_machine.h"
#include "totem/core/check.h"

namespace cfs {

namespace {

// A snapshot is kept for so long after the last question about it.
constexpr std::chrono::seconds kSnapshotKept{10};

// The last operation that both histories have; 0: none that is still known.
std::uint64_t last_common(const History& mine, const History& other) {
    const auto& records = mine.records();
    const auto found = std::find_if(records.rbegin(), records.rend(), [&](const Record& record) {
        return other.place(record.position, record.state) == History::Place::kHere;
    });
    return found == records.rend() ? 0 : found->position.index;
}

std::string describe(const TransferProgress& progress) {
    return std::to_string(progress.entries) + " entries and " + std::to_string(progress.blocks) +
           " blocks fetched, " + std::to_string(progress.gone) + " removed, " +
           std::to_string(progress.answer_bytes) + " bytes";
}

}  // namespace

void Replica::Machine::handle(NodeId sender, const Transfer& transfer) {
    const auto peek = peek_transfer(transfer.bytes);
    if (!peek) {
        malformed(sender, peek.error());
        return;
    }
    if (!epoch_) {
        return;
    }
    if (!epoch_->open && sender == epoch_->proposer) {
        epoch_->active = now_;  // it is helping somebody to promise
    }
    if (peek->is_question && peek->head.donor == options_.node && peek->head.id.asker == sender) {
        give(peek->head.id, transfer.bytes);
    } else if (!peek->is_question && receiver_ && peek->head.id == receiver_->id() &&
               sender == receiver_->donor()) {
        take(transfer.bytes);
    }
}

// ---- who has the state --------------------------------------------------------------------------

void Replica::Machine::give(const TransferId& id, Bytes question) {
    const bool proposed = !epoch_->open && epoch_->proposer == options_.node;
    const bool synced = epoch_->turns.synced(options_.node);
    if (!epoch_->following || (!proposed && !synced)) {
        return;
    }
    Gift& gift = gifts_[id.asker];
    if (!gift.donor || gift.id != id) {
        gift.id = id;
        gift.donor.emplace(options_.node, present_snapshot());
    }
    gift.asked = now_;
    auto answer = gift.donor->answer(question);
    if (answer) {
        say(Transfer{*answer});
    } else {
        tell(Notice::Kind::kMalformed, id.asker, ++malformed_count_, to_string(answer.error()));
    }
}

// One for all who ask at the same turn.
std::shared_ptr<const TransferSnapshot> Replica::Machine::present_snapshot() {
    auto snapshot = last_snapshot_.lock();
    if (!snapshot || snapshot->position != state_.position() || snapshot->turn != epoch_->applied) {
        snapshot = transfer_snapshot(state_, epoch_->applied);
        last_snapshot_ = snapshot;
    }
    return snapshot;
}

void Replica::Machine::drop_old_gifts() {
    std::erase_if(gifts_, [&](const auto& each) {
        return !each.second.donor || each.second.asked + kSnapshotKept <= now_;
    });
    for (const auto& [node, gift] : gifts_) {
        want(gift.asked + kSnapshotKept);
    }
}

// ---- who catches up -----------------------------------------------------------------------------

// Before the epoch is open only the proposer is known to have the parent; then every synced member.
std::optional<NodeId> Replica::Machine::next_donor() const {
    const auto fit = [&](NodeId node) {
        return node != options_.node && !failed_donors_.contains(node);
    };
    if (fit(epoch_->proposer) && (!epoch_->open || epoch_->turns.synced(epoch_->proposer))) {
        return epoch_->proposer;
    }
    if (!epoch_->open) {
        return std::nullopt;
    }
    for (const NodeId node : epoch_->turns.synced()) {
        if (fit(node)) {
            return node;
        }
    }
    return std::nullopt;
}

void Replica::Machine::catch_up() {
    if (receiver_ && !receiver_->done() && now_ >= donor_heard_ + options_.donor_wait) {
        give_up_donor("has not answered");
    }
    if (!receiver_ && !begin_transfer()) {
        return;
    }
    if (receiver_->done()) {
        adopt();
        return;
    }
    if (now_ >= asked_at_ + options_.repeat) {
        asked_at_ = now_;
        std::vector<std::vector<std::byte>> again;
        receiver_->ask_again(again);
        for (const auto& question : again) {
            say(Transfer{question});
        }
    }
    until_ = donor_heard_ + options_.donor_wait;
    want(std::min(*until_, asked_at_ + options_.repeat));
}

bool Replica::Machine::begin_transfer() {
    if (!next_donor() && epoch_->open) {
        failed_donors_.clear();  // all of them once more
    }
    const auto donor = next_donor();
    if (!donor) {
        return false;
    }
    const TransferId id{options_.node, options_.life, ++transfers_};
    receiver_.emplace(id, *donor, state_.snapshot(), std::exchange(fetched_, {}));
    donor_heard_ = now_;
    asked_at_ = now_;
    ask();
    return true;
}

void Replica::Machine::ask() {
    std::vector<std::vector<std::byte>> questions;
    receiver_->ask(questions);
    for (const auto& question : questions) {
        say(Transfer{question});
    }
}

void Replica::Machine::take(Bytes answer) {
    const auto taken = receiver_->take(answer);
    if (!taken) {
        give_up_donor(to_string(taken.error()));
    } else if (*taken == TransferReceiver::Taken::kTaken) {
        donor_heard_ = now_;
        asked_at_ = now_;
        ask();
    }
}

void Replica::Machine::give_up_donor(const std::string& why) {
    const NodeId donor = receiver_->donor();
    tell(Notice::Kind::kMemberSilent, donor, 0, "as the donor of a transfer: " + why);
    failed_donors_.insert(donor);
    drop_receiver();
}

void Replica::Machine::drop_receiver() {
    if (receiver_) {
        fetched_ = receiver_->take_cache();
        receiver_.reset();
    }
}

void Replica::Machine::stop_catching_up() {
    drop_receiver();
    failed_donors_.clear();
    gifts_.clear();
}

// No state of this epoch has operations of a later one, and before its first turn it is the parent.
bool Replica::Machine::plausible(const TransferGoal& goal) const {
    const Propose& proposal = epoch_->proposal;
    if (goal.turn == 0) {
        return Point{goal.position, goal.state} == proposal.parent;
    }
    return goal.position >= proposal.parent.position && goal.position.epoch <= proposal.epoch &&
           goal.position.index < kNumberCeiling;
}

// All is there. The old state stays until the store is free to take the new one in one transaction.
void Replica::Machine::adopt() {
    const TransferGoal goal = *receiver_->goal();
    if (goal.turn < epoch_->turns.forgotten() || goal.turn > epoch_->turns.received()) {
        drop_receiver();  // too old: what came after it was not kept
        want(now_ + options_.repeat);
        return;
    }
    if (!plausible(goal)) {
        give_up_donor("its state is not one of this epoch");
        want(now_ + options_.repeat);
        return;
    }
    if (commit_out_ || unstored_) {
        return;
    }
    auto next = state_.adopt(receiver_->image());
    if (!next) {
        give_up_donor(to_string(next.error()));
        fetched_ = {};
        want(now_ + options_.repeat);
        return;
    }
    Batch batch = next->take_batch();
    CommitOut out;
    out.caught_up = describe(receiver_->progress());
    const std::uint64_t common = last_common(state_.history(), next->history());
    if (common != state_.position().index) {
        Aside aside = make_aside(state_.tree(), state_.history(), batch.changes, common);
        // Those that have done nothing yet have no time: then that of what is put aside.
        const auto& adopted = next->history().records();
        aside.time = (adopted.empty() ? state_.history().records() : adopted).back().time;
        aside.reason = "adopted the state of node " + std::to_string(raw(receiver_->donor()));
        out.aside = aside.tail.size();
        batch.aside = std::move(aside);
    }
    for (const TreeChange& change : batch.changes) {
        out_->changed.push_back(changed(change.before, change.after));
    }
    state_ = std::move(*next);
    unpublished_ = true;
    epoch_->applied = goal.turn;
    epoch_->following = true;
    epoch_->turns.forget(goal.turn);
    epoch_->promise_wanted = !epoch_->promise_given;
    receiver_.reset();
    fetched_ = {};
    settle_wishes_by_history(goal.turn);
    give_to_store(std::move(batch), std::move(out));
}

// Own operations among the turns that came with the state.
void Replica::Machine::settle_wishes_by_history(std::uint64_t turn) {
    for (Wish& wish : wishes_.all()) {
        if (wish.turn == 0 || wish.turn > turn || wish.outcome) {
            continue;
        }
        switch (state_.history().known(wish.id)) {
            case History::Known::kRepeated:
                wish.outcome = state_.history().record(wish.id).outcome;
                break;
            case History::Known::kForgotten:
                wish.outcome = Outcome{Errno::kStale, {}, state_.tree().version()};
                wish.forgotten = true;
                break;
            case History::Known::kNew:
                wish.turn = 0;
                wish.out.reset();
                break;
        }
    }
}

}  // namespace cfs
