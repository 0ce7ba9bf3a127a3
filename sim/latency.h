// How long things take: integer tables of quantiles, so that every build draws the same numbers.
#pragma once

#include <array>
#include <cstdint>

#include "totem/core/types.h"

namespace sim {

using totem::Duration;

enum class Tail : std::uint8_t { kNone, kExponential, kPareto };

struct Latency {
    Duration least{};
    Duration scale{};  // the mean of what is added to `least`
    Tail tail = Tail::kNone;
};

// One value of the distribution, chosen by six bits of `h`.
[[nodiscard]] constexpr Duration sample(const Latency& latency, std::uint64_t h) {
    // Quantiles (i + 1/2) / 64 in thousandths: -ln(1 - q), and a Pareto tail of index 1.2.
    constexpr std::array<std::uint16_t, 64> kExponential = {
        8,    24,   40,   56,   73,   90,   107,  125,  143,  161,  179,  198,  217,
        237,  257,  277,  298,  319,  341,  363,  386,  409,  433,  458,  483,  508,
        535,  562,  589,  618,  647,  678,  709,  741,  774,  809,  845,  882,  920,
        960,  1002, 1045, 1091, 1138, 1188, 1241, 1297, 1356, 1418, 1485, 1556, 1633,
        1717, 1808, 1908, 2019, 2144, 2287, 2454, 2655, 2906, 3243, 3753, 4852};
    constexpr std::array<std::uint16_t, 64> kPareto = {
        2,   5,   8,   12,  16,  19,  23,  27,   32,   36,   40,   45,   50,   55,   60,   65,
        71,  76,  82,  88,  95,  102, 109, 116,  124,  132,  140,  149,  159,  168,  179,  190,
        201, 214, 227, 241, 255, 271, 288, 306,  326,  347,  370,  396,  423,  453,  487,  524,
        565, 612, 664, 725, 795, 877, 976, 1095, 1242, 1431, 1683, 2034, 2566, 3478, 5456, 14004};
    const auto index = static_cast<std::size_t>((h >> 20U) & 63U);
    switch (latency.tail) {
        case Tail::kNone:
            return latency.least;
        case Tail::kExponential:
            return latency.least + latency.scale * kExponential.at(index) / 1000;
        case Tail::kPareto:
            return latency.least + latency.scale * kPareto.at(index) / 1000;
    }
    return latency.least;
}

}  // namespace sim
