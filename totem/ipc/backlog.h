// What one client has not read yet, beyond the ring that it shares with libqb: bounded.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "totem/core/frame.h"
#include "totem/group/service.h"

namespace totem::ipc {

struct BacklogLimits {
    std::size_t bytes_max = 0;
    std::size_t messages_max = 0;
};

// A message that waits.
struct Kept {
    group::ClientMessage message;
    std::vector<std::byte> copy;  // the body, when it was taken out of its frame

    [[nodiscard]] std::span<const std::byte> body() const {
        return copy.empty() ? message.body.bytes() : std::span(copy);
    }
};

// Messages in their order. Counts what a message keeps alive: its own bytes and its place here.
class Backlog {
  public:
    // A body up to this size is copied and its frame given back: a slow client's short messages
    // would else keep a frame of 2 KiB each, far beyond what is counted.
    static constexpr std::size_t kCopiedMax = 1024;

    explicit Backlog(const BacklogLimits& limits) : limits_(limits) {}

    [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
    // False: it would go over a limit; the message is untouched. True: it is kept, and `free` is
    // its frame if nobody needs that any more.
    [[nodiscard]] bool push(group::ClientMessage&& message, FrameRef& free) {
        const std::size_t cost = sizeof(Kept) + message.body.size();
        if (messages_.size() >= limits_.messages_max || bytes_ + cost > limits_.bytes_max) {
            return false;
        }
        bytes_ += cost;
        Kept& kept = messages_.emplace_back(Kept{std::move(message), {}});
        const auto body = kept.message.body.bytes();
        if (body.size() <= kCopiedMax) {
            kept.copy.assign(body.begin(), body.end());
            free = std::move(kept.message.body);
        }
        return true;
    }
    [[nodiscard]] Kept& front() { return messages_.front(); }
    // Removes the first; what it returns is its frame, or nothing.
    [[nodiscard]] FrameRef pop() {
        FrameRef frame = std::move(messages_.front().message.body);
        bytes_ -= sizeof(Kept) + (frame.empty() ? messages_.front().copy.size() : frame.size());
        messages_.pop_front();
        return frame;
    }

  private:
    BacklogLimits limits_;
    std::deque<Kept> messages_;
    std::size_t bytes_ = 0;
};

}  // namespace totem::ipc
