// S3, S6, S9 and Q4: what was acknowledged stays, whoever crashes and even when all lose their
// power; what was refused never happened; what is uncertain happened on all or none, and nothing
// twice (properties.md section 7).
#pragma once

#include "sim/checker.h"
#include "sim/file_ledger.h"

namespace sim {

class FileHistory : public Checker {
  public:
    FileHistory(Findings& findings, const FileLedger& ledger)
        : Checker("file-history", findings), ledger_(&ledger) {}

    using Checker::on;
    void on(const FileAnswered& event) override;
    void on(const FileApplied& event) override;
    void on(const FilesSettled& event) override;

  private:
    using Ref = FileLedger::Ref;
    void check_wish(const Where& where, Ref ref, const FileLedger::Wish& wish);
    void lost(const Where& where, const char* property, const std::string& how);

    const FileLedger* ledger_;
};

}  // namespace sim
