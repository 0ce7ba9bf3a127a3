#include "sim/checkers/file_history.h"

#include <string>

namespace sim {

void FileHistory::lost(const Where& where, const char* property, const std::string& how) {
    if (ledger_->trusted()) {
        const FilePlace& place = ledger_->step(ledger_->acknowledged()).place;
        violate(where, property,
                "acknowledged in epoch " + std::to_string(ledger_->acknowledged_epoch()) + ": " +
                    text(place) + "; " + how);
    }
}

void FileHistory::on(const FileAnswered& event) {
    const FileLedger::Wish* const wish = ledger_->wish(event.ticket);
    if (wish == nullptr) {
        violate(event.where, "S6", "an answer to a wish that nobody had");
        return;
    }
    const std::string ticket = "wish " + std::to_string(event.ticket);
    if (event.refusal == cfs::Refusal::kNone) {
        const auto ref = ledger_->turn(*wish, event.where.node);
        if (!ref) {
            violate(event.where, "S4", ticket + " acknowledged and not applied here");
        } else if (!ledger_->related(*ref, ledger_->acknowledged())) {
            lost(event.where, event.epoch < ledger_->acknowledged_epoch() ? "Q4" : "S3",
                 ticket + " acknowledged beside it");
        }
    } else if (event.refusal != cfs::Refusal::kUncertain && !wish->applied.empty()) {
        violate(event.where, "S6", ticket + " refused, and had happened");
    }
}

void FileHistory::check_wish(const Where& where, Ref ref, const FileLedger::Wish& wish) {
    const std::string ticket = "wish " + std::to_string(ledger_->step(ref).ticket);
    for (const Ref other : wish.applied) {
        if (other != ref && ledger_->related(other, ref)) {
            violate(where, "S6", ticket + " happened twice");
        }
    }
    if (wish.refusal && *wish.refusal != cfs::Refusal::kNone &&
        *wish.refusal != cfs::Refusal::kUncertain) {
        violate(where, "S6", ticket + " was refused, and happens");
    }
}

void FileHistory::on(const FileApplied& event) {
    if (!ledger_->fresh()) {
        return;
    }
    const auto ref = ledger_->replica(event.where.node).applied;
    const cfs::Record& record = *event.record;
    const std::uint64_t ticket = ticket_of(record.kind, record.time);
    if (const FileLedger::Wish* wish = ledger_->wish(ticket); wish != nullptr) {
        check_wish(event.where, ref, *wish);
    } else if (ticket != 0) {
        violate(event.where, "S6", "nobody asked for what " + text(record.position) + " is");
    }
    // A replica that was cut off may still apply what its own epoch had ordered; nothing follows
    // from it, and it will be put aside.
    const Ref acknowledged = ledger_->acknowledged();
    if (record.position.epoch >= ledger_->step(acknowledged).place.position.epoch &&
        !ledger_->related(ref, acknowledged)) {
        lost(event.where, ledger_->power_cut_since() ? "S9" : "S3",
             text(record.position) + " does not follow it");
    }
}

void FileHistory::on(const FilesSettled& event) {
    const auto ref = ledger_->find(event.place);
    const Ref acknowledged = ledger_->acknowledged();
    const bool there = ref && (event.quiet ? ledger_->follows(*ref, acknowledged)
                                           : ledger_->related(*ref, acknowledged));
    if (!there) {
        lost(event.where, ledger_->power_cut_since() ? "S9" : "S3",
             "not in the state long after the heal");
    }
}

}  // namespace sim
