#include "totem/config/examine.h"

#include <utility>

#include "totem/config/quorum_check.h"

namespace totem::config {

Verdict examine(LoadResult loaded, const HostFacts& facts, const ResolveOptions& options) {
    Verdict verdict;
    if (!loaded.draft) {
        verdict.problems = std::move(loaded.problems);
        verdict.warnings = std::move(loaded.warnings);
        return verdict;
    }
    Report report{loaded.draft->file};
    report.merge(loaded.problems, loaded.warnings);
    auto resolved = resolve(*loaded.draft, facts, options);
    report.merge(resolved.problems, resolved.warnings);
    check_quorum(*loaded.draft, !resolved.local_absent, report);
    report.sort();
    verdict.problems = report.problems();
    verdict.warnings = report.warnings();
    if (report.ok()) {
        verdict.config = std::move(loaded.draft);
        verdict.resolved = std::move(resolved.config);
    }
    return verdict;
}

}  // namespace totem::config
