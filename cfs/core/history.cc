#include "cfs/core/history.h"

#include <algorithm>

#include "totem/core/check.h"

namespace cfs {

namespace {

void hash_id(Hasher& hasher, const OperationId& id) {
    hasher.number(totem::raw(id.node)).number(raw(id.life)).number(id.number);
}

Digest digest_of(const Record& record) {
    Hasher hasher(Hashed::kRecord);
    hasher.number(record.position.epoch).number(record.position.index);
    hash_id(hasher, record.id);
    hasher.number(record.kind).number(record.time);
    hasher.number(static_cast<std::uint8_t>(record.outcome.error));
    hasher.number(raw(record.outcome.inode)).number(record.outcome.version);
    return hasher.finish();
}

Digest digest_of(const Floor& floor) {
    Hasher hasher(Hashed::kFloor);
    hash_id(hasher, {floor.node, floor.life, floor.number});
    return hasher.number(floor.index).finish();
}

}  // namespace

History::Known History::known(const OperationId& id) const {
    if (index_of_.contains(id)) {
        return Known::kRepeated;
    }
    const auto floor = floors_.find({id.node, id.life});
    return floor != floors_.end() && id.number <= floor->second.number ? Known::kForgotten
                                                                       : Known::kNew;
}

const Record& History::record(const OperationId& id) const {
    const auto found = index_of_.find(id);
    TOTEM_CHECK(found != index_of_.end());
    return records_[static_cast<std::size_t>(found->second - records_.front().position.index)];
}

void History::add(Record record) {
    TOTEM_CHECK(records_.empty() || record.position.index == last().index + 1);
    TOTEM_CHECK(record.position.epoch >= last().epoch);
    const bool fresh = index_of_.emplace(record.id, record.position.index).second;
    TOTEM_CHECK(fresh);
    digest_ += digest_of(record);
    record.subject.resize(std::min(record.subject.size(), kSubjectBytesMax));
    records_.push_back(std::move(record));
    if (records_.size() == kHistoryMin + kHistoryStep) {
        forget_oldest();
    }
}

void History::forget_oldest() {
    for (std::size_t i = 0; i < kHistoryStep; ++i) {
        const Record& record = records_.front();
        raise_floor(record);
        digest_ -= digest_of(record);
        index_of_.erase(record.id);
        records_.pop_front();
    }
    drop_lives();
    floors_changed_ = true;
}

void History::raise_floor(const Record& record) {
    const auto found = floors_.find({record.id.node, record.id.life});
    const std::uint64_t before = found == floors_.end() ? 0 : found->second.number;
    set_floor({record.id.node, record.id.life, std::max(before, record.id.number),
               record.position.index});
}

void History::set_floor(const Floor& floor) {
    const LifeKey key{floor.node, floor.life};
    drop_floor(key);
    floors_.emplace(key, floor);
    digest_ += digest_of(floor);
}

void History::drop_floor(const LifeKey& key) {
    const auto found = floors_.find(key);
    if (found != floors_.end()) {
        digest_ -= digest_of(found->second);
        floors_.erase(found);
    }
}

// Keeps the lives heard of last; one that is dropped has ended several restarts of its node ago.
void History::drop_lives() {
    std::map<NodeId, std::vector<Floor>> nodes;
    for (const auto& [key, floor] : floors_) {
        nodes[floor.node].push_back(floor);
    }
    const auto newest_first = [](const Floor& a, const Floor& b) { return a.index > b.index; };
    std::vector<Floor> newest;  // of each node
    for (auto& [node, floors] : nodes) {
        std::sort(floors.begin(), floors.end(), newest_first);
        newest.push_back(floors.front());
        for (std::size_t i = kLivesPerNode; i < floors.size(); ++i) {
            drop_floor({node, floors[i].life});
        }
    }
    std::sort(newest.begin(), newest.end(), newest_first);
    for (std::size_t i = kNodesRemembered; i < newest.size(); ++i) {
        for (const Floor& floor : nodes[newest[i].node]) {
            drop_floor({floor.node, floor.life});
        }
    }
}

History::Place History::place(const Position& position, const Digest& state) const {
    if (records_.empty() || position.index < records_.front().position.index) {
        return Place::kUnknown;
    }
    const std::uint64_t at = position.index - records_.front().position.index;
    if (at >= records_.size()) {
        return Place::kOther;
    }
    const Record& record = records_[static_cast<std::size_t>(at)];
    return record.position == position && record.state == state ? Place::kHere : Place::kOther;
}

std::vector<Floor> History::floors() const {
    std::vector<Floor> all;
    all.reserve(floors_.size());
    for (const auto& [key, floor] : floors_) {
        all.push_back(floor);
    }
    return all;
}

bool History::assign(const std::vector<Record>& records, const std::vector<Floor>& floors) {
    if (records.size() >= kHistoryMin + kHistoryStep) {
        return false;
    }
    History fresh;
    for (const Floor& floor : floors) {
        if (fresh.floors_.contains({floor.node, floor.life})) {
            return false;
        }
        fresh.set_floor(floor);
    }
    for (const Record& record : records) {
        const Position last = fresh.last();
        const bool next = fresh.records_.empty() || (record.position.index == last.index + 1 &&
                                                     record.position.epoch >= last.epoch);
        if (!next || fresh.index_of_.contains(record.id)) {
            return false;
        }
        fresh.add(record);
    }
    *this = std::move(fresh);
    return true;
}

}  // namespace cfs
