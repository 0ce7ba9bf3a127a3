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
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): set once, at the start
inline std::string_view planted_bug;
}  // namespace totem

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): it makes a string of the name
#define TOTEM_MUTANT(name) (::totem::planted_bug == #name)

#else

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): names that do not exist need no declaration
#define TOTEM_MUTANT(name) false

#endif
