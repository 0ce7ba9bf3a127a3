#include "pvecm/program.h"

#include <algorithm>
#include <iterator>
#include <ostream>
#include <vector>

#include "pvecm/usage.h"

namespace pvecm {

namespace {

int complain(Context& context, const std::string& error) {
    context.err << "ERROR: " << error << '\n' << usage_of_all();
    return kFailed;
}

// The only command for anybody.
bool needs_root(const Command& command) { return command.name != "help"; }

}  // namespace

const Command* find_command(Context& context, const std::string& word) {
    std::vector<std::string_view> names;
    std::transform(commands().begin(), commands().end(), std::back_inserter(names),
                   [](const Command& command) { return command.name; });
    const auto found = candidates(word, names);
    if (found.size() != 1) {
        std::string list;
        for (const auto name : found) {
            list += (list.empty() ? "" : ", ") + std::string{name};
        }
        complain(context, found.empty() ? "unknown command 'pvecm " + word + '\''
                                        : "ambiguous command 'pvecm " + word + "': " + list);
        return nullptr;
    }
    return &*std::find_if(commands().begin(), commands().end(),
                          [&](const Command& command) { return command.name == found.front(); });
}

int run_program(Context& context, std::span<const std::string> words) {
    if (words.empty()) {
        return complain(context, "no command specified");
    }
    const bool asks = words.front() == "-h" || words.front() == "--help";
    const Command* command = find_command(context, asks ? "help" : words.front());
    if (command == nullptr) {
        return kFailed;
    }
    if (needs_root(*command) && !context.host.is_root()) {
        context.err << "please run as root\n";
        return kFailed;
    }
    const auto values = read_words(command->parameters, words.subspan(1));
    if (!values) {
        context.err << values.error().text << '\n' << short_usage(*command) << "\n\n";
        return kFailed;
    }
    return command->run(context, *values);
}

}  // namespace pvecm
