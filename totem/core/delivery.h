// Hands messages and configuration changes over in their total order.
//
// Source: totem.md 5.8 and 6.2 (paper, sections 3, 4 and 7); safe delivery is ours:
// docs/protocol.md, "Safe delivery".
#pragma once

#include "totem/core/effects.h"
#include "totem/core/node_list.h"
#include "totem/core/ordering.h"
#include "totem/core/recovery.h"

namespace totem {

// What is deliverable in the regular configuration `ring`: in order, without gaps, a safe message
// only when every member is known to hold it, nothing behind one that is not.
void deliver_regular(Ordering& messages, const RingId& ring, Effects& out);

// The change from one ring to the next.
struct RingChange {
    const RingId& old_ring;
    const RingId& new_ring;
    const NodeList& old_members;
    const NodeList& new_members;
    bool first = false;  // no configuration was delivered before: this node counts as joined
};

// Everything that remains of the old ring, and the two configurations (E2, E4, E6, E7):
//  - before the transitional configuration: up to what some transitional member delivered in the
//  old
//    regular one, then on until the first gap or the first safe message;
//  - after it: the rest up to the first gap, then what lies behind gaps, but only from senders that
//    come along, and what another member may have delivered already.
void deliver_change(const RingChange& change, const Recovery& recovery, Ordering& old,
                    Effects& out);

}  // namespace totem
