// Bugs that are planted on purpose, to prove that the simulator's checkers catch them.
//
// Each place is one condition, TOTEM_MUTANT(name). It is the constant false unless the whole tree
// is built with -DQUORATE_MUTANTS=ON; then totem-sim --mutant NAME switches one of them on. A
// daemon is never built like that. Source: properties.md section 16; the list is
// tests/mutants/mutants.txt.
#pragma once

#ifdef QUORATE_MUTANTS

#include <string_view>

namespace totem {
// The name of the bug that is on; empty: none.
inline std::string_view planted_bug;
}  // namespace totem

#define TOTEM_MUTANT(name) (::totem::planted_bug == #name)

#else

#define TOTEM_MUTANT(name) false

#endif
