// What happened, in the words that people search for: corosync's where it has any.
//
// Source: samples/log-*.txt, kill-shutdown.txt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "totem/core/config.h"
#include "totem/core/trace.h"
#include "totem/group/service.h"
#include "totem/process/log.h"

namespace totem::daemon {

using process::Severity;

struct LogLine {
    Severity severity = Severity::kNotice;
    std::string_view subsystem;
    std::string text;
};

[[nodiscard]] std::vector<LogLine> to_lines(const group::Notice& notice);

// "Service engine loaded: corosync ... [0]" of each service: `what` is "loaded" or "unloaded".
[[nodiscard]] std::vector<LogLine> service_lines(std::string_view what, bool votequorum,
                                                 bool numbers);

// The traces that lines are made of, and the line of one; empty text: not worth any.
[[nodiscard]] TraceMask traces_for_log() noexcept;
[[nodiscard]] LogLine to_line(const Trace& trace, const RingConfig& config);

// "1.5b": the representative in decimal, the number in hexadecimal, as corosync prints ring ids.
[[nodiscard]] std::string to_string(const RingId& ring);
// "1 2 3"
[[nodiscard]] std::string to_string(const std::vector<NodeId>& nodes);

}  // namespace totem::daemon
