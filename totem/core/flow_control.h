// How many frames this node may send at one token visit.
//
// The ring as a whole sends at most `window_size` frames a rotation; a node's share follows its
// part of the backlog that the token sums up. Retransmissions count like new messages.
//
// Source: totem.md 5.3 (paper, section 8). One difference: counts that would go below zero, which
// only a faulty peer causes, stay at zero here instead of wrapping.
#pragma once

#include <cstddef>
#include <cstdint>

#include "totem/core/codec.h"
#include "totem/core/config.h"
#include "totem/core/hash.h"

namespace totem {

class FlowControl {
  public:
    // A new ring: the token of it carries nothing of ours.
    void reset() { *this = {}; }

    // Frames that may be sent at this visit with `backlog` frames waiting.
    [[nodiscard]] std::uint32_t allowance(const RingConfig& config, const OrfToken& token,
                                          std::size_t backlog);
    // Writes this visit's `sent` frames and the backlog of allowance() into the token, and takes
    // those of the previous visit out of it.
    void settle(OrfToken& token, std::uint32_t sent);

    [[nodiscard]] std::uint32_t sent_last() const noexcept { return sent_last_; }
    void hash(Hasher& hasher) const {
        hasher.add(std::uint64_t{sent_last_});
        hasher.add(std::uint64_t{backlog_last_});
    }

  private:
    std::uint32_t sent_last_ = 0;     // my_trc
    std::uint32_t backlog_last_ = 0;  // my_pbl
    std::uint32_t backlog_ = 0;       // my_cbl
};

}  // namespace totem
