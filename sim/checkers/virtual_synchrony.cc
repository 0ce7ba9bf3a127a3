#include "sim/checkers/virtual_synchrony.h"

#include "sim/random.h"

namespace sim {

VirtualSynchrony::VirtualSynchrony(Findings& findings, std::uint32_t nodes)
    : Checker("virtual-synchrony", findings), processes_(nodes) {}

void VirtualSynchrony::on(const Started& event) { processes_[event.where.node] = {}; }

void VirtualSynchrony::on(const Originated& event) {
    Process& process = processes_[event.where.node];
    if (event.bytes_known && !event.recovery && process.configured && event.ring == process.ring) {
        process.own.insert(event.seq.value);
    }
}

void VirtualSynchrony::on(const Delivered& event) {
    Process& process = processes_[event.where.node];
    process.delivered.hash = combine(combine(process.delivered.hash, event.seq.value), event.hash);
    process.delivered.last = event.seq;
    ++process.delivered.count;
    if (event.sender == id_of(event.where.node)) {
        process.own.erase(event.seq.value);
    }
}

void VirtualSynchrony::compare(const Where& where, std::map<Passage, Delivery>& seen,
                               const Process& process, const char* property) {
    Delivery mine = process.delivered;
    mine.node = where.node;
    const auto [found, added] = seen.try_emplace(process.passage, mine);
    const Delivery& theirs = found->second;
    if (!added && (theirs.hash != mine.hash || theirs.count != mine.count)) {
        violate(where, property,
                "from ring " + text(process.passage.from) + " to " + text(process.passage.to) +
                    " together with " + members_text(process.passage.together) + ": delivered " +
                    std::to_string(mine.count) + " messages, the last " + text(mine.last) +
                    "; node " + std::to_string(theirs.node + 1) + " delivered " +
                    std::to_string(theirs.count) + ", the last " + text(theirs.last));
    }
}

void VirtualSynchrony::on(const Configured& event) {
    Process& process = processes_[event.where.node];
    if (!event.regular) {
        process.passage = {process.ring, event.ring, event.members};
        if (process.configured) {
            compare(event.where, before_, process, "E2.6");
        }
        process.delivered = {};
        return;
    }
    if (process.configured) {
        compare(event.where, within_, process, "E4");
        if (!process.own.empty()) {
            violate(event.where, "E3",
                    "left ring " + text(process.ring) + " without delivering its own message " +
                        std::to_string(*process.own.begin()));
        }
    }
    process.configured = true;
    process.ring = event.ring;
    process.delivered = {};
    process.own.clear();
}

}  // namespace sim
