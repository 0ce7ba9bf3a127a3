#include <algorithm>

#include "tests/cfs/cluster.h"

namespace cfs::testing {

// ---- callers ------------------------------------------------------------------------------------

std::uint64_t Cluster::make(std::uint32_t node, const std::string& name) {
    return submit(node, Create{kRootInode, name, true}, "/" + name);
}

std::uint64_t Cluster::submit(std::uint32_t id, Change change, std::string subject) {
    const std::uint64_t ticket = ++tickets_;
    asked_[ticket] = {NodeId{id}, std::move(subject), std::nullopt};
    step(node(id), Submit{ticket, 1000 + ticket, std::move(change)});
    return ticket;
}

void Cluster::on_answer(const Answer& answer) {
    Asked& asked = asked_.at(answer.ticket);
    if (asked.answer) {
        fail("answered twice");
    }
    asked.answer = answer;
    answered += 1;
    if (answer.refusal != Refusal::kNone || asked.subject.empty() || replica_options.local) {
        return;
    }
    if (answer.outcome.error != Errno::kOk) {
        fail("S6: " + asked.subject + " was made twice");
    }
    std::vector<NodeId> holders;
    for (const auto& [id, node] : nodes_) {
        if (std::ranges::any_of(node.durable, [&](const auto& each) {
                return each.second.subject == asked.subject;
            })) {
            holders.push_back(id);
        }
    }
    if (!nodes_.at(asked.node).voting.sufficient(holders)) {
        fail("S18: " + asked.subject + " is on too few disks");
    }
}

void Cluster::check_history(Node& node) {
    const auto& records = node.replica->state().history().records();
    for (auto record = records.rbegin();
         record != records.rend() && record->position.index > node.checked; ++record) {
        const auto [at, fresh] = state_at_.emplace(record->position, record->state);
        if (!fresh && at->second != record->state) {
            fail("S1: two states at one position");
        }
    }
    node.checked = records.empty() ? 0 : records.back().position.index;
}

bool Cluster::told(std::uint32_t id, Notice::Kind kind) {
    return std::ranges::any_of(node(id).notices,
                               [&](const Notice& notice) { return notice.kind == kind; });
}

bool Cluster::all_writable() {
    return std::ranges::all_of(nodes_, [](const auto& each) {
        return each.second.replica && each.second.replica->writable();
    });
}

void Cluster::check_final() {
    const State& first = nodes_.begin()->second.replica->state();
    std::map<std::string, int> made;
    for (const Record& record : first.history().records()) {
        made[record.subject] += record.outcome.error == Errno::kOk ? 1 : 0;
        if (made[record.subject] > 1) {
            fail("S6: " + record.subject + " was done twice");
        }
    }
    for (const auto& [id, node] : nodes_) {
        if (node.replica->state().digest() != first.digest()) {
            fail("S2: replicas differ at the end");
        }
    }
    for (const auto& [ticket, asked] : asked_) {
        const bool acknowledged = asked.answer && asked.answer->refusal == Refusal::kNone &&
                                  asked.answer->outcome.error == Errno::kOk;
        const bool there = first.tree().resolve(asked.subject) != nullptr;
        if (acknowledged && !asked.subject.empty() && !there) {
            fail("S3: " + asked.subject + " was acknowledged and is lost");
        }
        const bool certain = asked.answer && (asked.answer->refusal == Refusal::kNotWritable ||
                                              asked.answer->refusal == Refusal::kBusy ||
                                              asked.answer->refusal == Refusal::kDiskFull);
        if (certain && !asked.subject.empty() && there) {
            fail("S6: " + asked.subject + " was refused and is there");
        }
    }
}

}  // namespace cfs::testing
