#include "totem/core/ordering.h"

#include <algorithm>
#include <utility>

#include "totem/core/mutant.h"

namespace totem {

Ordering::Ordering() : misses_(ReceiveWindow::kCapacity, 0) {}

void Ordering::reset(Seq base) {
    std::ranges::fill(misses_, std::uint8_t{0});
    window_.reset(base);
    delivered_ = base;
    stable_ = base;
    sent_aru_ = base;
    aru_was_sent_ = false;
}

ReceiveWindow::Insert Ordering::insert(Seq seq, ReceiveWindow::Entry entry) {
    const auto result = window_.insert(seq, std::move(entry));
    if (result == ReceiveWindow::Insert::kStored) {
        misses(seq) = 0;
    }
    return result;
}

void Ordering::token_received(Seq received) {
    if (!aru_was_sent_) {
        return;
    }
    const bool sent_less = sent_aru_ < received && !TOTEM_MUTANT(safe_after_one_visit);
    const Seq held_by_all = sent_less ? sent_aru_ : received;
    if (stable_ < held_by_all && held_by_all <= window_.aru()) {
        stable_ = held_by_all;
    }
}

const ReceiveWindow::Entry* Ordering::next_deliverable() const {
    const Seq next = delivered_ + 1;
    const ReceiveWindow::Entry* entry = window_.find(next);
    if (entry != nullptr && entry->guarantee == Guarantee::kSafe && stable_ < next &&
        !TOTEM_MUTANT(safe_is_agreed)) {
        return nullptr;
    }
    return entry;
}

bool Ordering::release() {
    const bool unstable = stable_ < delivered_ && !TOTEM_MUTANT(release_delivered);
    const Seq upto = unstable ? stable_ : delivered_;
    if (upto <= window_.released()) {
        return false;
    }
    window_.release(upto);
    return true;
}

void Ordering::begin_operation(Seq seq) {
    delivered_ = seq;
    stable_ = seq;
    window_.release(seq);
}

void Ordering::swap(Ordering& other) noexcept {
    window_.swap(other.window_);
    misses_.swap(other.misses_);
    std::swap(delivered_, other.delivered_);
    std::swap(stable_, other.stable_);
    std::swap(sent_aru_, other.sent_aru_);
    std::swap(aru_was_sent_, other.aru_was_sent_);
}

void Ordering::hash(Hasher& hasher) const {
    hasher.add(window_.released());
    hasher.add(window_.aru());
    hasher.add(window_.high_seq());
    hasher.add(delivered_);
    hasher.add(stable_);
    hasher.add(sent_aru_);
    hasher.add(std::uint64_t{aru_was_sent_ ? 1U : 0U});
    // What lies above aru: which are held, and how often the others were missed.
    for (Seq seq = window_.aru() + 1; seq <= window_.high_seq(); ++seq) {
        const std::uint64_t held = window_.find(seq) != nullptr ? 0x100 : 0;
        hasher.add(held | misses_[seq.value & (ReceiveWindow::kCapacity - 1)]);
    }
}

}  // namespace totem
