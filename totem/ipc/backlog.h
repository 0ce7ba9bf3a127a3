// What one client has not read yet, beyond the ring that it shares with libqb: bounded.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "totem/group/service.h"

namespace totem::ipc {

struct BacklogLimits {
    std::size_t bytes_max = 0;
    std::size_t messages_max = 0;
};

// Messages in their order. Counts what a message keeps alive: its own bytes and its place here.
class Backlog {
  public:
    explicit Backlog(const BacklogLimits& limits) : limits_(limits) {}

    [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
    // False: it would go over a limit; the message is untouched.
    [[nodiscard]] bool push(group::ClientMessage&& message) {
        if (messages_.size() >= limits_.messages_max ||
            bytes_ + cost(message) > limits_.bytes_max) {
            return false;
        }
        bytes_ += cost(message);
        messages_.push_back(std::move(message));
        return true;
    }
    [[nodiscard]] group::ClientMessage& front() { return messages_.front(); }
    [[nodiscard]] group::ClientMessage take_front() {
        group::ClientMessage message = std::move(messages_.front());
        messages_.pop_front();
        bytes_ -= cost(message);
        return message;
    }

  private:
    [[nodiscard]] static std::size_t cost(const group::ClientMessage& message) {
        return sizeof(message) + message.body.size();
    }

    BacklogLimits limits_;
    std::deque<group::ClientMessage> messages_;
    std::size_t bytes_ = 0;
};

}  // namespace totem::ipc
