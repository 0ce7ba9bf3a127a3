#include "pvecm/commands/all.h"

#include <array>

namespace pvecm {

std::span<const Command> commands() {
    static const std::array<Command, 6> all{create_command(), expected_command(), help_command(),
                                            keygen_command(), nodes_command(),    status_command()};
    return all;
}

}  // namespace pvecm
