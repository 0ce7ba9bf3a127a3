#include "sim/ledger.h"

namespace sim {

namespace {

// A number this far from a ring's first is not a message but nonsense (a bug under test).
constexpr std::uint32_t kFarthest = 1U << 22U;

}  // namespace

Ledger::Ring& Ledger::ring(const RingId& id) {
    if (cached_ == nullptr || !(cached_id_ == id)) {
        cached_ = &rings_[id];
        cached_->base = first_;
        cached_id_ = id;
    }
    return *cached_;
}

Ledger::Entry* Ledger::entry(const RingId& id, Seq seq) {
    Ring& found = ring(id);
    const std::uint32_t index = seq - found.base;
    if (index == 0 || index > kFarthest) {
        return nullptr;
    }
    if (found.entries.size() < index) {
        found.entries.resize(index);
    }
    return &found.entries[index - 1];
}

void Ledger::on(const Originated& event) {
    Entry* const found = entry(event.ring, event.seq);
    if (found == nullptr) {
        return;
    }
    if (!found->known) {
        found->known = true;
        found->recovery = event.recovery;
        found->guarantee = event.guarantee;
        found->node = event.where.node;
        found->life = event.where.life;
    }
    if (event.bytes_known && !found->bytes_known) {
        found->bytes_known = true;
        found->recovery = event.recovery;
        found->guarantee = event.guarantee;
        found->hash = event.hash;
        found->size = event.size;
    }
    found->holders |= mask_of(event.where.node);
}

void Ledger::on(const Held& event) {
    if (Entry* const found = entry(event.ring, event.seq); found != nullptr) {
        found->holders |= mask_of(event.where.node);
    }
}

void Ledger::on(const Configured& event) {
    if (event.regular) {
        Ring& installed = ring(event.ring);
        installed.members = event.members;
        installed.installed |= mask_of(event.where.node);
    }
}

const Ledger::Ring* Ledger::find(const RingId& ring) const {
    const auto found = rings_.find(ring);
    return found == rings_.end() ? nullptr : &found->second;
}

const Ledger::Entry* Ledger::find(const RingId& id, Seq seq) const {
    const Ring* const found = cached_ != nullptr && cached_id_ == id ? cached_ : find(id);
    if (found == nullptr) {
        return nullptr;
    }
    const std::uint32_t index = seq - found->base;
    return index == 0 || index > found->entries.size() ? nullptr : &found->entries[index - 1];
}

}  // namespace sim
