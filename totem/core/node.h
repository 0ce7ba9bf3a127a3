// One processor of the ring: the whole protocol behind one function.
//
// Give it inputs with the time, perform the effects it hands back, and wake it at its one deadline.
// It does nothing on its own: no clock, no socket, no file, no log, no thread, no exception.
//
// Source: Amir et al. 1995; behaviour towards deployed peers as totem.md; deviations in
// docs/protocol.md.
#pragma once

#include <memory>

#include "totem/core/effects.h"
#include "totem/core/invariants.h"

namespace totem {

// Counters and present values for statistics and diagnosis; all since start.
struct NodeStats;

class Node {
  public:
    // `pool` and `source` must outlive the node. `mask` says which traces are built.
    Node(const RingConfig& config, FramePool& pool, MessageSource& source, TraceMask mask = 0);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    Node(Node&&) = delete;
    Node& operator=(Node&&) = delete;

    // Appends to `out`, which the caller has cleared. `now` never goes back.
    void step(Instant now, const Input& input, Effects& out);

    [[nodiscard]] State state() const noexcept;
    [[nodiscard]] RingId ring() const noexcept;
    // The highest number of a ring that this node began to form; it may be above ring().seq.
    [[nodiscard]] std::uint64_t ring_number_used() const noexcept;
    [[nodiscard]] const NodeStats& stats() const noexcept;
    // Hash of everything that decides future behaviour, counters for statistics excluded: equal
    // before and after a frame means that the frame had no effect (checkers M9, M15, C1).
    [[nodiscard]] std::uint64_t state_hash() const;
    // Inner values for the invariants (invariants.h) and for diagnosis.
    [[nodiscard]] Snapshot snapshot() const;

  private:
    struct Protocol;
    std::unique_ptr<Protocol> protocol_;
};

}  // namespace totem
