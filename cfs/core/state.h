// Everything that replicas agree on: the tree, its limits, the history, parts of large writes.
//
// It is a function of the operations applied, in their order: no clock, no chance, nothing of the
// machine. Two replicas at the same position have equal digests, or one of them is broken.
//
// The seam to the replication above it, and to the store below it, is in docs/files.md: operations
// go in by apply(); what must become durable comes out by take_batch() (store.h); another replica's
// state comes in by adopt(), whole or as a difference.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cfs/core/digest.h"
#include "cfs/core/history.h"
#include "cfs/core/image.h"
#include "cfs/core/operation.h"
#include "cfs/core/parts.h"
#include "cfs/core/store.h"
#include "cfs/core/tree.h"
#include "totem/core/result.h"

namespace cfs {

struct Applied {
    Outcome outcome;
    Position position;  // where it had its turn: for a retry, where it had it first
    enum class Turn : std::uint8_t {
        kFirst,
        kRepeated,   // had its turn before; outcome and position are those of then
        kForgotten,  // too old to tell; kStale, and it has no position
    };
    Turn turn = Turn::kFirst;
};

enum class ImageProblem : std::uint8_t { kTree, kHistory, kParts, kDigest };
struct ImageError {
    ImageProblem problem{};
    TreeProblem tree = TreeProblem::kNone;  // when that is the problem
};
[[nodiscard]] const char* to_string(const ImageError& error) noexcept;

[[nodiscard]] Digest digest_of(const Limits& limits);

class State {
  public:
    // Gives the operation its turn, unless it had it before. The position is the next one, in
    // `epoch`, which never falls (checked).
    Applied apply(std::uint64_t epoch, const Operation& operation);

    [[nodiscard]] const TreeView& tree() const noexcept { return tree_.view(); }
    [[nodiscard]] const History& history() const noexcept { return history_; }
    [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
    [[nodiscard]] Position position() const noexcept { return history_.last(); }
    [[nodiscard]] Digest digest() const;
    // For readers in any thread. Cheap, but the next changes copy their paths: once per batch.
    [[nodiscard]] TreeView snapshot() { return tree_.share(); }

    // What was done since the last call, for the store; at least every kHistoryMin operations
    // (checked).
    [[nodiscard]] Batch take_batch();

    // This state with `image` put into it: onto a new State the image is whole, else a difference.
    // The result must have the digest that its last record names, or, without records, be a new
    // State; then the batch that take_batch() of it gives turns the store's content into it. This
    // state stays as it is, and must have no batch to take (checked).
    [[nodiscard]] totem::Result<State, ImageError> adopt(const Image& image);

  private:
    [[nodiscard]] Outcome perform(const Operation& operation);
    [[nodiscard]] Outcome perform(const OperationId& id, const Chunk& change);
    [[nodiscard]] Outcome commit_parts(const OperationId& id, const CommitChunks& change,
                                       Author author);
    [[nodiscard]] std::string subject_of(const Operation& operation) const;

    Tree tree_;
    History history_;
    Parts parts_;
    std::uint64_t stored_ = 0;  // index of the last record that a batch was taken with
    Digest limits_digest_ = digest_of(Limits{});
    bool limits_changed_ = false;
    bool adopted_ = false;
};

// A state from what a store held. Whole, so the store's damage shows as a wrong digest.
[[nodiscard]] totem::Result<State, ImageError> load(const Image& image);

}  // namespace cfs
