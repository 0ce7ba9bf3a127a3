#include "totem/core/check.h"

#include <cstdlib>

namespace totem {
namespace {

// The one process-wide variable of the cores: a failed check has no caller to return to.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one host in a process
CheckHandler handler_in_use =
    nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace

void set_check_handler(CheckHandler handler) noexcept { handler_in_use = handler; }

void check_failed(const CheckFailure& failure) {
    if (handler_in_use != nullptr) {
        handler_in_use(failure);
    }
    std::abort();
}

}  // namespace totem
