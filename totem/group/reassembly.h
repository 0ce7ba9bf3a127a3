// Packed frames of the ring in, whole messages out.
//
// A message that lies whole in a frame is handed on as a slice of that frame; only a fragmented one
// is copied, once, into a frame of its own. Per sender there are two sets of buffers: a message of
// a client that a configuration change cut in two waits in the normal set while messages of the
// synchronisation come together in the transitional one. Whatever arrives, malformed frames
// included, the worst that happens is that messages of that sender are lost.
//
// Source: wire.md 5.1 and 5.3; totem.md 7.4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "totem/core/frame.h"
#include "totem/core/types.h"
#include "totem/group/messages.h"
#include "totem/group/packer.h"
#include "totem/group/state_hash.h"

namespace totem::group {

class Reassembly {
  public:
    explicit Reassembly(FramePool& pool) : pool_(&pool) {}

    // Which set the frames given to accept() from now on belong to; transitional at first.
    void select(Lane set) noexcept { active_ = set; }
    // Drops both sets of nodes that left (totem.md 7.4).
    void forget(std::span<const NodeId> nodes);

    enum class Outcome : std::uint8_t {
        kTaken,
        kOutOfChain,  // continues a message whose beginning is not here; ignored (wire.md 5.3)
        kMalformed,   // no packed frame at all, or a message above the limit
    };
    // Appends the messages that `frame`, the ring's payload, completes; group prefix included.
    Outcome accept(NodeId sender, const FrameRef& frame, std::vector<FrameRef>& messages);

    void hash(StateHash& into) const;

  private:
    // What one sender has begun in one set.
    struct Assembly {
        FrameRef buffer;
        std::size_t used = 0;
        std::uint8_t fragment = 0;  // `fragmented` of its last frame
        bool throw_away = false;

        void reset() noexcept;
    };
    struct Sender {
        NodeId node = kNoNode;
        std::array<Assembly, 2> sets;
    };

    [[nodiscard]] Assembly* find(NodeId node);
    // False: above the limit.
    [[nodiscard]] bool append(Assembly& assembly, std::span<const std::byte> part);
    [[nodiscard]] Outcome take_parts(Assembly& assembly, const PackedHead& head,
                                     const FrameRef& frame, std::vector<FrameRef>& messages);

    FramePool* pool_;
    Lane active_ = Lane::kTransitional;
    std::vector<Sender> senders_;  // ascending by node
};

}  // namespace totem::group
