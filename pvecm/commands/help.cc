// `pvecm help [CMD ...] [-verbose]`: how all or some commands are called.
//
// Source: pvecm.md 1.
#include <ostream>

#include "pvecm/commands/all.h"
#include "pvecm/program.h"
#include "pvecm/usage.h"

namespace pvecm {

namespace {

int run_help(Context& context, const Values& values) {
    const bool verbose = values.flag("verbose");
    for (const std::string& word : values.rest()) {
        const Command* command = find_command(context, word);
        if (command == nullptr) {
            return kFailed;
        }
        context.out << (verbose ? long_usage(*command) : "USAGE: " + short_usage(*command) + '\n');
    }
    if (!values.rest().empty()) {
        return kDone;
    }
    context.out << usage_of_all();
    for (const Command& command : commands()) {
        context.out << (verbose ? '\n' + long_usage(command) : std::string{});
    }
    return kDone;
}

}  // namespace

Command help_command() {
    return {"help",
            "Show how commands are called.",
            {.arguments = {},
             .options = {{"verbose", Format::kFlag, "With every parameter."}},
             .rest = "command"},
            run_help};
}

}  // namespace pvecm
