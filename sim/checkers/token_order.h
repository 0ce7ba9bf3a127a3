// R1 and R3: each token is acted on by one process, and the sequence number on it never goes back
// (properties.md section 3).
#pragma once

#include <map>
#include <vector>

#include "sim/checker.h"

namespace sim {

class TokenOrder : public Checker {
  public:
    explicit TokenOrder(Findings& findings) : Checker("token-order", findings) {}

    using Checker::on;
    void on(const TokenTaken& event) override {
        Ring& ring = rings_[event.ring];
        if (event.token_seq >= ring.actors.size()) {
            ring.actors.resize(std::size_t{event.token_seq} + 1);
        }
        std::uint8_t& actor = ring.actors[event.token_seq];
        if (actor != 0) {
            violate(event.where, "R1",
                    "token " + std::to_string(event.token_seq) + " of ring " + text(event.ring) +
                        " taken again; first by node " + std::to_string(actor));
            return;
        }
        actor = static_cast<std::uint8_t>(event.where.node + 1);
        if (ring.taken && event.token_seq > ring.last_token_seq && event.seq < ring.last_seq) {
            violate(event.where, "R3",
                    "number on the token went back from " + text(ring.last_seq) + " to " +
                        text(event.seq));
        }
        if (!ring.taken || event.token_seq > ring.last_token_seq) {
            ring.last_token_seq = event.token_seq;
            ring.last_seq = event.seq;
        }
        ring.taken = true;
    }

  private:
    struct Ring {
        bool taken = false;
        std::uint32_t last_token_seq = 0;
        Seq last_seq;
        std::vector<std::uint8_t> actors;  // by token_seq: node index + 1
    };
    std::map<RingId, Ring> rings_;
};

}  // namespace sim
