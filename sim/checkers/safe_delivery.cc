#include "sim/checkers/safe_delivery.h"

#include <utility>

namespace sim {

void SafeDelivery::on(const Configured& event) {
    last_[event.where.node] = event;
    if (!event.regular) {
        return;
    }
    const NodeMask self = mask_of(event.where.node);
    const RingId from = std::exchange(rings_of_[event.where.node], event.ring);
    const auto left = rings_.find(from);
    if (left == rings_.end()) {
        return;
    }
    left->second.gone |= self;
    for (std::size_t i = 0; i < left->second.promises.size(); ++i) {
        const Promise& promise = left->second.promises[i];
        if ((promise.to & ~promise.kept & self) != 0) {
            const auto* ring = ledger_->find(from);
            violate(event.where, "E7.1",
                    "left ring " + text(from) + " without message " +
                        text(ring->base + static_cast<std::uint32_t>(i) + 1) +
                        ", which others delivered as safe to it");
            return;
        }
    }
}

void SafeDelivery::check_held(const Delivered& event, const Ledger::Ring& ring,
                              const Ledger::Entry& entry) {
    const Configured& now = last_[event.where.node];
    if (const NodeMask without = now.members & ~entry.holders; without != 0) {
        violate(event.where, "E7.1",
                "safe message " + text(event.seq) + " of ring " + text(event.ring) +
                    " delivered in " + members_text(now.members) + ", but " +
                    members_text(without) + " never had it");
    }
    if (now.regular && (ring.members & ~ring.installed) != 0) {
        violate(event.where, "E7.2",
                "safe message " + text(event.seq) + " delivered in ring " + text(event.ring) +
                    " that " + members_text(ring.members & ~ring.installed) + " never installed");
    }
}

void SafeDelivery::note_promise(const Delivered& event, Seq base) {
    Ring& ring = rings_[event.ring];
    const std::uint32_t index = event.seq - base - 1;
    if (ring.promises.size() <= index) {
        ring.promises.resize(std::size_t{index} + 1);
    }
    Promise& promise = ring.promises[index];
    promise.to |= last_[event.where.node].members;
    promise.kept |= mask_of(event.where.node);
    if (const NodeMask without = promise.to & ~promise.kept & ring.gone; without != 0) {
        violate(event.where, "E7.1",
                "safe message " + text(event.seq) + " of ring " + text(event.ring) +
                    " delivered to " + members_text(promise.to) + ", but " + members_text(without) +
                    " went on without it");
    }
}

void SafeDelivery::on(const Delivered& event) {
    if (event.guarantee != Guarantee::kSafe) {
        return;
    }
    const auto* ring = ledger_->find(event.ring);
    const auto* entry = ledger_->find(event.ring, event.seq);
    if (ring == nullptr || entry == nullptr) {
        return;  // MessageOrder reports it
    }
    check_held(event, *ring, *entry);
    note_promise(event, ring->base);
}

}  // namespace sim
