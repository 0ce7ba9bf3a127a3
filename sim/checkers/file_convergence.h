// S1, S2 and S13: one position, one state, whoever is there; a replica applies what follows, one
// operation after the other (properties.md section 7).
#pragma once

#include <map>

#include "sim/checker.h"
#include "sim/file_ledger.h"

namespace sim {

class FileConvergence : public Checker {
  public:
    FileConvergence(Findings& findings, const FileLedger& ledger)
        : Checker("file-convergence", findings), ledger_(&ledger) {}

    using Checker::on;
    void on(const FileApplied& event) override {
        const cfs::Record& record = *event.record;
        const cfs::Position& before = event.before.position;
        if (record.position.index != before.index + 1 || record.position.epoch < before.epoch) {
            violate(event.where, "S2",
                    "applied " + text(record.position) + " after " + text(before));
        }
        agree(event.where, {record.position, record.state});
    }
    void on(const FilesStarted& event) override { agree(event.where, event.place); }
    // Quiet and in reach of each other: all are where the first of them is.
    void on(const FilesSettled& event) override {
        if (!event.quiet) {
            return;
        }
        const auto& [first, added] = settled_.emplace(event.members, event.place);
        if (!added && !(first->second == event.place)) {
            violate(event.where, "S1",
                    "at " + text(event.place) + " long after the heal, others at " +
                        text(first->second));
        }
    }

  private:
    void agree(const Where& where, const FilePlace& place) {
        const auto& [there, added] = states_.emplace(place.position, place.digest);
        if (!added && !(there->second == place.digest) && ledger_->trusted()) {
            violate(where, "S1",
                    text(place) + " where another was at " +
                        text(FilePlace{place.position, there->second}));
        }
    }

    const FileLedger* ledger_;
    std::map<cfs::Position, cfs::Digest> states_;
    std::map<NodeMask, FilePlace> settled_;
};

}  // namespace sim
