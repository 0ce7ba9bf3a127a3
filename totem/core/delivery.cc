#include "totem/core/delivery.h"

#include <vector>

#include "totem/core/codec.h"
#include "totem/core/mutant.h"

namespace totem {

namespace {

void deliver(const ReceiveWindow::Entry& entry, Seq seq, const RingId& ring, Effects& out) {
    if (entry.encapsulated) {
        return;  // recovery traffic: for the window, not for the application
    }
    out.deliveries.emplace_back(std::in_place_type<DeliveredMessage>,
                                DeliveredMessage{.sender = entry.from,
                                                 .guarantee = entry.guarantee,
                                                 .seq = seq,
                                                 .ring = ring,
                                                 .payload = entry.frame.slice(kDataHeaderBytes)});
}

std::vector<NodeId> ascending(NodeList nodes) {
    nodes.sort();
    return {nodes.begin(), nodes.end()};
}

void deliver_before_transition(const RingId& ring, Seq delivered_by_some, Ordering& old,
                               Effects& out) {
    while (const ReceiveWindow::Entry* entry = old.find(old.delivered() + 1)) {
        const Seq seq = old.delivered() + 1;
        const bool unproven = delivered_by_some < seq || TOTEM_MUTANT(safe_by_others_forgotten);
        if (unproven && entry->guarantee == Guarantee::kSafe &&
            !TOTEM_MUTANT(safe_before_transition)) {
            break;
        }
        deliver(*entry, seq, ring, out);
        old.set_delivered(seq);
    }
}

void deliver_after_transition(const RingId& ring, const Recovery& recovery, Ordering& old,
                              Effects& out) {
    bool gap = false;
    for (Seq seq = old.delivered() + 1; seq <= old.high_seq(); ++seq) {
        const ReceiveWindow::Entry* entry = old.find(seq);
        gap = gap || entry == nullptr;
        if (TOTEM_MUTANT(nothing_after_gap) && gap) {
            return;
        }
        const bool wanted =
            entry != nullptr && (!gap || recovery.transitional().contains(entry->from) ||
                                 recovery.obliged(seq) || TOTEM_MUTANT(everything_after_gap));
        if (wanted) {
            deliver(*entry, seq, ring, out);
        }
        old.set_delivered(seq);
    }
}

}  // namespace

void deliver_regular(Ordering& messages, const RingId& ring, Effects& out) {
    while (const ReceiveWindow::Entry* entry = messages.next_deliverable()) {
        const Seq seq = messages.delivered() + 1;
        deliver(*entry, seq, ring, out);
        messages.set_delivered(seq);
    }
}

void deliver_change(const RingChange& change, const Recovery& recovery, Ordering& old,
                    Effects& out) {
    const NodeList& along = recovery.transitional();
    deliver_before_transition(change.old_ring, recovery.delivered_by_some(), old, out);
    out.deliveries.emplace_back(std::in_place_type<Configuration>,
                                Configuration{.kind = Configuration::Kind::kTransitional,
                                              .ring = change.new_ring,
                                              .members = ascending(along),
                                              .left = ascending(change.old_members.minus(along)),
                                              .joined = {}});
    deliver_after_transition(change.old_ring, recovery, old, out);
    out.deliveries.emplace_back(
        std::in_place_type<Configuration>,
        Configuration{.kind = Configuration::Kind::kRegular,
                      .ring = change.new_ring,
                      .members = ascending(change.new_members),
                      .left = {},
                      .joined = ascending(change.first ? change.new_members
                                                       : change.new_members.minus(along))});
}

}  // namespace totem
