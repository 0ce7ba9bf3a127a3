// The key that all nodes of a cluster share: made once, then carried to each node.
//
// Source: pvecm.md 2 and 4 (keygen); config.md 12.
#pragma once

#include <optional>
#include <string>

#include "pvecm/host.h"

namespace pvecm {

// Writes 256 random bytes to a new file that only its owner can read. Empty, or why there is none.
[[nodiscard]] std::optional<std::string> make_key_file(Host& host, const std::string& path);

// Why the cluster engine would not take the file; empty when it would.
[[nodiscard]] std::optional<std::string> check_key_file(const std::string& path);

}  // namespace pvecm
