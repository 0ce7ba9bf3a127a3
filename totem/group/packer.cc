#include "totem/group/packer.h"

#include <algorithm>
#include <array>

#include "totem/core/check.h"
#include "totem/group/capabilities.h"
#include "totem/group/messages.h"

namespace totem::group {
namespace {

constexpr std::size_t kLaneBytes = std::size_t{4} * 1024 * 1024;  // totem.md 1
// Frames of the transitional lane that only the synchronisation itself may use: its few messages
// of one synchronisation are far below it.
constexpr std::size_t kReservedFrames = 16;

// The message that ends a broken chain of fragments: one that no service listens to.
struct Filler {
    std::array<std::byte, kServicesHeadBytes> bytes =
        encode_services_head({kCapabilitiesService, kCapabilitiesFiller, kServiceHeaderBytes});

    [[nodiscard]] Pieces pieces() const noexcept { return {bytes, {}}; }
};

}  // namespace

Packer::Packer(FramePool& pool, std::size_t frame_data_max)
    : lanes_{SendLane(pool, frame_data_max), SendLane(pool, frame_data_max)} {
    set_frame_data_max(frame_data_max);
}

void Packer::set_frame_data_max(std::size_t bytes) {
    for (SendLane& each : lanes_) {
        each.set_frame_data_max(bytes);
    }
    // Enough for the largest message whatever the size of frames.
    const std::size_t largest = lanes_.front().frames_for(kMessageBytesMax);
    frames_max_ = std::max(lanes_.front().frames_for(kLaneBytes), largest) + kReservedFrames;
}

bool Packer::has_room(Lane which, std::size_t bytes) const noexcept {
    const SendLane& queue = lane(which);
    return bytes <= kMessageBytesMax &&
           queue.frames() + queue.frames_for(bytes) + kReservedFrames <= frames_max_;
}

bool Packer::push(Lane which, Guarantee guarantee, const Pieces& message) {
    if (!has_room(which, message.bytes())) {
        return false;
    }
    lane(which).push(guarantee, message);
    update_level();
    return true;
}

void Packer::push_reserved(const Pieces& message) {
    SendLane& queue = lane(Lane::kTransitional);
    TOTEM_CHECK(queue.frames() + queue.frames_for(message.bytes()) <= frames_max_);
    queue.push(Guarantee::kAgreed, message);
}

void Packer::begin_transition() {
    active_ = Lane::kTransitional;
    lane(Lane::kTransitional).clear(Filler{}.pieces());
}

void Packer::end_transition(bool send_again) {
    active_ = Lane::kNormal;
    if (send_again) {
        lane(Lane::kNormal).send_again(Filler{}.pieces());
    }
    update_level();
}

std::size_t Packer::backlog() const { return lane(active_).frames(); }

MessageSource::Outgoing Packer::take() {
    Outgoing next = lane(active_).take();
    if (active_ == Lane::kNormal) {
        ++normal_taken_;
        update_level();
    }
    return next;
}

void Packer::hash(StateHash& into) const {
    into.add(std::uint64_t{static_cast<std::uint8_t>(active_)});
    for (const SendLane& each : lanes_) {
        each.hash(into);
    }
}

SendLane& Packer::lane(Lane which) noexcept {
    return which == Lane::kNormal ? lanes_.front() : lanes_.back();
}

const SendLane& Packer::lane(Lane which) const noexcept {
    return which == Lane::kNormal ? lanes_.front() : lanes_.back();
}

// Between two bands the level stays what it was.
void Packer::update_level() noexcept {
    const std::size_t percent = lane(Lane::kNormal).frames() * 100 / frames_max_;
    if (percent >= 75) {
        level_ = SendLevel::kCritical;
    } else if (percent > 60 && percent < 70) {
        level_ = SendLevel::kHigh;
    } else if (percent > 40 && percent < 50) {
        level_ = SendLevel::kGood;
    } else if (percent < 30) {
        level_ = SendLevel::kLow;
    }
}

}  // namespace totem::group
