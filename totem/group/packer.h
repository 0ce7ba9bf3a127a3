// Where the ring takes its frames from: the two send queues of a node and which of them is active.
//
// Clients' messages wait in the normal lane, and what services say to each other during a
// synchronisation goes through the transitional one. Only the active lane is sent and counted, so
// that nothing of a client gets between a new configuration and the end of its synchronisation
// (properties.md E3b). The two lanes share nothing else.
//
// Source: totem.md 7.2 and 7.3; wire.md 5.1 and 5.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "totem/core/effects.h"
#include "totem/core/frame.h"
#include "totem/group/send_lane.h"
#include "totem/group/stack.h"

namespace totem::group {

enum class Lane : std::uint8_t { kNormal, kTransitional };

class Packer final : public MessageSource {
  public:
    // `pool` must outlive the packer and the frames that it hands out. The transitional lane is
    // active at first (totem.md 7.3).
    Packer(FramePool& pool, std::size_t frame_data_max);

    // For messages pushed from now on.
    void set_frame_data_max(std::size_t bytes);

    // True when a message of `bytes`, its group prefix included, would be accepted now.
    [[nodiscard]] bool has_room(Lane which, std::size_t bytes) const noexcept;
    // Queues one message, which may never be empty. False: no room, or longer than any message may
    // be; nothing was queued.
    [[nodiscard]] bool push(Lane which, Guarantee guarantee, const Pieces& message);
    // Like push() into the transitional lane, with the room that is kept for the synchronisation
    // itself: it cannot fail (checked).
    void push_reserved(const Pieces& message);

    // A new configuration: the transitional lane is active from now on, without what is left in it
    // of a synchronisation that the configuration overtook.
    void begin_transition();
    // The synchronisation is complete: back to the normal lane. `send_again`: members joined that
    // missed the beginning of a message that this node is in the middle of.
    void end_transition(bool send_again);
    [[nodiscard]] Lane active() const noexcept { return active_; }

    [[nodiscard]] std::size_t backlog() const override;
    [[nodiscard]] Outgoing take() override;

    // Of the normal lane, with the hysteresis of totem.md 7.2.
    [[nodiscard]] SendLevel level() const noexcept { return level_; }
    // Frames that have been taken from the normal lane so far; grows when room was made.
    [[nodiscard]] std::uint64_t normal_taken() const noexcept { return normal_taken_; }

    void hash(StateHash& into) const;

  private:
    [[nodiscard]] SendLane& lane(Lane which) noexcept;
    [[nodiscard]] const SendLane& lane(Lane which) const noexcept;
    void update_level() noexcept;

    std::array<SendLane, 2> lanes_;
    Lane active_ = Lane::kTransitional;
    std::size_t frames_max_ = 0;  // of each lane
    SendLevel level_ = SendLevel::kLow;
    std::uint64_t normal_taken_ = 0;
};

}  // namespace totem::group
