// The words of a command line to the command they mean, and everything that is wrong with them.
//
// Source: pvecm.md 1.
#pragma once

#include <span>
#include <string>

#include "pvecm/command.h"

namespace pvecm {

// `words` without the name of the program. Gives the exit status.
[[nodiscard]] int run_program(Context& context, std::span<const std::string> words);

// The command whose name, or the beginning of it, `word` is. Empty, and a complaint on
// `context.err` with the usage of all behind it, when it is none or several.
[[nodiscard]] const Command* find_command(Context& context, const std::string& word);

}  // namespace pvecm
