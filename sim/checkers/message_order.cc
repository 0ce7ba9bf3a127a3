#include "sim/checkers/message_order.h"

namespace sim {

MessageOrder::MessageOrder(Findings& findings, const Ledger& ledger, std::uint32_t nodes, Seq first)
    : Checker("message-order", findings), ledger_(&ledger), first_(first), processes_(nodes) {}

void MessageOrder::on(const Started& event) { processes_[event.where.node] = {}; }

void MessageOrder::on(const Originated& event) {
    const auto* entry = ledger_->find(event.ring, event.seq);
    if (entry == nullptr) {
        violate(event.where, "R2", "originated outside its ring: " + text(event.seq));
        return;
    }
    const bool other_node = entry->node != event.where.node || entry->life != event.where.life;
    const bool other_bytes = event.bytes_known && entry->hash != event.hash;
    if (other_node || other_bytes) {
        violate(event.where, "E1.3",
                "number " + text(event.seq) + " of ring " + text(event.ring) +
                    " given twice; first by node " + std::to_string(entry->node + 1) + " life " +
                    std::to_string(entry->life));
    }
}

void MessageOrder::on(const Configured& event) {
    Process& process = processes_[event.where.node];
    process.members = event.members;
    process.transitional = !event.regular;
    if (event.regular) {
        process.configured = true;
        process.ring = event.ring;
        process.last = first_;
    }
}

void MessageOrder::check_content(const Delivered& event) {
    const auto* entry = ledger_->find(event.ring, event.seq);
    if (entry == nullptr || !entry->known) {
        violate(event.where, "E1.2", "delivered what nobody originated: " + text(event.seq));
        return;
    }
    if (id_of(entry->node) != event.sender) {
        violate(event.where, "E1.2",
                "message " + text(event.seq) + " of node " + std::to_string(entry->node + 1) +
                    " delivered as if from " + std::to_string(totem::raw(event.sender)));
    }
    const bool same = entry->hash == event.hash && entry->size == event.size &&
                      entry->guarantee == event.guarantee;
    if (entry->bytes_known && !same) {
        violate(event.where, "E1.2",
                "message " + text(event.seq) + " delivered with other content");
    }
    if (entry->recovery) {
        violate(event.where, "E8.2", "recovery frame delivered: " + text(event.seq));
    }
}

void MessageOrder::check_gap(const Delivered& event, const Process& process) {
    for (Seq seq = process.last + 1; seq < event.seq; ++seq) {
        const auto* entry = ledger_->find(event.ring, seq);
        if (entry != nullptr && entry->recovery) {
            continue;
        }
        if (!process.transitional) {
            violate(event.where, "E6.3",
                    "number " + text(seq) + " of ring " + text(event.ring) +
                        " skipped in a regular configuration");
            return;
        }
        if (entry != nullptr && entry->known && (process.members & mask_of(entry->node)) != 0) {
            violate(event.where, "E6.3",
                    "number " + text(seq) + " of node " + std::to_string(entry->node + 1) +
                        " skipped, which is a member of the transitional configuration " +
                        members_text(process.members));
            return;
        }
    }
}

void MessageOrder::on(const Delivered& event) {
    Process& process = processes_[event.where.node];
    if (!process.configured || !(event.ring == process.ring)) {
        violate(event.where, "E2.2",
                "message of ring " + text(event.ring) + " delivered in ring " + text(process.ring));
        return;
    }
    check_content(event);
    if (event.seq <= process.last) {
        violate(event.where, event.seq == process.last ? "E1.4" : "E6.1",
                "delivered " + text(event.seq) + " after " + text(process.last));
        return;
    }
    check_gap(event, process);
    process.last = event.seq;
}

}  // namespace sim
