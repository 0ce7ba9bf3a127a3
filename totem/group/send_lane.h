// One of the two send queues: messages of services in, packed frames for the ring out.
//
// Bytes are copied once, from the caller into the frame that will be sent. A frame is built back to
// front: its parts are written behind room for the longest table of lengths, and the table that
// came out is put directly before them when the frame is closed, with room for the ring's own
// header before that. A message that does not fit one frame starts and ends in frames of its own,
// so that nothing is lost with it at a receiver that missed its beginning (totem.md 9, 10), and so
// that it can be sent again as a whole (send_again).
//
// Source: wire.md 5.1 and 5.2; totem.md 7.1 to 7.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "totem/core/effects.h"
#include "totem/core/frame.h"
#include "totem/group/state_hash.h"

namespace totem::group {

// A message as it is handed in: `head`, then `parts`.
struct Pieces {
    std::span<const std::byte> head;
    std::span<const std::span<const std::byte>> parts;

    [[nodiscard]] std::size_t bytes() const noexcept;
};

class SendLane {
  public:
    // `frame_data_max` as RingConfig says; kept within what a length of 16 bits can name.
    SendLane(FramePool& pool, std::size_t frame_data_max);

    // For frames begun from now on.
    void set_frame_data_max(std::size_t bytes);

    // How many frames a message of `bytes` needs at most.
    [[nodiscard]] std::size_t frames_for(std::size_t bytes) const noexcept;
    // Frames waiting, a partly filled one included.
    [[nodiscard]] std::size_t frames() const noexcept;
    // Appends a message of 1 to kMessageBytesMax bytes (checked); never refuses.
    void push(Guarantee guarantee, const Pieces& message);
    // The next frame; there must be one (checked).
    [[nodiscard]] MessageSource::Outgoing take();

    // Forgets everything that was not taken. When the ring has taken a message in part, `filler`
    // (a whole message that means nothing) is queued so that it ends the chain at every receiver.
    void clear(const Pieces& filler);
    // When the ring has taken a message in part: ends that chain with `filler` and sends the
    // message from its beginning, so that members that joined in the middle receive it too. Those
    // that held the first fragments forget them with the filler (wire.md 5.3) and deliver it once.
    void send_again(const Pieces& filler);

    void hash(StateHash& into) const;

  private:
    struct Ready {
        FrameRef frame;
        Guarantee guarantee = Guarantee::kAgreed;
        std::uint8_t fragmented = 0;
    };

    [[nodiscard]] bool fits_open_frame(Guarantee guarantee, std::size_t bytes) const noexcept;
    void open_frame(Guarantee guarantee);
    void append(std::span<const std::byte> bytes);
    void finish_part(std::size_t bytes);
    [[nodiscard]] Ready close_frame(std::uint8_t fragmented, std::uint8_t continuation);
    void push_whole(Guarantee guarantee, const Pieces& message);
    void push_fragmented(Guarantee guarantee, const Pieces& message);
    void queue(Ready ready);
    [[nodiscard]] Ready next();

    FramePool* pool_;
    std::size_t frame_data_max_ = 0;
    // Closed frames; those before ready_head_ are taken.
    std::vector<Ready> ready_;
    std::size_t ready_head_ = 0;
    // The frame being filled, empty when there is none; its parts start at `open_start_`.
    FrameRef open_;
    Guarantee open_guarantee_ = Guarantee::kAgreed;
    std::size_t open_data_max_ = 0;  // frame_data_max_ when it was opened
    std::size_t open_start_ = 0;
    std::size_t open_end_ = 0;
    std::vector<std::uint16_t> open_lengths_;
    // Frames of the fragmented message that the ring has taken in part, until it takes one that
    // ends the chain; empty when there is none.
    std::vector<Ready> chain_;
    std::uint64_t pushed_bytes_ = 0;
    std::uint64_t taken_ = 0;
};

}  // namespace totem::group
