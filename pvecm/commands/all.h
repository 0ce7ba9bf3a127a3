// The tables of the commands, one file each.
#pragma once

#include "pvecm/command.h"

namespace pvecm {

[[nodiscard]] Command create_command();
[[nodiscard]] Command expected_command();
[[nodiscard]] Command help_command();
[[nodiscard]] Command keygen_command();
[[nodiscard]] Command nodes_command();
[[nodiscard]] Command status_command();

}  // namespace pvecm
