// How the commands are called, short and long.
//
// Source: pvecm.md 1 (help, errors of the command).
#pragma once

#include <string>

#include "pvecm/command.h"

namespace pvecm {

// "pvecm create <clustername> [OPTIONS]"
[[nodiscard]] std::string short_usage(const Command& command);
// With what the command does and every parameter, a block of lines.
[[nodiscard]] std::string long_usage(const Command& command);
// One line for each command below a heading.
[[nodiscard]] std::string usage_of_all();

}  // namespace pvecm
