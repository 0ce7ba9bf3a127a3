// The messages of one ring at this node: which are held, which are known to be held by everybody,
// and how far they were delivered.
//
// A node has two of these: of the ring it last installed, and, while it recovers, of the ring that
// is being formed. It knows nothing of states, peers or time.
//
// Source: totem.md 5.2 (steps 5, 12) and 5.8; safe delivery: docs/protocol.md, "Safe delivery".
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "totem/core/codec.h"
#include "totem/core/hash.h"
#include "totem/core/receive_window.h"

namespace totem {

// Invariants: released() <= delivered() <= high_seq(); released() <= stable();
// safe messages are delivered only up to stable().
class Ordering {
  public:
    Ordering();

    // A new ring whose first message is `base` + 1.
    void reset(Seq base);

    [[nodiscard]] ReceiveWindow::Insert insert(Seq seq, ReceiveWindow::Entry entry);
    [[nodiscard]] const ReceiveWindow::Entry* find(Seq seq) const { return window_.find(seq); }

    // The token passes with `received` as its aru and leaves with `sent`. A number that the token
    // carried when it left and still carries when it is back is held by every member: whoever
    // lacked it would have lowered the aru, and only that member raises it again, one rotation
    // later.
    void token_received(Seq received);
    void token_sent(Seq sent) {
        sent_aru_ = sent;
        aru_was_sent_ = true;
    }

    // Counts a token visit for every gap up to `token.seq` and requests those that were seen
    // missing `misses` times; `requested` gets each new request.
    template <typename Requested>
    void request_gaps(OrfToken& token, std::uint32_t misses, Requested requested);

    // The next message in order, when it may be delivered in the regular configuration: held, and
    // when safe, held by everybody.
    [[nodiscard]] const ReceiveWindow::Entry* next_deliverable() const;
    void set_delivered(Seq seq) { delivered_ = seq; }

    // Forgets what everybody holds and this node delivered. True when that was something.
    bool release();
    // The ring is installed: everything up to `seq` was recovery traffic, held by everybody.
    void begin_operation(Seq seq);

    [[nodiscard]] Seq aru() const noexcept { return window_.aru(); }
    [[nodiscard]] Seq high_seq() const noexcept { return window_.high_seq(); }
    [[nodiscard]] Seq released() const noexcept { return window_.released(); }
    [[nodiscard]] Seq delivered() const noexcept { return delivered_; }
    [[nodiscard]] Seq stable() const noexcept { return stable_; }

    void swap(Ordering& other) noexcept;
    void hash(Hasher& hasher) const;

  private:
    [[nodiscard]] std::uint8_t& misses(Seq seq) {
        return misses_[seq.value & (ReceiveWindow::kCapacity - 1)];
    }

    ReceiveWindow window_;
    std::vector<std::uint8_t> misses_;  // token visits, by seq modulo the window's capacity
    Seq delivered_;
    Seq stable_;
    Seq sent_aru_;
    bool aru_was_sent_ = false;
};

template <typename Requested>
void Ordering::request_gaps(OrfToken& token, std::uint32_t misses_max, Requested requested) {
    std::array<Seq, 4 * kRtrEntriesMax> room;
    for (const Seq seq : window_.gaps(token.seq, room)) {
        std::uint8_t& count = misses(seq);
        count = count < UINT8_MAX ? static_cast<std::uint8_t>(count + 1) : count;
        const RtrEntry entry{.ring = token.ring, .seq = seq};
        const auto listed = token.rtr.view();
        // The count stops at its largest value, so a larger constant means that value.
        if (count >= std::min<std::uint32_t>(misses_max, UINT8_MAX) && !token.rtr.full() &&
            std::find(listed.begin(), listed.end(), entry) == listed.end()) {
            token.rtr.push_back(entry);
            requested(seq);
        }
    }
}

}  // namespace totem
