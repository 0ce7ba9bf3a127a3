// What a daemon remembers of its ring numbers from life to life within one boot of the machine, as
// totem/daemon/ring_number_memo.h does: a restart of the process keeps it, a power cut does not.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace sim {

class RingNumberMemo {
  public:
    // What the last life of this boot used, when the ring id file holds what that life put there.
    [[nodiscard]] std::optional<std::uint64_t> used(std::uint64_t stored) const {
        const bool ours = stored == asked_ || stored == durable_;
        return used_ != 0 && ours ? std::optional(used_) : std::nullopt;
    }

    // Before a frame with this number leaves.
    void use(std::uint64_t number) { used_ = std::max(used_, number); }
    // Before the ring id file is given this bound, and when it is durable.
    void bound_asked(std::uint64_t bound) { asked_ = bound; }
    void bound_durable(std::uint64_t bound) { durable_ = bound; }

  private:
    std::uint64_t used_ = 0;
    std::uint64_t asked_ = 0;
    std::uint64_t durable_ = 0;
};

}  // namespace sim
