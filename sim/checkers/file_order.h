// S4: writes are linearizable, with the index as witness; what a node shows never goes back but by
// putting a tail aside (properties.md section 7).
#pragma once

#include <vector>

#include "sim/checker.h"
#include "sim/file_ledger.h"

namespace sim {

class FileOrder : public Checker {
  public:
    FileOrder(Findings& findings, const FileLedger& ledger, std::uint32_t nodes)
        : Checker("file-order", findings), ledger_(&ledger), shown_(nodes) {}

    using Checker::on;
    void on(const FilesStarted& event) override { shown_[event.where.node] = {}; }
    void on(const FileApplied& event) override {
        const FileLedger::Wish* const wish =
            ledger_->fresh() ? ledger_->wish(ticket_of(event.record->kind, event.record->time))
                             : nullptr;
        const cfs::Position& at = event.record->position;
        if (wish != nullptr && at.index <= wish->acknowledged_before && ledger_->trusted()) {
            violate(event.where, "S4",
                    "wish " + std::to_string(event.record->time) + " at " + text(at) +
                        ", asked for when index " + std::to_string(wish->acknowledged_before) +
                        " had been acknowledged");
        }
    }
    // What follows a tail that was put aside is another history.
    void on(const FileAdopted& event) override {
        FileLedger::Ref& shown = shown_[event.where.node];
        const auto after = ledger_->find(event.after);
        shown = after && ledger_->related(*after, shown) ? shown : FileLedger::kRoot;
    }
    void on(const FileRead& event) override {
        FileLedger::Ref& shown = shown_[event.where.node];
        const auto place = ledger_->find(event.place);
        if (!place || !ledger_->follows(*place, shown)) {
            violate(event.where, "S4",
                    "caller " + std::to_string(event.caller) + " sees " + text(event.place) +
                        " after " + text(ledger_->step(shown).place));
        }
        shown = place.value_or(shown);
    }

  private:
    const FileLedger* ledger_;
    std::vector<FileLedger::Ref> shown_;  // to readers of each node, in this life
};

}  // namespace sim
