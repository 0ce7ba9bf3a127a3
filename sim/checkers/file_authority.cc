#include "sim/checkers/file_authority.h"

#include <algorithm>
#include <string>

namespace sim {

void FileAuthority::check_epoch(const Where& where, const cfs::Position& position,
                                const char* what) {
    const FileLedger::Epoch* const epoch = ledger_->epoch(position.epoch);
    const NodeMask promised = epoch == nullptr ? 0 : epoch->promised;
    if (ledger_->trusted() && !ledger_->sufficient(promised)) {
        violate(where, "S8",
                what + text(position) + ": only " + members_text(promised) +
                    " have promised that epoch on stable storage");
    }
}

void FileAuthority::on(const FileApplied& event) {
    if (ledger_->fresh()) {
        check_epoch(event.where, event.record->position, "applied ");
    }
}

void FileAuthority::on(const FileStored& event) {
    if (event.durable.position.epoch != 0) {
        check_epoch(event.where, event.durable.position, "stored ");
    }
}

void FileAuthority::on(const FileAnswered& event) {
    const FileLedger::Wish* const wish = ledger_->wish(event.ticket);
    const auto turn = wish == nullptr ? std::nullopt : ledger_->turn(*wish, event.where.node);
    if (event.refusal != cfs::Refusal::kNone || !turn || !ledger_->trusted()) {
        return;
    }
    const FileLedger::Ref ref = *turn;
    const std::string evidence = "wish " + std::to_string(event.ticket) + " acknowledged at " +
                                 text(ledger_->step(ref).place.position);
    if (event.epoch == 0) {
        violate(event.where, "S5", evidence + " outside of an epoch");
    }
    const NodeMask holders = ledger_->holders(ref);
    if (!ledger_->sufficient(holders)) {
        violate(event.where, "S18",
                evidence + ", on stable storage of " + members_text(holders) + " only");
    }
}

void FileAuthority::on(const FileStatus& event) {
    const cfs::Status& status = *event.status;
    if (status.obstacle != cfs::Obstacle::kNone || status.local) {
        return;
    }
    const NodeMask synced = mask_of_ids(status.synced);
    if (!status.override_epoch && !ledger_->sufficient(synced)) {
        violate(event.where, "Q6", "writable with the replicas of " + members_text(synced));
    }
    if (status.override_epoch && ledger_->trusted()) {
        violate(event.where, "Q9", "an override that no administrator made");
    }
}

}  // namespace sim
