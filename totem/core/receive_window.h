// The messages of one ring that this node holds, and the gaps between them.
//
// The token handler asks it two things: how far have I everything (aru, "all received up to"), and
// what must I ask to be sent again. It knows nothing of tokens, time, peers or delivery policy.
//
// Source: Amir et al. 1995, section 5 (my_aru; receipt of a broadcast message). One difference: the
// paper sets its buffer no bound; this one refuses what lies more than `capacity` past released(),
// which a correct sender never reaches because flow control (section 8) stops it first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "totem/core/frame.h"
#include "totem/core/types.h"

namespace totem {

// Invariants, checked after every step in tests and simulation (invariants.cc):
//   released() <= aru() <= high_seq() <= released() + capacity, in Seq's wrapping order
//   every message in (released(), aru()] is held; the one at aru() + 1 is not
class ReceiveWindow {
  public:
    // One held message: the whole frame, its 45-byte header included, and the fields of the header
    // that later steps need. An entry without frame is a gap.
    struct Entry {
        FrameRef frame;
        NodeId from = kNoNode;
        Guarantee guarantee = Guarantee::kAgreed;
        bool encapsulated = false;
    };

    // Sequence numbers kept per ring (totem.md section 1).
    static constexpr std::size_t kCapacity = 16384;

    // Expects `base` + 1 first. `capacity` counts messages, not bytes, and is a power of two, so
    // that slots keep their order when Seq wraps.
    explicit ReceiveWindow(Seq base = {}, std::size_t capacity = kCapacity);

    // Forgets everything and expects `base` + 1 first. Keeps its memory.
    void reset(Seq base);

    // What became of an offered message.
    enum class Insert : std::uint8_t { kStored, kDuplicate, kBeyondWindow };
    [[nodiscard]] Insert insert(Seq seq, Entry entry);

    // The message `seq`, or nullptr when it is not held (any more).
    [[nodiscard]] const Entry* find(Seq seq) const;

    // Forgets messages up to and including `upto`. Checks upto <= aru(): to forget what never came
    // is a bug in the caller, not a condition of the network.
    void release(Seq upto);

    // Writes the missing numbers in (aru(), upto], lowest first; returns the part of `out` it
    // filled. A full `out` is not an error: the rest is asked for on the next token.
    [[nodiscard]] std::span<Seq> gaps(Seq upto, std::span<Seq> out) const;

    [[nodiscard]] Seq released() const noexcept { return released_; }
    [[nodiscard]] Seq aru() const noexcept { return aru_; }
    [[nodiscard]] Seq high_seq() const noexcept { return high_seq_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

    void swap(ReceiveWindow& other) noexcept;

  private:
    [[nodiscard]] std::size_t index(Seq seq) const noexcept {
        return seq.value & (slots_.size() - 1);
    }

    std::vector<Entry> slots_;  // ring buffer, index = seq mod size
    Seq released_;
    Seq aru_;
    Seq high_seq_;
};

}  // namespace totem
