// Which statuses get a line: each that tells something new, but none that is over at once.
//
// At every change of the membership a healthy cluster goes through half a dozen statuses within
// milliseconds, in which writers wait for a moment and nobody is refused. Of such a change one line
// is left, about what it led to.
#pragma once

#include <chrono>
#include <optional>

#include "cfs/daemon/status_text.h"

namespace cfs {

class StatusLog {
  public:
    // Of an exchange, and of members of the group that have not joined the epoch yet.
    static constexpr std::chrono::milliseconds kPassing{500};

    // At every change, and at wake_at(): true when `status` is worth a line now.
    [[nodiscard]] bool look(Instant now, const Status& status);
    [[nodiscard]] std::optional<Instant> wake_at() const noexcept { return wake_at_; }

  private:
    Status told_;
    std::optional<Instant> passing_since_;
    std::optional<Instant> wake_at_;
};

}  // namespace cfs
