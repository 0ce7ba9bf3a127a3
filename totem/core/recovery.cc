#include "totem/core/recovery.h"

#include <algorithm>
#include <utility>

#include "totem/core/mutant.h"

namespace totem {

void Recovery::begin(const CommitToken& commit, const RingId& old_ring, const Ordering& old) {
    old_ring_ = old_ring;
    transitional_.clear();
    delivered_by_some_ = old.delivered();
    Seq low = old.high_seq();
    bool complete = true;
    for (std::size_t i = 0; i < commit.entries.size(); ++i) {
        const CommitEntry& entry = commit.entries[i];
        if (!(entry.ring == old_ring)) {
            continue;
        }
        transitional_.insert(commit.addresses[i]);
        complete = complete && entry.received_flg;
        low = entry.aru < low ? entry.aru : low;
        if (delivered_by_some_ < entry.high_delivered) {
            delivered_by_some_ = entry.high_delivered;
        }
    }
    // What this node has released is held by everybody; a lower aru would be a lie.
    next_ = (low < old.released() ? old.released() : low) + 1;
    last_ = old.high_seq();
    remaining_ = 0;
    complete = complete || TOTEM_MUTANT(recovery_without_exchange);
    for (Seq seq = next_; !complete && seq <= last_; ++seq) {
        remaining_ += old.find(seq) != nullptr ? 1U : 0U;
    }
    announced_.clear();
    flag_is_mine_ = false;
    quiet_visits_ = 0;
    rotations_ = 0;
    install_seq_ = {};
}

Seq Recovery::take(const Ordering& old) {
    TOTEM_CHECK(remaining_ > 0);
    while (old.find(next_) == nullptr) {
        TOTEM_CHECK(next_ < last_);
        ++next_;
    }
    --remaining_;
    const Seq seq = next_;
    ++next_;
    return seq;
}

bool Recovery::obliged(Seq seq) const {
    return std::ranges::find(obliged_, seq) != obliged_.end() ||
           std::ranges::find(announced_, seq) != announced_.end();
}

bool Recovery::announce() {
    flag_is_mine_ = remaining_ > 0;
    return flag_is_mine_;
}

bool Recovery::visit(OrfToken& token, Seq own_aru) {
    if (remaining_ > 0) {
        flag_is_mine_ = flag_is_mine_ || !token.retrans_flg;
        token.retrans_flg = true;
    } else if (token.retrans_flg && flag_is_mine_) {
        token.retrans_flg = false;
        flag_is_mine_ = false;
    }
    quiet_visits_ = token.retrans_flg ? 0 : quiet_visits_ + 1;
    if (quiet_visits_ == 2) {
        install_seq_ = token.seq;
    }
    const bool all_hold =
        quiet_visits_ >= 3 && install_seq_ <= own_aru &&
        (TOTEM_MUTANT(installed_without_window) ? install_seq_.value <= token.aru.value
                                                : install_seq_ <= token.aru);
    rotations_ = all_hold ? rotations_ + 1 : 0;
    return rotations_ == (TOTEM_MUTANT(installed_too_early) ? 1 : 2);
}

void Recovery::absorb(const Ordering& fresh, Ordering& old) {
    for (Seq seq = fresh.released() + 1; seq <= fresh.high_seq(); ++seq) {
        const ReceiveWindow::Entry* outer = fresh.find(seq);
        if (outer == nullptr || !outer->encapsulated) {
            continue;
        }
        FrameRef inner = outer->frame.slice(kDataHeaderBytes);
        const auto header = decode_data_header(inner.bytes());
        const bool other_ring =
            !header || (!(header->ring == old_ring_) && !TOTEM_MUTANT(recovered_from_any_ring));
        if (other_ring || header->encapsulated || header->from != header->system_from) {
            continue;
        }
        if (outer->guarantee == Guarantee::kSafe && !obliged(header->seq)) {
            announced_.push_back(header->seq);
        }
        static_cast<void>(old.insert(header->seq, {.frame = std::move(inner),
                                                   .from = header->from,
                                                   .guarantee = header->guarantee,
                                                   .encapsulated = false}));
    }
}

void Recovery::give_up(const Ordering& fresh, Ordering& old) {
    absorb(fresh, old);
    // Nobody can have installed the ring unless this node let a token pass that showed all of it
    // to be held (rotations_ of at least 1); only then there is something to owe.
    const bool committed = rotations_ > 0 && !TOTEM_MUTANT(obligations_forgotten);
    for (Seq seq = old.aru() + 1; committed && seq <= old.high_seq(); ++seq) {
        const ReceiveWindow::Entry* entry = old.find(seq);
        if (entry != nullptr && (transitional_.contains(entry->from) || obliged(seq))) {
            oblige(seq);
        }
    }
    announced_.clear();
    rotations_ = 0;
}

void Recovery::finish() {
    obliged_.clear();
    announced_.clear();
    remaining_ = 0;
    rotations_ = 0;
}

std::size_t Recovery::behind_gap(const Ordering& old) const {
    std::size_t count = 0;
    for (Seq seq = old.aru() + 1; seq <= old.high_seq(); ++seq) {
        const ReceiveWindow::Entry* entry = old.find(seq);
        count += entry != nullptr && transitional_.contains(entry->from) ? 1U : 0U;
    }
    return count;
}

void Recovery::oblige(Seq seq) {
    if (std::ranges::find(obliged_, seq) == obliged_.end()) {
        obliged_.push_back(seq);
    }
}

void Recovery::hash(Hasher& hasher) const {
    hasher.add(old_ring_);
    hasher.add(transitional_);
    hasher.add(delivered_by_some_);
    hasher.add(next_);
    hasher.add(last_);
    hasher.add(std::uint64_t{remaining_});
    for (const Seq seq : obliged_) {
        hasher.add(seq);
    }
    hasher.add((std::uint64_t{quiet_visits_} << 1U) | (flag_is_mine_ ? 1U : 0U));
    hasher.add(std::uint64_t{rotations_});
    hasher.add(install_seq_);
}

}  // namespace totem
