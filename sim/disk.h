// The ring id file of a simulated node: writes take time, and a crash may take the file with it.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/schedule.h"

namespace sim {

class Disk {
  public:
    // What the file holds; 0 when it was never written.
    [[nodiscard]] std::uint64_t stored() const noexcept {
        return history_.empty() ? 0 : history_.back();
    }
    [[nodiscard]] bool missing() const noexcept { return history_.empty(); }

    void write(std::uint64_t ring_seq) { history_.push_back(ring_seq); }

    // The file after a crash. `other` is the disk that a clone is made from, `h` chooses how far
    // back.
    void crash(DiskFate fate, const Disk& other, std::uint64_t h) {
        switch (fate) {
            case DiskFate::kKept:
            case DiskFate::kPowerCut:
                return;
            case DiskFate::kLost:
                history_.clear();
                return;
            case DiskFate::kRestored:
            case DiskFate::kRolledBack:
                history_.resize(history_.empty() ? 0 : 1 + h % history_.size());
                return;
            case DiskFate::kCloned:
                history_ = std::vector<std::uint64_t>(other.history_);
                return;
        }
    }

  private:
    std::vector<std::uint64_t> history_;
};

}  // namespace sim
