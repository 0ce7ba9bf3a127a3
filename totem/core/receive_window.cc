#include "totem/core/receive_window.h"

#include <bit>
#include <utility>

#include "totem/core/check.h"

namespace totem {

ReceiveWindow::ReceiveWindow(Seq base, std::size_t capacity)
    : slots_(capacity), released_(base), aru_(base), high_seq_(base) {
    TOTEM_CHECK(std::has_single_bit(capacity));
}

void ReceiveWindow::reset(Seq base) {
    for (Seq seq = released_ + 1; seq <= high_seq_; ++seq) {
        slots_[index(seq)] = Entry{};
    }
    released_ = base;
    aru_ = base;
    high_seq_ = base;
}

ReceiveWindow::Insert ReceiveWindow::insert(Seq seq, Entry entry) {
    if (seq <= released_) {
        return Insert::kDuplicate;
    }
    if (seq - released_ > slots_.size()) {
        return Insert::kBeyondWindow;
    }
    Entry& slot = slots_[index(seq)];
    if (!slot.frame.empty()) {
        return Insert::kDuplicate;
    }
    slot = std::move(entry);
    if (high_seq_ < seq) {
        high_seq_ = seq;
    }
    while (aru_ < high_seq_ && !slots_[index(aru_ + 1)].frame.empty()) {
        ++aru_;
    }
    return Insert::kStored;
}

const ReceiveWindow::Entry* ReceiveWindow::find(Seq seq) const {
    if (seq <= released_ || high_seq_ < seq) {
        return nullptr;
    }
    const Entry& slot = slots_[index(seq)];
    return slot.frame.empty() ? nullptr : &slot;
}

void ReceiveWindow::release(Seq upto) {
    TOTEM_CHECK(upto <= aru_);
    while (released_ < upto) {
        ++released_;
        slots_[index(released_)] = Entry{};
    }
}

std::span<Seq> ReceiveWindow::gaps(Seq upto, std::span<Seq> out) const {
    std::size_t count = 0;
    for (Seq seq = aru_ + 1; seq <= upto && count < out.size(); ++seq) {
        if (find(seq) == nullptr) {
            out[count++] = seq;
        }
    }
    return out.first(count);
}

void ReceiveWindow::swap(ReceiveWindow& other) noexcept {
    slots_.swap(other.slots_);
    std::swap(released_, other.released_);
    std::swap(aru_, other.aru_);
    std::swap(high_seq_, other.high_seq_);
}

}  // namespace totem
