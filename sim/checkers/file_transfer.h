// S7 and S19: a replica gives its state up only for one that some replica was in, whole, in a view
// whose members may decide, and never for an older one (properties.md section 7).
#pragma once

#include <string>

#include "sim/checker.h"
#include "sim/file_ledger.h"

namespace sim {

class FileTransfer : public Checker {
  public:
    FileTransfer(Findings& findings, const FileLedger& ledger)
        : Checker("file-transfer", findings), ledger_(&ledger) {}

    using Checker::on;
    void on(const FileAdopted& event) override {
        const auto after = ledger_->find(event.after);
        const auto before = ledger_->find(event.before);
        if (!after || (ledger_->step(*after).ticket == 0 && ledger_->step(*after).kind == 0 &&
                       *after != FileLedger::kRoot)) {
            violate(event.where, "S19", text(event.after) + " adopted, where no replica ever was");
            return;
        }
        if (!ledger_->trusted()) {
            return;
        }
        if (!ledger_->sufficient(event.members)) {
            violate(event.where, "S7",
                    text(event.after) + " adopted in a view of " + members_text(event.members));
        }
        if (event.after.position < event.before.position) {
            violate(event.where, "S7", text(event.before) + " given up for " + text(event.after));
        }
        if (before && !ledger_->related(*after, ledger_->acknowledged())) {
            violate(event.where, "S7",
                    text(event.after) + " adopted beside the acknowledged " +
                        text(ledger_->step(ledger_->acknowledged()).place));
        }
    }

  private:
    const FileLedger* ledger_;
};

}  // namespace sim
