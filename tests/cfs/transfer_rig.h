// A transfer between two states in one process: questions go to the donor at once, answers come
// back in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
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

// Nothing of a state is to be stored any more, as adopt() wants it.
inline void stored(Replica& replica) { static_cast<void>(replica.state.take_batch()); }

// A second replica with the same state.
inline Replica copy_of(const Replica& replica) {
    Replica copy;
    copy.state = state_of(image_of(replica.state));
    copy.node = NodeId{2};
    return copy;
}

inline Replica with_files(int count) {
    Replica fs;
    for (int i = 0; i < count; ++i) {
        fs.put("f" + std::to_string(i), "text " + std::to_string(i));
        stored(fs);
    }
    return fs;
}

// Both have the same in the end.
inline void expect_same(const State& a, const State& b) {
    EXPECT_EQ(a.digest(), b.digest());
    EXPECT_EQ(a.tree().summary(), b.tree().summary());
    EXPECT_EQ(a.tree().limits(), b.tree().limits());
    EXPECT_EQ(a.history().records(), b.history().records());
    EXPECT_EQ(a.history().floors(), b.history().floors());
}

class Transfer {
  public:
    Transfer(State& donor, State& own, TransferCache cache = {}, std::uint64_t number = 1)
        : donor_(kDonor, transfer_snapshot(donor, 17)),
          receiver_({kAsker, Life{5}, number}, kDonor, own.snapshot(), std::move(cache)) {}

    // Changes an answer on its way: gets its number, from 0.
    std::function<void(std::size_t, Message&)> tamper;

    // Up to and with the `answers`-th answer. False when it does not get there: error() or stuck().
    bool run(std::size_t answers = SIZE_MAX) {
        while (answers > taken_ && !receiver_.done()) {
            ask();
            if (on_the_way_.empty()) {
                EXPECT_TRUE(tamper) << "neither done nor answered";
                unanswered_ = true;
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
    // It came to a question that the donor refused, or to an answer that was not taken: nothing
    // more will come.
    [[nodiscard]] bool stuck() const noexcept { return ignored_ || unanswered_; }
    [[nodiscard]] std::size_t answers() const noexcept { return taken_; }

  private:
    void ask() {
        std::vector<Message> questions;
        receiver_.ask(questions);
        EXPECT_LE(questions.size() + on_the_way_.size(), kQuestionsUnderWay);
        for (const Message& question : questions) {
            auto answer = donor_.answer(question);
            if (!answer) {
                EXPECT_TRUE(tamper) << to_string(answer.error());
                continue;
            }
            EXPECT_LE(std::max(answer->size(), question.size()), kTransferBytesMax);
            on_the_way_.push_back(std::move(*answer));
        }
    }

    TransferDonor donor_;
    TransferReceiver receiver_;
    std::deque<Message> on_the_way_;
    std::optional<TransferError> error_;
    bool ignored_ = false;
    bool unanswered_ = false;
    std::size_t taken_ = 0;
};

// What must come out whole.
inline State adopted(State& own, Transfer& transfer) {
    EXPECT_TRUE(transfer.run()) << to_string(transfer.error().value_or(TransferError{}));
    auto next = own.adopt(transfer.receiver().image());
    EXPECT_TRUE(next.has_value()) << (next ? "" : to_string(next.error()));
    return next ? std::move(*next) : State{};
}

}  // namespace cfs::testing
