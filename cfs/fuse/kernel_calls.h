// The table of functions that libfuse calls: each turns C arguments into a call of Server.
#pragma once

#include "cfs/fuse/low_level.h"

namespace cfs {

// The session's user data is the Server.
[[nodiscard]] const fuse_lowlevel_ops& kernel_calls();

}  // namespace cfs
