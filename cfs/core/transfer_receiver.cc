#include "cfs/core/transfer_receiver.h"

#include <utility>

#include "totem/core/check.h"

namespace cfs {

using totem::Result;
using totem::Unexpected;

namespace {

TransferError other_kind() { return {TransferProblem::kOtherKind}; }

}  // namespace

TransferReceiver::TransferReceiver(TransferId id, NodeId donor, TreeView own, TransferCache cache)
    : id_(id), donor_(donor), own_(std::move(own)), entries_(std::move(cache)) {}

void TransferReceiver::ask(std::vector<std::vector<std::byte>>& out) {
    while (!ended_ && asked_.size() < kQuestionsUnderWay) {
        auto question = next();
        if (!question) {
            return;
        }
        const auto asked = asked_.emplace(++last_question_, std::move(*question)).first;
        out.push_back(bytes_of(asked->first, asked->second));
        ++progress_.questions;
        progress_.question_bytes += out.back().size();
    }
}

void TransferReceiver::ask_again(std::vector<std::vector<std::byte>>& out) const {
    if (ended_) {
        return;
    }
    for (const auto& [number, question] : asked_) {
        out.push_back(bytes_of(number, question));
    }
}

std::vector<std::byte> TransferReceiver::bytes_of(std::uint32_t number,
                                                  const TransferQuestion& question) const {
    return encode(TransferAsked{{id_, donor_, number}, question});
}

// The history comes beside the tree; entries only when all that differ are known, or fill a
// message, so that there are few messages.
std::optional<TransferQuestion> TransferReceiver::next() {
    if (!goal_) {
        return asked_.empty() ? std::optional<TransferQuestion>(AskSnapshot{}) : std::nullopt;
    }
    if (const auto ranges = comparison_.next()) {
        return *ranges;
    }
    if (const auto rest = rest_.next()) {
        return *rest;
    }
    return entries_.next(comparison_.done());
}

Result<TransferReceiver::Taken, TransferError> TransferReceiver::take(Bytes answer) {
    const auto peek = peek_transfer(answer);
    if (peek && (peek->is_question || peek->head.id != id_ || peek->head.donor != donor_)) {
        return Taken::kIgnored;
    }
    if (ended_) {
        return Taken::kIgnored;
    }
    const auto message = decode_transfer_answer(answer);
    Problem problem;
    if (!message) {
        problem = TransferError{TransferProblem::kMalformed, message.error()};
    } else if (message->head.question > last_question_) {
        problem = TransferError{TransferProblem::kNotAsked};
    } else if (!asked_.contains(message->head.question)) {
        return Taken::kIgnored;
    } else {
        ++progress_.answers;
        progress_.answer_bytes += answer.size();
        problem = take_answer(*message);
    }
    if (problem) {
        ended_ = true;
        return Unexpected{*problem};
    }
    return Taken::kTaken;
}

TransferReceiver::Problem TransferReceiver::take_answer(const TransferAnswered& message) {
    const TransferQuestion question = asked_.extract(message.head.question).mapped();
    if (goal_ && goal_->position != message.snapshot) {
        return TransferError{TransferProblem::kOtherSnapshot};
    }
    return std::visit([&](const auto& asked) { return take_answer(asked, message); }, question);
}

TransferReceiver::Problem TransferReceiver::take_answer(const AskSnapshot& /*asked*/,
                                                        const TransferAnswered& message) {
    const auto* answer = std::get_if<SnapshotIs>(&message.answer);
    return answer != nullptr ? begin(*answer, message.snapshot) : other_kind();
}

TransferReceiver::Problem TransferReceiver::take_answer(const AskRanges& asked,
                                                        const TransferAnswered& message) {
    const auto* answer = std::get_if<RangesAre>(&message.answer);
    if (answer == nullptr) {
        return other_kind();
    }
    const Problem problem = comparison_.take(own_, asked, *answer);
    for (const Listed& listed : comparison_.take_wanted()) {
        entries_.want(listed);
    }
    return problem;
}

TransferReceiver::Problem TransferReceiver::take_answer(const AskEntries& asked,
                                                        const TransferAnswered& message) {
    const auto* answer = std::get_if<EntriesAre>(&message.answer);
    return answer != nullptr ? entries_.take(own_, asked, *answer) : other_kind();
}

TransferReceiver::Problem TransferReceiver::take_answer(const AskBlocks& asked,
                                                        const TransferAnswered& message) {
    const auto* answer = std::get_if<BlocksAre>(&message.answer);
    return answer != nullptr ? entries_.take(asked, *answer) : other_kind();
}

TransferReceiver::Problem TransferReceiver::take_answer(const AskRest& asked,
                                                        const TransferAnswered& message) {
    return rest_.take(asked, message.answer);
}

TransferReceiver::Problem TransferReceiver::begin(const SnapshotIs& is, const Position& position) {
    const bool tree = is.version >= 1 && is.version < kInodeCeiling && is.tree.inodes >= 1 &&
                      is.tree.inodes <= is.version + 1;
    if (!tree) {
        return TransferError{TransferProblem::kBadSnapshot};
    }
    if (const Problem problem = rest_.begin(is, position)) {
        return problem;
    }
    goal_ = TransferGoal{position, is.state, is.turn};
    limits_ = is.limits;
    comparison_.begin(own_, is.tree, is.version);
    return std::nullopt;
}

bool TransferReceiver::done() const {
    return goal_ && !ended_ && asked_.empty() && comparison_.done() && entries_.done() &&
           rest_.done();
}

Image TransferReceiver::image() const {
    TOTEM_CHECK(done());
    Image image;
    image.entries = entries_.entries();
    image.gone = comparison_.gone();
    image.limits = limits_;
    rest_.put_into(image);
    return image;
}

TransferCache TransferReceiver::take_cache() {
    ended_ = true;
    return entries_.take_cache();
}

TransferProgress TransferReceiver::progress() const {
    TransferProgress progress = progress_;
    progress.entries = entries_.fetched();
    progress.blocks = entries_.fetched_blocks();
    progress.cached = entries_.cached();
    progress.gone = comparison_.gone_count();
    return progress;
}

}  // namespace cfs
