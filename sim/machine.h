// What a simulated node runs: the ring alone, or the whole of totemd's cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sim/options.h"
#include "totem/core/node.h"
#include "totem/group/stack.h"

namespace sim {

class Machine {
  public:
    Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    Machine(Machine&&) = delete;
    Machine& operator=(Machine&&) = delete;
    virtual ~Machine() = default;

    virtual void step(totem::Instant now, const totem::group::StackInput& input,
                      totem::group::StackEffects& out) = 0;
    [[nodiscard]] virtual const totem::Node& node() const = 0;
    [[nodiscard]] virtual std::uint64_t state_hash() const = 0;
};

// The ring with a plain queue above it: messages are whatever submit() is given.
class RingMachine : public Machine {
  public:
    // True when the ring must be stepped with Submitted.
    virtual bool submit(std::span<const std::byte> payload, totem::Guarantee guarantee) = 0;
};

[[nodiscard]] std::unique_ptr<RingMachine> make_ring_machine(const totem::RingConfig& config,
                                                             totem::FramePool& pool,
                                                             totem::TraceMask mask);

}  // namespace sim
