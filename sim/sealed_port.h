// The seal of a simulated node: totem/net/packet_seal with its randomness drawn from the seed.
//
// The one place where the simulator uses a room that is not a core: the seal needs libsodium, but
// no socket and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sim/options.h"
#include "totem/core/frame.h"
#include "totem/core/types.h"

namespace sim {

class SealedPort {
  public:
    struct Process {
        std::uint32_t node = 0;  // index
        std::uint32_t life = 0;
    };
    SealedPort(const Options& options, Process self, totem::FramePool& pool);
    ~SealedPort();
    SealedPort(const SealedPort&) = delete;
    SealedPort& operator=(const SealedPort&) = delete;
    SealedPort(SealedPort&&) = delete;
    SealedPort& operator=(SealedPort&&) = delete;

    [[nodiscard]] totem::FrameRef seal(totem::NodeId to, std::span<const std::byte> head,
                                       std::span<const std::byte> body);

    struct Opened {
        bool accepted = false;
        totem::FrameRef frame;  // plain, when accepted
        totem::FrameRef reply;  // to `sender`, unless empty
        totem::NodeId sender{};
        std::uint64_t name = 0;  // of the sealed frame: its sender's session and counter
    };
    [[nodiscard]] Opened open(totem::Instant now, totem::FrameRef frame);

    // Bytes that sealing adds to a frame.
    [[nodiscard]] static std::size_t overhead();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace sim
