#include "totem/group/send_lane.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "totem/core/byte_io.h"
#include "totem/core/check.h"
#include "totem/core/codec.h"
#include "totem/group/messages.h"

namespace totem::group {
namespace {

constexpr std::size_t kFrameDataMin = 64;
constexpr std::size_t kFrameDataMax = 65'535;  // so that the length of any part fits 16 bits
constexpr std::uint8_t kFragmentMax = 255;

// What one frame carries of one message, when it carries nothing else.
constexpr std::size_t whole_max(std::size_t frame_data_max) {
    return frame_data_max - kPackedHeadBytes - kPackedLengthBytes;
}

// Parts that one frame may hold. A real message has 21 bytes at least, so that this never binds.
constexpr std::size_t parts_max(std::size_t frame_data_max) { return frame_data_max / 16; }

// 1 to 255, then 1 again: 0 means "not fragmented".
constexpr std::uint8_t after(std::uint8_t fragment) {
    return fragment == kFragmentMax ? std::uint8_t{1} : static_cast<std::uint8_t>(fragment + 1);
}

// Walks over the pieces of a message as if they were one run of bytes.
class PieceCursor {
  public:
    explicit PieceCursor(const Pieces& pieces) : current_(pieces.head), rest_(pieces.parts) {}

    // The next bytes that lie together, `most` of them at most; not empty before the end.
    [[nodiscard]] std::span<const std::byte> next(std::size_t most) {
        while (current_.empty() && !rest_.empty()) {
            current_ = rest_.front();
            rest_ = rest_.subspan(1);
        }
        const auto run = current_.first(std::min(most, current_.size()));
        current_ = current_.subspan(run.size());
        return run;
    }

  private:
    std::span<const std::byte> current_;
    std::span<const std::span<const std::byte>> rest_;
};

}  // namespace

std::size_t Pieces::bytes() const noexcept {
    std::size_t total = head.size();
    for (const auto part : parts) {
        total += part.size();
    }
    return total;
}

SendLane::SendLane(FramePool& pool, std::size_t frame_data_max) : pool_(&pool) {
    set_frame_data_max(frame_data_max);
}

void SendLane::set_frame_data_max(std::size_t bytes) {
    frame_data_max_ = std::clamp(bytes, kFrameDataMin, kFrameDataMax);
}

std::size_t SendLane::frames_for(std::size_t bytes) const noexcept {
    const std::size_t per_frame = whole_max(frame_data_max_);
    return std::max<std::size_t>(1, (bytes + per_frame - 1) / per_frame);
}

std::size_t SendLane::frames() const noexcept {
    return ready_.size() - ready_head_ + (open_.empty() ? 0U : 1U);
}

void SendLane::push(Guarantee guarantee, const Pieces& message) {
    const std::size_t bytes = message.bytes();
    TOTEM_CHECK(bytes > 0 && bytes <= kMessageBytesMax);
    pushed_bytes_ += bytes;
    if (bytes <= whole_max(frame_data_max_)) {
        push_whole(guarantee, message);
    } else {
        push_fragmented(guarantee, message);
    }
}

MessageSource::Outgoing SendLane::take() {
    Ready ready = next();
    ++taken_;
    if (ready.fragmented != 0) {
        chain_.push_back(ready);
    } else {
        chain_.clear();
    }
    return {std::move(ready.frame), ready.guarantee};
}

SendLane::Ready SendLane::next() {
    if (ready_head_ == ready_.size()) {
        TOTEM_CHECK(!open_.empty());
        return close_frame(0, 0);
    }
    Ready ready = std::move(ready_[ready_head_]);
    ++ready_head_;
    if (ready_head_ == ready_.size()) {
        ready_.clear();
        ready_head_ = 0;
    }
    return ready;
}

void SendLane::clear(const Pieces& filler) {
    ready_.clear();
    ready_head_ = 0;
    open_ = {};
    open_lengths_.clear();
    // The chain stays open until the ring has taken the filler, which the next clear() may
    // overtake.
    if (!chain_.empty()) {
        push(Guarantee::kAgreed, filler);
        queue(close_frame(0, 0));
    }
}

void SendLane::send_again(const Pieces& filler) {
    if (chain_.empty()) {
        return;
    }
    // The frames that were taken belong to the ring, which writes its header into them: copies go.
    std::vector<Ready> again;
    again.reserve(chain_.size() + 1 + ready_.size() - ready_head_);
    SendLane breaker(*pool_, frame_data_max_);
    breaker.push_whole(chain_.front().guarantee, filler);
    again.push_back(breaker.close_frame(0, 0));
    for (const Ready& sent : chain_) {
        again.push_back({pool_->copy(sent.frame.bytes()), sent.guarantee, sent.fragmented});
    }
    std::move(ready_.begin() + static_cast<std::ptrdiff_t>(ready_head_), ready_.end(),
              std::back_inserter(again));
    ready_ = std::move(again);
    ready_head_ = 0;
    chain_.clear();
}

void SendLane::hash(StateHash& into) const {
    into.add(std::uint64_t{frames()}).add(pushed_bytes_).add(taken_);
    into.add(std::uint64_t{chain_.size()}).add(std::uint64_t{open_end_});
}

bool SendLane::fits_open_frame(Guarantee guarantee, std::size_t bytes) const noexcept {
    const std::size_t table = kPackedLengthBytes * (open_lengths_.size() + 1);
    return guarantee == open_guarantee_ && open_lengths_.size() < parts_max(open_data_max_) &&
           kPackedHeadBytes + table + (open_end_ - open_start_) + bytes <= open_data_max_;
}

void SendLane::open_frame(Guarantee guarantee) {
    open_data_max_ = frame_data_max_;
    open_start_ =
        kDataHeaderBytes + kPackedHeadBytes + kPackedLengthBytes * parts_max(frame_data_max_);
    open_end_ = open_start_;
    open_ = pool_->allocate(open_start_ + whole_max(frame_data_max_));
    open_guarantee_ = guarantee;
    open_lengths_.clear();
}

void SendLane::append(std::span<const std::byte> bytes) {
    if (!bytes.empty()) {
        std::memcpy(open_.writable().subspan(open_end_, bytes.size()).data(), bytes.data(),
                    bytes.size());
        open_end_ += bytes.size();
    }
}

void SendLane::finish_part(std::size_t bytes) {
    open_lengths_.push_back(static_cast<std::uint16_t>(bytes));
}

SendLane::Ready SendLane::close_frame(std::uint8_t fragmented, std::uint8_t continuation) {
    const std::size_t table = kPackedLengthBytes * open_lengths_.size();
    const std::size_t head_start = open_start_ - table - kPackedHeadBytes;
    auto head = open_.writable().subspan(head_start, kPackedHeadBytes + table);
    encode_packed_head({fragmented, continuation, static_cast<std::uint16_t>(open_lengths_.size())},
                       head);
    ByteWriter lengths(head.subspan(kPackedHeadBytes));
    for (const std::uint16_t length : open_lengths_) {
        lengths.u16(length);
    }
    const std::size_t start = head_start - kDataHeaderBytes;
    Ready ready{open_.slice(start, open_end_ - start), open_guarantee_, fragmented};
    open_ = {};
    open_lengths_.clear();
    return ready;
}

void SendLane::push_whole(Guarantee guarantee, const Pieces& message) {
    const std::size_t bytes = message.bytes();
    if (!open_.empty() && !fits_open_frame(guarantee, bytes)) {
        queue(close_frame(0, 0));
    }
    if (open_.empty()) {
        open_frame(guarantee);
    }
    append(message.head);
    for (const auto part : message.parts) {
        append(part);
    }
    finish_part(bytes);
}

void SendLane::push_fragmented(Guarantee guarantee, const Pieces& message) {
    if (!open_.empty()) {
        queue(close_frame(0, 0));
    }
    PieceCursor cursor(message);
    std::uint8_t continuation = 0;
    for (std::size_t left = message.bytes(); left > 0;) {
        const std::size_t part = std::min(left, whole_max(frame_data_max_));
        open_frame(guarantee);
        for (std::size_t copied = 0; copied < part;) {
            const auto run = cursor.next(part - copied);
            append(run);
            copied += run.size();
        }
        finish_part(part);
        left -= part;
        const std::uint8_t fragmented = left == 0 ? std::uint8_t{0} : after(continuation);
        queue(close_frame(fragmented, continuation));
        continuation = fragmented;
    }
}

void SendLane::queue(Ready ready) {
    // The taken front is cut off once it is the larger part: a constant cost per frame.
    if (ready_head_ > ready_.size() - ready_head_ && ready_.size() == ready_.capacity()) {
        ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_head_));
        ready_head_ = 0;
    }
    ready_.push_back(std::move(ready));
}

}  // namespace totem::group
