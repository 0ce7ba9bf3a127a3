// The side of a transfer that catches up: asks for what differs, checks every answer, and ends with
// a difference that State::adopt() takes.
//
// It decides what is asked, not when or of whom: its owner multicasts what ask() gives, hands it
// the answers that come, says questions again that nobody answered, and drops it to begin anew with
// another donor. The state that it is to change is never touched; what was fetched goes on to the
// next receiver as a cache. An entry counts as fetched only when its digest is the one that the
// donor's tree has, whose own digest is among what adopt() checks at last.
//
//     TransferReceiver receiver({self, life, ++number}, donor, state.snapshot(), std::move(cache));
//     receiver.ask(multicasts);             // and again after each answer
//     receiver.take(answer);                // an error: the donor is the culprit
//     if (receiver.done()) state.adopt(receiver.image());
//     cache = receiver.take_cache();        // if it failed, or the donor did
//
// Source: docs/replication.md, "Catching up"; properties.md S10, S19.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "cfs/core/image.h"
#include "cfs/core/transfer_codec.h"
#include "cfs/core/transfer_compare.h"
#include "cfs/core/transfer_error.h"
#include "cfs/core/transfer_fetch.h"
#include "cfs/core/transfer_rest.h"
#include "totem/core/result.h"

namespace cfs {

// Questions that wait for their answers at the same time.
inline constexpr std::size_t kQuestionsUnderWay = 4;

// The donor's snapshot.
struct TransferGoal {
    Position position;
    Digest state;
    std::uint64_t turn = 0;  // of the epoch, the last one in it
};

struct TransferProgress {
    std::uint64_t questions = 0;
    std::uint64_t question_bytes = 0;
    std::uint64_t answers = 0;
    std::uint64_t answer_bytes = 0;
    std::uint64_t entries = 0;  // fetched
    std::uint64_t blocks = 0;   // of large files, fetched
    std::uint64_t cached = 0;   // entries that an earlier try had fetched
    std::uint64_t gone = 0;     // inodes
};

class TransferReceiver {
  public:
    // `own` is the state's that will adopt, as it is until then.
    TransferReceiver(TransferId id, NodeId donor, TreeView own, TransferCache cache = {});

    // Appends the questions that can be asked now, in order.
    void ask(std::vector<std::vector<std::byte>>& out);
    // Appends all questions that wait for an answer.
    void ask_again(std::vector<std::vector<std::byte>>& out) const;

    enum class Taken : std::uint8_t {
        kTaken,
        kIgnored,  // of another transfer, or answered before
    };
    // After an error nothing more is asked or taken.
    [[nodiscard]] totem::Result<Taken, TransferError> take(Bytes answer);

    [[nodiscard]] bool done() const;
    // When done: the difference to `own`.
    [[nodiscard]] Image image() const;
    // What was fetched and checked; ends the receiver.
    [[nodiscard]] TransferCache take_cache();

    [[nodiscard]] const TransferId& id() const noexcept { return id_; }
    [[nodiscard]] NodeId donor() const noexcept { return donor_; }
    // Absent until the first answer.
    [[nodiscard]] const std::optional<TransferGoal>& goal() const noexcept { return goal_; }
    [[nodiscard]] TransferProgress progress() const;

  private:
    using Problem = std::optional<TransferError>;

    [[nodiscard]] std::optional<TransferQuestion> next();
    [[nodiscard]] std::vector<std::byte> bytes_of(std::uint32_t number,
                                                  const TransferQuestion& question) const;
    [[nodiscard]] Problem take_answer(const TransferAnswered& message);
    [[nodiscard]] Problem take_answer(const AskSnapshot& asked, const TransferAnswered& message);
    [[nodiscard]] Problem take_answer(const AskRanges& asked, const TransferAnswered& message);
    [[nodiscard]] Problem take_answer(const AskEntries& asked, const TransferAnswered& message);
    [[nodiscard]] Problem take_answer(const AskBlocks& asked, const TransferAnswered& message);
    [[nodiscard]] Problem take_answer(const AskRest& asked, const TransferAnswered& message);
    [[nodiscard]] Problem begin(const SnapshotIs& is, const Position& position);

    TransferId id_;
    NodeId donor_;
    TreeView own_;
    std::map<std::uint32_t, TransferQuestion> asked_;  // by number; not answered yet
    std::uint32_t last_question_ = 0;
    std::optional<TransferGoal> goal_;
    Limits limits_;
    TreeComparison comparison_;
    EntryCollector entries_;
    RestCollector rest_;
    TransferProgress progress_;
    bool ended_ = false;
};

}  // namespace cfs
