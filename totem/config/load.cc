#include "totem/config/load.h"

#include <utility>

#include "totem/config/build.h"
#include "totem/config/flatten.h"
#include "totem/config/syntax.h"

namespace totem::config {

LoadResult parse(std::string_view text, std::string_view file_name) {
    Report report{file_name};
    const auto tree = read_syntax(text, report);
    const auto flat = flatten(tree.top, report);
    LoadResult result;
    if (tree.whole) {
        result.draft = build_config(flat, report);
    }
    report.sort();
    result.problems = report.problems();
    if (tree.whole) {
        result.warnings = report.warnings();
    }
    if (report.ok()) {
        result.config = result.draft;
    }
    return result;
}

UidGidResult parse_uidgid(std::string_view text, std::string_view file_name) {
    Report report{file_name};
    UidGidResult result;
    const auto tree = read_syntax(text, report);
    for (const auto& item : tree.top.items) {
        if (!item.section || item.name != "uidgid") {
            report.problem(Stage::kParser, item.line,
                           "uidgid: Can't add subsection different than uidgid");
            continue;
        }
        read_uidgid(item, report, result.uidgid);
    }
    report.sort();
    result.problems = report.problems();
    return result;
}

}  // namespace totem::config
