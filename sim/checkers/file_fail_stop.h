// S17 and S9 at one disk: a replica whose store refused acknowledges and stores nothing until it
// has begun anew; what was on stable storage is there after a power cut (properties.md section 7).
#pragma once

#include <optional>
#include <vector>

#include "sim/checker.h"
#include "sim/file_ledger.h"

namespace sim {

class FileFailStop : public Checker {
  public:
    FileFailStop(Findings& findings, std::uint32_t nodes)
        : Checker("file-fail-stop", findings), failed_(nodes) {}

    using Checker::on;
    void on(const FilesStarted& event) override { failed_[event.where.node].reset(); }
    void on(const FileStoreFailed& event) override { failed_[event.where.node] = event.kind; }
    // With room again it may go on; after a failure only a new life does.
    void on(const FileStored& event) override {
        auto& failed = failed_[event.where.node];
        if (failed == cfs::StoreErrorKind::kFailed) {
            violate(event.where, "S17", "stored " + text(event.durable) + " on a failed disk");
        }
        failed.reset();
    }
    void on(const FileAnswered& event) override {
        if (event.refusal == cfs::Refusal::kNone && failed_[event.where.node]) {
            violate(
                event.where, "S17",
                "wish " + std::to_string(event.ticket) + " acknowledged after the store failed");
        }
    }
    void on(const FileApplied& event) override {
        if (failed_[event.where.node]) {
            violate(event.where, "S17",
                    "applied " + text(event.record->position) + " after the store failed");
        }
    }

  private:
    std::vector<std::optional<cfs::StoreErrorKind>> failed_;
};

}  // namespace sim
