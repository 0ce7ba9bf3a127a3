// S5, S8, S18, Q6 and Q9: nothing is acknowledged or stored but by replicas of an epoch that a
// sufficient set has promised, and acknowledged only what such a set has on stable storage
// (properties.md sections 6 and 7).
#pragma once

#include "sim/checker.h"
#include "sim/file_ledger.h"

namespace sim {

class FileAuthority : public Checker {
  public:
    FileAuthority(Findings& findings, const FileLedger& ledger)
        : Checker("file-authority", findings), ledger_(&ledger) {}

    using Checker::on;
    void on(const FileAnswered& event) override;
    void on(const FileApplied& event) override;
    void on(const FileStored& event) override;
    void on(const FileStatus& event) override;

  private:
    void check_epoch(const Where& where, const cfs::Position& position, const char* what);

    const FileLedger* ledger_;
};

}  // namespace sim
