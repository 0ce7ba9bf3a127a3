// Tells the administrator that the daemon stood still, in the words that people search for, without
// filling the log of a machine where it happens again and again.
//
// Source: the pause rule of docs/protocol.md says when; corosync's line is "Corosync main process
// was not scheduled (@...) for 1234.5678 ms (threshold is 800.0000 ms). Consider token timeout
// increase."
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "totem/core/types.h"

namespace totem::daemon {

class PauseReport {
  public:
    struct Pause {
        Instant at{};        // when it ended
        Duration late{};     // how long after its deadline the daemon ran again
        Duration allowed{};  // from which lateness on that is a pause
        std::chrono::system_clock::time_point deadline;
    };

    // The line to write; empty: none, as a pause as long was told of within kQuiet. The next line
    // counts those.
    [[nodiscard]] std::string on_pause(const Pause& pause);

  private:
    static constexpr std::chrono::seconds kQuiet{10};

    std::optional<Instant> told_;
    Duration longest_{0};  // of those told of since it was last quiet
    unsigned untold_ = 0;
};

}  // namespace totem::daemon
