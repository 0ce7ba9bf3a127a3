// Ground truth about messages: who originated what, and which nodes have had it in their hands.
//
// No node knows this; only the world does. Checkers ask it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sim/record.h"

namespace sim {

class Ledger {
  public:
    struct Entry {
        bool known = false;     // somebody originated it
        bool recovery = false;  // carries a message of an older ring
        bool bytes_known = false;
        Guarantee guarantee{};
        std::uint32_t node = 0;
        std::uint32_t life = 0;
        std::uint32_t size = 0;
        std::uint64_t hash = 0;
        NodeMask holders = 0;
    };
    struct Ring {
        NodeMask members = 0;    // 0 until somebody installed it
        NodeMask installed = 0;  // who did
        Seq base;                // the number before the first
        std::vector<Entry> entries;
    };

    explicit Ledger(Seq first) : first_(first) {}

    void on(const Originated& event);
    void on(const Held& event);
    void on(const Configured& event);

    // nullptr when nothing is known of it.
    [[nodiscard]] const Ring* find(const RingId& ring) const;
    [[nodiscard]] const Entry* find(const RingId& id, Seq seq) const;

  private:
    Ring& ring(const RingId& id);
    Entry* entry(const RingId& id, Seq seq);

    Seq first_;
    std::map<RingId, Ring> rings_;
    // The ring asked for last; nearly always the next one too.
    RingId cached_id_;
    Ring* cached_ = nullptr;
};

}  // namespace sim
