// TOTEM_CHECK: a condition that only a bug of our own can break. On in every build.
//
// What comes from the network, a client or a file is never checked with it: that is handled. A
// failed check calls the host's function (a daemon dumps its flight recorder and aborts, the
// simulator prints seed, evidence and the replay command); if that returns, the process aborts.
#pragma once

namespace totem {

struct CheckFailure {
    const char* expression;
    const char* file;
    int line;
};

using CheckHandler = void (*)(const CheckFailure&);

// Sets the host's function for the whole process; nullptr restores the default (abort only).
void set_check_handler(CheckHandler handler) noexcept;

[[noreturn]] void check_failed(const CheckFailure& failure);

}  // namespace totem

// An expression, so that a check in a loop does not count as a level of nesting.
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): it tells the condition's text and its place
#define TOTEM_CHECK(condition)                                                                   \
    (__builtin_expect(!(condition), 0) ? ::totem::check_failed({#condition, __FILE__, __LINE__}) \
                                       : static_cast<void>(0))
