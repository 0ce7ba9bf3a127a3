// A transfer between two states in one process: questions go to the donor at once, answers come
// back in order.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cfs/core/transfer_donor.h"
#include "cfs/core/transfer_receiver.h"
#include "tests/cfs/replica.h"

namespace cfs::testing {

using Message = std::vector<std::byte>;

inline constexpr NodeId kAsker{9};
inline constexpr NodeId kDonor{4};

class Transfer {
  public:
    Transfer(State& donor, State& own, TransferCache cache = {}, std::uint64_t number = 1)
        : donor_(kDonor, transfer_snapshot(donor, 17)),
          receiver_({kAsker, Life{5}, number}, kDonor, own.snapshot(), std::move(cache)) {}

    // Changes an answer on its way: gets its number, from 0.
    std::function<void(std::size_t, Message&)> tamper;

    // Up to and with the `answers`-th answer. False after an error, which is then in error().
    bool run(std::size_t answers = SIZE_MAX) {
        while (answers > taken_ && !receiver_.done()) {
            ask();
            if (on_the_way_.empty()) {
                ADD_FAILURE() << "neither done nor asking";
                return false;
            }
            Message answer = std::move(on_the_way_.front());
            on_the_way_.pop_front();
            if (tamper) {
                tamper(taken_, answer);
            }
            ++taken_;
            const auto result = receiver_.take(answer);
            if (!result) {
                error_ = result.error();
                return false;
            }
            if (*result == TransferReceiver::Taken::kIgnored) {
                ignored_ = true;
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] TransferReceiver& receiver() noexcept { return receiver_; }
    [[nodiscard]] const TransferDonor& donor() const noexcept { return donor_; }
    [[nodiscard]] const std::optional<TransferError>& error() const noexcept { return error_; }
    [[nodiscard]] bool ignored() const noexcept { return ignored_; }
    [[nodiscard]] std::size_t answers() const noexcept { return taken_; }
    [[nodiscard]] std::size_t rounds() const noexcept { return rounds_; }
    [[nodiscard]] std::size_t largest() const noexcept { return largest_; }

  private:
    void ask() {
        std::vector<Message> questions;
        receiver_.ask(questions);
        EXPECT_LE(questions.size() + on_the_way_.size(), kQuestionsUnderWay);
        rounds_ += on_the_way_.empty() ? 1 : 0;
        for (const Message& question : questions) {
            auto answer = donor_.answer(question);
            ASSERT_TRUE(answer.has_value()) << to_string(answer.error());
            largest_ = std::max({largest_, answer->size(), question.size()});
            on_the_way_.push_back(std::move(*answer));
        }
    }

    TransferDonor donor_;
    TransferReceiver receiver_;
    std::deque<Message> on_the_way_;
    std::optional<TransferError> error_;
    bool ignored_ = false;
    std::size_t taken_ = 0;
    std::size_t rounds_ = 0;  // at least: as often as nothing was on its way
    std::size_t largest_ = 0;
};

// What must come out whole.
inline State adopted(State& own, Transfer& transfer) {
    EXPECT_TRUE(transfer.run()) << to_string(transfer.error().value_or(TransferError{}));
    auto next = own.adopt(transfer.receiver().image());
    EXPECT_TRUE(next.has_value()) << (next ? "" : to_string(next.error()));
    return next ? std::move(*next) : State{};
}

}  // namespace cfs::testing
