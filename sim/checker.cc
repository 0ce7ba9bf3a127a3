#include "sim/checker.h"

#include <chrono>

namespace sim {

std::string text(const Where& where) {
    const auto us =
        std::chrono::duration_cast<std::chrono::microseconds>(where.at.time_since_epoch()).count();
    const std::string fraction = std::to_string(1'000'000 + us % 1'000'000).substr(1);
    return std::to_string(us / 1'000'000) + "." + fraction + "s node " +
           std::to_string(where.node + 1) + " life " + std::to_string(where.life);
}

std::string text(const RingId& ring) {
    return std::to_string(totem::raw(ring.representative)) + "." + std::to_string(ring.seq);
}

std::string text(Seq seq) { return std::to_string(seq.value); }

std::string members_text(NodeMask members) {
    std::string list;
    for (std::uint32_t node = 0; node < kNodesMax; ++node) {
        if ((members & mask_of(node)) != 0) {
            list += (list.empty() ? "" : ",") + std::to_string(node + 1);
        }
    }
    return "(" + list + ")";
}

}  // namespace sim
