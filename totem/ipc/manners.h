// Whether a client asks for one small thing at a time, so that a thread of its own for clients is
// only a detour, or keeps somebody busy.
//
// A decision without a clock, as Anticipation is: it is believed after some requests, and after
// each disappointment only after twice as many, unless it was worth it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace totem::ipc {

class Manners {
  public:
    // It asked for something; `calm`: a small thing, and everybody had been answered before.
    void asked(bool calm) {
        if (calm) {
            ++calm_;
            return;
        }
        if (one_at_a_time()) {
            wanted_ = calm_ >= kWorth * wanted_ ? kWantedLeast : std::min(2 * wanted_, kWantedMost);
        }
        calm_ = 0;
    }
    [[nodiscard]] bool one_at_a_time() const { return !barred_ && calm_ >= wanted_; }
    // It made somebody wait for it. Never again.
    void bar() { barred_ = true; }

  private:
    static constexpr std::uint64_t kWantedLeast = 8;
    static constexpr std::uint64_t kWantedMost = 4096;
    static constexpr std::uint64_t kWorth = 16;

    std::uint64_t calm_ = 0;  // requests since the last that was not
    std::uint64_t wanted_ = kWantedLeast;
    bool barred_ = false;
};

}  // namespace totem::ipc
