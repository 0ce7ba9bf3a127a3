// What an arriving frame may do to a node, judged from outside by the rules of properties.md and
// not by the code under test (R1, M5, M6, M9, M15).
#pragma once

#include <cstdint>

#include "sim/record.h"
#include "totem/core/frame.h"
#include "totem/core/invariants.h"

namespace sim {

enum class Reach : std::uint8_t {
    kAnything,
    kNoOrder,  // may make the node gather; the messages it holds and delivers stay as they are
    kNoState,  // may teach it a ring number; neither its state nor its messages change
    kNothing,
};

struct FrameRule {
    Reach reach = Reach::kAnything;
    const char* property = "";
    const char* why = "";
};

// The node that receives the frame.
struct Receiver {
    NodeId self{};
    const totem::Snapshot* snapshot = nullptr;
    NodeMask members = 0;     // of its last regular configuration
    bool originated = false;  // it has sent the first token of the ring that it forms or is in
};

// The rule for a frame that was not damaged on its way. What does not decode is M15.
[[nodiscard]] FrameRule rule_for(const Receiver& receiver, totem::Bytes frame);

// The part of a state that a frame of this reach must leave alone, except for kNothing: then it is
// the whole, Machine::state_hash().
[[nodiscard]] std::uint64_t protected_hash(Reach reach, const totem::Snapshot& node);

}  // namespace sim
