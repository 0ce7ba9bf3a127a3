// A small file's whole content, as a daemon reads its configuration.
#pragma once

#include <cstddef>
#include <string>

#include "totem/core/result.h"

namespace totem::process {

// What is longer is no configuration.
inline constexpr std::size_t kReadFileMax = std::size_t{16} << 20U;

// Or the errno: EISDIR, EIO ... and EFBIG of what is longer. Streams would throw at these.
[[nodiscard]] Result<std::string, int> read_file(const std::string& path);

}  // namespace totem::process
