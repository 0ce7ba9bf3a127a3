#include "sim/schedule.h"

#include <array>
#include <chrono>

namespace sim {

namespace {

constexpr std::array<std::string_view, kFaultKinds> kNames = {
    "loss",         "duplicate", "reorder",   "latency",      "bandwidth", "cut",
    "drop-kind",    "crash",     "leave",     "pause",        "slow",      "clock-jump",
    "slow-disk",    "replay",    "corrupt",   "force-gather", "burst",     "client-crash",
    "client-pause", "ambush",    "disk-full", "disk-fails",   "expect",    "foreign"};

std::string nodes_text(NodeMask mask) {
    std::string text;
    for (std::uint32_t node = 0; node < kNodesMax; ++node) {
        if ((mask & mask_of(node)) != 0) {
            text += (text.empty() ? "" : ",") + std::to_string(node + 1);
        }
    }
    return text.empty() ? "-" : text;
}

std::string milliseconds_text(Duration duration) {
    using std::chrono::microseconds;
    const auto count = std::chrono::duration_cast<microseconds>(duration).count();
    const std::string fraction = std::to_string(1000 + count % 1000).substr(1);
    return std::to_string(count / 1000) + "." + fraction + "ms";
}

}  // namespace

std::string_view to_string(FaultKind kind) noexcept {
    const auto index = static_cast<std::size_t>(kind);
    return index < kNames.size() ? kNames.at(index) : "unknown";
}

bool parse(std::string_view name, FaultKind& kind) noexcept {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames.at(i) == name) {
            kind = static_cast<FaultKind>(i);
            return true;
        }
    }
    return false;
}

std::string describe(const Fault& fault) {
    return milliseconds_text(fault.at) + " +" + milliseconds_text(fault.lasts) + " " +
           std::string(to_string(fault.kind)) + " " + nodes_text(fault.from) + " -> " +
           nodes_text(fault.to) + " value=" + std::to_string(fault.value) +
           " extra=" + std::to_string(fault.extra);
}

}  // namespace sim
