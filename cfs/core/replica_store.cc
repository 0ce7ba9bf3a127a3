#include <utility>

#include "cfs/core/replica_machine.h"

namespace cfs {

std::optional<std::pair<Promise, PromiseRecord>> Replica::Machine::promise_to_store() const {
    PromiseRecord record = record_;
    std::uint64_t number = promise_.epoch;
    if (options_.local) {
        const bool cluster = promise_.epoch != 0;
        if (!cluster || record.branch || !unstored_) {
            return std::nullopt;
        }
        record.branch = local_branch_;
    } else if (epoch_ && epoch_->promise_wanted && !epoch_->promise_given) {
        number = epoch_->proposal.epoch;
        record = {epoch_->name, epoch_->proposal.override_epoch, std::nullopt};
    } else {
        return std::nullopt;
    }
    return std::pair{Promise{number, encode(record)}, record};
}

// What was applied, and a promise, in one batch; the next one when this is on disk.
void Replica::Machine::commit() {
    if (commit_out_) {
        return;
    }
    if (!promise_to_store() && !unstored_) {
        if (epoch_) {
            epoch_->given = epoch_->stored = epoch_->applied;  // retries leave nothing to store
        }
        return;
    }
    give_to_store(state_.take_batch(), {});
}

void Replica::Machine::give_to_store(Batch batch, CommitOut out) {
    const auto promise = promise_to_store();
    out.turn = local_turn_;
    unstored_ = false;
    if (epoch_) {
        out.epoch = epoch_->name;
        out.turn = epoch_->given = epoch_->applied;
    }
    if (promise) {
        batch.promise = promise->first;
        out.promise = promise->first;
        out.record = promise->second;
        if (epoch_) {
            epoch_->promise_given = true;
        }
    }
    commit_out_ = std::move(out);
    out_->commit = std::move(batch);
}

void Replica::Machine::on(Stored& input) {
    if (!commit_out_) {
        return;
    }
    const CommitOut done = std::move(*commit_out_);
    commit_out_.reset();
    if (phase_ == Phase::kDiskFull && done.probe) {
        phase_ = Phase::kReloading;
        out_->reload = true;
        return;
    }
    if (phase_ != Phase::kRunning) {
        return;
    }
    if (done.promise) {
        promise_ = *done.promise;
        record_ = done.record;
    }
    if (done.aside) {
        tell(Notice::Kind::kTailAside, options_.node, *done.aside, input.backup);
    }
    if (done.caught_up) {
        tell(Notice::Kind::kSynced, options_.node, done.turn, *done.caught_up);
    }
    stored_turns(done);
}

void Replica::Machine::stored_turns(const CommitOut& done) {
    if (options_.local) {
        local_stored_ = done.turn;
    } else if (epoch_ && epoch_->name == done.epoch) {
        epoch_->stored = done.turn;
        epoch_->promise_stored = epoch_->promise_stored || done.promise.has_value();
    }
}

// ---- trouble ------------------------------------------------------------------------------------

void Replica::Machine::on(StoreFailed& input) {
    commit_out_.reset();
    if (phase_ == Phase::kFailed || phase_ == Phase::kStopped) {
        return;
    }
    if (input.error.kind == StoreErrorKind::kNoSpace && phase_ != Phase::kReloading) {
        store_full();
    } else {
        store_gone(input.error.text);
    }
}

// Nothing of the batch is stored, so the state here is ahead of the disk: it is loaded again when
// there is room.
void Replica::Machine::store_full() {
    if (phase_ != Phase::kDiskFull) {
        end_epoch();
        phase_ = Phase::kDiskFull;
        stage_.reset();
        view_.reset();
        out_->leave = !options_.local;
        tell(Notice::Kind::kDiskFull, options_.node);
        if (options_.local) {  // applied here only, and here not stored: it did not happen
            wishes_.take_if([](const Wish&) { return true; },
                            [&](const Wish& wish) { answer(wish, Refusal::kDiskFull); });
        }
    }
    probe_at_ = now_ + options_.room_probe;
}

void Replica::Machine::store_gone(const std::string& text) {
    const bool member = phase_ == Phase::kRunning;
    end_epoch();
    phase_ = Phase::kFailed;
    stage_.reset();
    view_.reset();
    out_->leave = member && !options_.local;
    tell(Notice::Kind::kStoreFailed, options_.node, 0, text);
    give_up_all();
}

// The promise that is on disk anyhow, once more: it needs as little room as anything.
void Replica::Machine::commit_probe() {
    if (phase_ != Phase::kDiskFull || commit_out_) {
        return;
    }
    if (now_ < *probe_at_) {
        want(*probe_at_);
        return;
    }
    commit_out_ = CommitOut{};
    commit_out_->probe = true;
    Batch batch;
    batch.promise = promise_;
    out_->commit = std::move(batch);
}

}  // namespace cfs
