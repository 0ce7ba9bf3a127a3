// The tree of a configuration file back to text, in the order in which every tool for it writes:
// keys and sections by name, nodes by theirs, interfaces by number.
//
// What the reader gave comes out again whole: unknown keys, repeated ones in their order, values
// with blanks. Comments are not in the tree.
//
// Source: pvecm.md 3 (writer).
#pragma once

#include <string>

#include "totem/config/syntax.h"

namespace pvecm {

// `top` is the top level, as in Tree.
[[nodiscard]] std::string config_text(const totem::config::Item& top);

}  // namespace pvecm
