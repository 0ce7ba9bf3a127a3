// What became of a change, as the errno that its caller gets.
#pragma once

#include "cfs/fuse/files.h"

namespace cfs {

// 0, or a positive errno.
[[nodiscard]] int errno_of(const Done& done) noexcept;

// Whether the same change may be asked for again as if nothing had been: it is certain that nothing
// happened, and the reason passes.
[[nodiscard]] bool may_be_repeated(const Done& done) noexcept;

}  // namespace cfs
