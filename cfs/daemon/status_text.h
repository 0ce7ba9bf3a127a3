// What the replica reports, as lines for people: nodes by name, since when, until when.
//
// docs/cfsd.md lists the lines.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cfs/core/replica.h"
#include "totem/process/log.h"

namespace cfs {

// Who a node is to people: "pve1", else "node 1".
using NodeName = std::function<std::string(NodeId)>;
// What a clock on the wall shows at an instant: "12:03:11.250".
using TimeOfDay = std::function<std::string(Instant)>;

struct Words {
    NodeName name;
    TimeOfDay time;
};

struct Line {
    totem::process::Severity severity{};
    std::string text;
};

[[nodiscard]] Line to_line(const Notice& notice, const Words& words);

// "writable, epoch 3, with pve1, pve2"; "read-only since 12:03:11.250: no quorum".
[[nodiscard]] Line to_line(const Status& status, const Words& words);
// Whether a line about `now` would tell more than the one about `before` did: times alone do not.
[[nodiscard]] bool worth_a_line(const Status& before, const Status& now);

[[nodiscard]] std::string names(const std::vector<NodeId>& nodes, const Words& words);

}  // namespace cfs
