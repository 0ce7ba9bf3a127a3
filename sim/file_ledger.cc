#include "sim/file_ledger.h"

#include <algorithm>
#include <bit>
#include <string>

#include "sim/checker.h"

namespace sim {

FileLedger::FileLedger(std::uint32_t nodes)
    : nodes_(nodes), steps_(1), branches_(1), replicas_(nodes) {}

std::optional<FileLedger::Ref> FileLedger::find(const FilePlace& place) const {
    if (place.position == cfs::Position{}) {
        return kRoot;
    }
    const auto found = found_.find({place.position.index, place.digest.words[0]});
    if (found == found_.end()) {
        return std::nullopt;
    }
    for (const Ref ref : found->second) {
        if (step(ref).place == place) {
            return ref;
        }
    }
    return std::nullopt;
}

bool FileLedger::follows(Ref later, Ref earlier) const {
    const std::uint64_t index = step(earlier).place.position.index;
    const std::uint32_t branch = step(earlier).branch;
    while (later != kRoot && step(later).branch != branch) {
        later = branches_[step(later).branch].from;
    }
    return step(later).branch == branch && step(later).place.position.index >= index;
}

// The step from a place to the next one, when it is not there yet.
FileLedger::Ref FileLedger::put(const FilePlace& before, const FilePlace& after) {
    if (const auto there = find(after)) {
        return *there;
    }
    const Ref parent = find(before).value_or(kRoot);
    const Ref made{static_cast<std::uint32_t>(steps_.size())};
    Step next{.place = after, .parent = parent, .branch = step(parent).branch};
    if (branches_[next.branch].tip != parent) {
        next.branch = static_cast<std::uint32_t>(branches_.size());
        branches_.push_back({parent, parent});
    }
    branches_[next.branch].tip = made;
    steps_.push_back(next);
    found_[{after.position.index, after.digest.words[0]}].push_back(made);
    fresh_ = true;
    return made;
}

// Of a state that nobody was seen to reach, the place hangs from the root.
FileLedger::Ref FileLedger::known(const FilePlace& place) { return put({}, place); }

void FileLedger::on(const FilesStarted& event) {
    Replica& replica = replicas_.at(event.where.node);
    replica.alive = true;
    replica.applied = known(event.place);
}

void FileLedger::on(const FilesFailed& event) {
    Replica& replica = replicas_.at(event.where.node);
    replica.alive = false;
    replica.durable = known(event.durable);
    replica.promise = event.promise;
    if (event.fate != DiskFate::kKept) {
        cut_since_ |= mask_of(event.where.node);
        weigh_loss(mask_of(event.where.node));
    }
}

// What is acknowledged, and every promise that opened an epoch, must be known to a node of any set
// that may decide.
void FileLedger::weigh_loss(NodeMask node) {
    const NodeMask everybody = all_nodes(nodes_);
    NodeMask promised = 0;
    std::uint64_t opened = 0;
    for (const auto& [number, epoch] : epochs_) {
        opened = sufficient(epoch.promised) ? number : opened;
    }
    for (std::uint32_t other = 0; other < nodes_; ++other) {
        promised |= replicas_[other].promise >= opened ? mask_of(other) : 0;
    }
    const bool remembered =
        !sufficient(everybody & ~holders(acknowledged_)) && !sufficient(everybody & ~promised);
    trusted_ = trusted_ && (remembered || (node & everybody) == 0);
}

void FileLedger::on(const FileAsked& event) {
    Wish& wish = wishes_[event.ticket];
    wish.bytes = event.bytes;
    wish.node = event.where.node;
    wish.acknowledged_before = step(acknowledged_).place.position.index;
}

void FileLedger::on(const FileAnswered& event) {
    const auto found = wishes_.find(event.ticket);
    if (found == wishes_.end()) {
        return;
    }
    found->second.refusal = event.refusal;
    if (event.refusal != cfs::Refusal::kNone) {
        return;
    }
    ++acknowledgements_;
    last_acknowledger_ = event.where.node;
    acknowledged_epoch_ = std::max(acknowledged_epoch_, event.epoch);
    const auto ref = turn(found->second, event.where.node);
    if (ref && follows(*ref, acknowledged_)) {
        acknowledged_ = *ref;
        cut_since_ = 0;
    }
}

std::optional<FileLedger::Ref> FileLedger::turn(const Wish& wish, std::uint32_t node) const {
    const auto found = std::ranges::find_if(
        wish.applied, [&](Ref ref) { return follows(replicas_[node].applied, ref); });
    return found == wish.applied.end() ? std::nullopt : std::optional(*found);
}

FileLedger::Epoch& FileLedger::begin(const cfs::Position& position, Ref parent) {
    Epoch& epoch = epochs_[position.epoch];
    if (step(parent).place.position.epoch < position.epoch && epoch.parent == kRoot) {
        began_epoch_ = fresh_;
        epoch.parent = parent;
    }
    return epoch;
}

void FileLedger::on(const FileApplied& event) {
    fresh_ = false;
    began_epoch_ = false;
    const cfs::Record& record = *event.record;
    const Ref ref = put(event.before, {record.position, record.state});
    replicas_.at(event.where.node).applied = ref;
    if (!fresh_) {
        return;
    }
    Step& made = steps_[static_cast<std::size_t>(ref)];
    made.kind = record.kind;
    begin(record.position, made.parent);
    const std::uint64_t ticket = ticket_of(record.kind, record.time);
    if (const auto wish = wishes_.find(ticket); wish != wishes_.end()) {
        made.ticket = ticket;
        wish->second.applied.push_back(ref);
    }
}

void FileLedger::on(const FileAdopted& event) {
    fresh_ = false;
    replicas_.at(event.where.node).applied = known(event.after);
}

void FileLedger::on(const FileStored& event) {
    Replica& replica = replicas_.at(event.where.node);
    replica.durable = known(event.durable);
    if (replica.promise != event.promise) {
        replica.promise = event.promise;
        epochs_[event.promise].promised |= mask_of(event.where.node);
    }
}

void FileLedger::on(const FileVotes& event) {
    trusted_ = trusted_ && event.expected >= event.total;
}

const FileLedger::Wish* FileLedger::wish(std::uint64_t ticket) const {
    const auto found = wishes_.find(ticket);
    return found == wishes_.end() ? nullptr : &found->second;
}

const FileLedger::Epoch* FileLedger::epoch(std::uint64_t number) const {
    const auto found = epochs_.find(number);
    return found == epochs_.end() ? nullptr : &found->second;
}

NodeMask FileLedger::holders(Ref ref) const {
    NodeMask mask = 0;
    for (std::uint32_t node = 0; node < nodes_; ++node) {
        mask |= follows(replicas_[node].durable, ref) ? mask_of(node) : 0;
    }
    return mask;
}

// One vote each, and the lowest node breaks a tie: said here anew, not by what is under test.
bool FileLedger::sufficient(NodeMask nodes) const {
    const auto votes = static_cast<std::uint32_t>(std::popcount(nodes & all_nodes(nodes_)));
    return votes * 2 > nodes_ || (votes * 2 == nodes_ && (nodes & mask_of(0)) != 0);
}

bool FileLedger::power_cut_since() const noexcept { return cut_since_ == all_nodes(nodes_); }

std::string text(const cfs::Position& position) {
    return "(" + std::to_string(position.epoch) + "," + std::to_string(position.index) + ")";
}

std::string text(const FilePlace& place) {
    return text(place.position) + "#" + std::to_string(place.digest.words[0] % 100000);
}

}  // namespace sim
