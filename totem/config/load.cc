#include "totem/config/load.h"

#include <utility>

#include "totem/config/build.h"
#include "totem/config/flatten.h"
#include "totem/config/syntax.h"

namespace totem::config {

LoadResult parse(std::string_view text, std::string_view file_name) {
    Report report{file_name};
    const auto tree = read_syntax(text, report);
    const auto flat = flatten(tree, report);
    auto config = build_config(flat, report);
    report.sort();
    LoadResult result{std::nullopt, report.problems(), report.warnings()};
    if (report.ok()) {
        result.config = std::move(config);
    }
    return result;
}

UidGidResult parse_uidgid(std::string_view text, std::string_view file_name) {
    Report report{file_name};
    UidGidResult result;
    for (const auto& item : read_syntax(text, report).items) {
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
