// The clock of one simulated node: never backwards, at its own rate, with jumps ahead.
#pragma once

#include <cstdint>

#include "totem/core/types.h"

namespace sim {

using totem::Duration;
using totem::Instant;

class NodeClock {
  public:
    // Runs `ppm` millionths faster than the world.
    explicit NodeClock(std::int32_t ppm) : rate_(kMillion + ppm) {}

    [[nodiscard]] Instant local(Instant world) const {
        return local_anchor_ + Duration{scaled((world - world_anchor_).count(), rate_, kMillion)};
    }
    // The first moment of the world at which local() is not before `when`.
    [[nodiscard]] Instant world(Instant when) const {
        const std::int64_t ahead = (when - local_anchor_).count();
        if (ahead <= 0) {
            return world_anchor_;
        }
        return world_anchor_ + Duration{scaled(ahead, kMillion, rate_) + 1};
    }
    void jump(Instant world, Duration ahead) {
        local_anchor_ = local(world) + ahead;
        world_anchor_ = world;
    }

  private:
    static constexpr std::int64_t kMillion = 1'000'000;

    // value * times / over without overflow for any run of less than a century.
    static constexpr std::int64_t scaled(std::int64_t value, std::int64_t times,
                                         std::int64_t over) {
        return value / over * times + value % over * times / over;
    }

    std::int64_t rate_;
    Instant world_anchor_{};
    Instant local_anchor_{};
};

}  // namespace sim
