// Whether to keep the token a moment for a client that has just been answered and may ask again.
//
// Who talks to the ring alone, one message after the other, misses the token by a little whenever
// the way through its process takes longer than the token through the others, and then waits a
// whole turn. As with requests to a disk (Iyer and Druschel, "Anticipatory scheduling", 2001), a
// short wait pays when experience says that the next request is close, and only while nobody else
// sends anything. A decision, without a clock: the host knows how long a turn takes and never waits
// longer than that.
#pragma once

#include <algorithm>
#include <cstdint>

namespace totem::daemon {

class Anticipation {
  public:
    // The token is here; `sent` and `received` count the messages of this node and of others until
    // now, `asked` says that a client's request is there to go with it. True: wait for one.
    [[nodiscard]] bool worth_waiting(std::uint64_t sent, std::uint64_t received, bool asked) {
        const bool alone = received == received_;
        turns_since_answer_ = sent == sent_ ? turns_since_answer_ + 1 : 0;
        received_ = received;
        sent_ = sent;
        if (!alone) {
            missed_ = 0;
            return false;
        }
        // It had to wait a turn, and would not have had to.
        missed_ += asked && turns_since_answer_ == 1 ? 1 : 0;
        return !asked && turns_since_answer_ == 0 && missed_ >= wanted_;
    }

    // What became of the wait: a request came, or not. Each failure must be outweighed by twice the
    // experience of the one before.
    void waited(bool came) {
        wanted_ = came ? kWantedLeast : std::min(2 * wanted_, kWantedMost);
        missed_ = came ? missed_ : 0;
    }

  private:
    static constexpr std::uint32_t kWantedLeast = 4;
    static constexpr std::uint32_t kWantedMost = 1024;

    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t turns_since_answer_ = 1;  // 0: what was sent at the last visit was answered then
    std::uint32_t missed_ = 0;              // requests that came one turn after the answer
    std::uint32_t wanted_ = kWantedLeast;   // how many of these make a wait worth while
};

}  // namespace totem::daemon
