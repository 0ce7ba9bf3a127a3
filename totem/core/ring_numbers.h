// The ring numbers that this node has used, heard of, and made durable.
//
// A ring number must never be used twice by a representative, not even over a crash (properties.md
// M1, M2). The file therefore holds an upper bound that is raised ahead of need, so that a commit
// normally waits for nothing, and a new life starts one above what it finds there. Decided in
// docs/protocol.md, "Ring numbers".
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "totem/core/hash.h"
#include "totem/core/mutant.h"

namespace totem {

class RingNumbers {
  public:
    // Numbers above this come from damaged or hostile frames; no cluster lives to reach it.
    static constexpr std::uint64_t kLargest = std::uint64_t{1} << 62U;
    // The same for the file: low enough that a node with a damaged one still forms rings.
    static constexpr std::uint64_t kLargestStored = kLargest / 2;
    // One frame cannot move the highest known number further: what lies beyond is damaged or
    // forged, and believing it once would leave no room for the rings to come. Far above what a
    // node without its file starts with (milliseconds of the wall clock).
    static constexpr std::uint64_t kJumpMax = std::uint64_t{1} << 48U;
    // How far ahead of the highest known number the durable bound is put.
    static constexpr std::uint64_t kReserve = 1024;
    // A new ring's number is this much above the highest known one (totem.md 4.3).
    static constexpr std::uint64_t kStep = 4;

    void start(std::uint64_t stored) {
        durable_ = std::min(stored, kLargestStored);
        requested_ = durable_;
        own_ = TOTEM_MUTANT(ring_number_reused) ? 1 : durable_ + 1;
        highest_ = own_;
    }
    // A number that a frame may name.
    [[nodiscard]] bool plausible(std::uint64_t seq) const noexcept {
        return seq <= kLargest && (seq <= highest_ || seq - highest_ <= kJumpMax);
    }
    // A join told of `seq`.
    void hear(std::uint64_t seq) { highest_ = std::max(highest_, seq); }
    // This node enters the forming of ring number `seq`.
    void enter(std::uint64_t seq) {
        own_ = seq;
        hear(seq);
    }
    void persisted(std::uint64_t bound) { durable_ = std::max(durable_, bound); }

    // The bound to store now, when the reserve is half used.
    [[nodiscard]] std::optional<std::uint64_t> bound_wanted() {
        if (highest_ + kReserve / 2 <= requested_) {
            return std::nullopt;
        }
        requested_ = highest_ + kReserve;
        return requested_;
    }

    [[nodiscard]] std::uint64_t own() const noexcept { return own_; }
    [[nodiscard]] std::uint64_t next() const noexcept { return highest_ + kStep; }
    [[nodiscard]] bool durable(std::uint64_t seq) const noexcept { return seq <= durable_; }
    [[nodiscard]] std::uint64_t durable_bound() const noexcept { return durable_; }

    void hash(Hasher& hasher) const {
        hasher.add(own_);
        hasher.add(highest_);
        hasher.add(durable_);
        hasher.add(requested_);
    }

  private:
    std::uint64_t own_ = 0;
    std::uint64_t highest_ = 0;
    std::uint64_t durable_ = 0;
    std::uint64_t requested_ = 0;
};

}  // namespace totem
