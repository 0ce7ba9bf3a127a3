// libfuse's low-level interface, in the version of it that this room is written for.
#pragma once

// fuse.h asks for it by this name.
#define FUSE_USE_VERSION 312  // NOLINT(cppcoreguidelines-macro-usage)

#include <fuse3/fuse_lowlevel.h>
