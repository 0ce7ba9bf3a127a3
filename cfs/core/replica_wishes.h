// What callers of this node want done and have not been answered: in the order in which they asked,
// which is the order in which it is sent, in every epoch anew until it is answered.
//
// Source: docs/replication.md, "Not writable, and why".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "cfs/core/operation.h"
#include "cfs/core/tree.h"
#include "cfs/core/types.h"
#include "totem/core/types.h"

namespace cfs {

struct Wish {
    std::optional<std::uint64_t> ticket;  // absent: this replica's own, nobody waits for it
    OperationId id;
    std::vector<std::byte> operation;
    totem::Instant since;               // when it was asked for
    bool sent = false;                  // ever: from then on it may happen
    std::optional<totem::Instant> out;  // when it was sent in this epoch
    std::uint64_t turn = 0;             // of this epoch; 0: not delivered in it
    std::optional<Outcome> outcome;     // applied in this epoch
    bool forgotten = false;             // too old to tell what became of it
};

class Wishes {
  public:
    [[nodiscard]] bool empty() const noexcept { return wishes_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return wishes_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    void add(Wish wish);
    // By the number of its operation; null when it was answered.
    [[nodiscard]] Wish* find(std::uint64_t number);
    [[nodiscard]] std::deque<Wish>& all() noexcept { return wishes_; }

    // Another epoch: all is to be sent again.
    void begin_epoch();

    // Takes out those that `gone(wish)` is true for, calling `taken(wish)` in order.
    template <typename Gone, typename Taken>
    void take_if(const Gone& gone, const Taken& taken) {
        if (std::ranges::none_of(wishes_, gone)) {
            return;
        }
        std::deque<Wish> kept;
        for (Wish& wish : wishes_) {
            if (gone(wish)) {
                bytes_ -= wish.operation.size();
                taken(wish);
            } else {
                kept.push_back(std::move(wish));
            }
        }
        wishes_ = std::move(kept);
    }

  private:
    std::deque<Wish> wishes_;  // ascending by number
    std::size_t bytes_ = 0;
};

}  // namespace cfs
