#include "cfs/core/replica_turns.h"

#include <algorithm>
#include <utility>

#include "totem/core/check.h"
#include "totem/core/hash.h"

namespace cfs {

namespace {

// A member further behind than so many turns says nothing that can be compared; it is lagging
// anyhow.
constexpr std::size_t kChainsKept = 65536;
// Marks of one wait, 100 ms: beyond these, turns share the earlier one's time.
constexpr std::size_t kMarksMax = 4096;

std::uint64_t chained(std::uint64_t chain, const OperationId& id) noexcept {
    totem::Hasher hasher;
    hasher.add(chain);
    hasher.add(id.node);
    hasher.add(raw(id.life));
    hasher.add(id.number);
    return hasher.value();
}

}  // namespace

void Turns::add_synced(NodeId node) { members_.try_emplace(node); }

std::vector<NodeId> Turns::synced() const {
    std::vector<NodeId> nodes;
    nodes.reserve(members_.size());
    for (const auto& [node, standing] : members_) {
        nodes.push_back(node);
    }
    return nodes;
}

void Turns::receive(const OperationId& id, Bytes operation) {
    ++received_;
    chain_ = chained(chain_, id);
    chains_.push_back(chain_);
    if (chains_.size() > kChainsKept) {
        chains_.pop_front();
    }
    held_.push_back({received_, id, {operation.begin(), operation.end()}});
    held_bytes_ += operation.size();
}

const Turns::Turn* Turns::find(std::uint64_t number) const {
    if (number <= forgotten() || number > received_) {
        return nullptr;
    }
    return &held_[static_cast<std::size_t>(number - forgotten() - 1)];
}

void Turns::forget(std::uint64_t number) {
    while (!held_.empty() && held_.front().number <= number) {
        held_bytes_ -= held_.front().operation.size();
        held_.pop_front();
    }
}

std::optional<std::uint64_t> Turns::chain_at(std::uint64_t number) const {
    if (number > received_ || received_ - number > chains_.size()) {
        return std::nullopt;
    }
    if (received_ - number == chains_.size()) {
        return number == 0 ? std::optional<std::uint64_t>{0} : std::nullopt;
    }
    return chains_[chains_.size() - 1 - static_cast<std::size_t>(received_ - number)];
}

void Turns::on_progress(NodeId node, const Progress& progress) {
    const auto found = members_.find(node);
    if (found == members_.end() || chain_at(progress.received) != progress.chain) {
        return;
    }
    Standing& standing = found->second;
    standing.received = std::max(standing.received, progress.received);
    standing.durable = std::max(standing.durable, progress.durable);
    ordered_ = std::max(ordered_, sufficient_at(&Standing::received));
    durable_ = std::max(durable_, sufficient_at(&Standing::durable));
}

// The highest number that a sufficient set has reached.
std::uint64_t Turns::sufficient_at(std::uint64_t Standing::*what) const {
    std::vector<std::pair<std::uint64_t, NodeId>> reached;
    reached.reserve(members_.size());
    for (const auto& [node, standing] : members_) {
        reached.emplace_back(standing.*what, node);
    }
    std::sort(reached.begin(), reached.end(), std::greater<>());
    std::vector<NodeId> nodes;
    nodes.reserve(reached.size());
    for (const auto& [number, node] : reached) {
        nodes.push_back(node);
    }
    // Sets grow along the list, so the first sufficient one is found by halving.
    std::size_t low = 1;
    std::size_t high = nodes.size();
    if (!voting_.sufficient(nodes)) {
        return 0;
    }
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (voting_.sufficient(std::span(nodes).first(middle))) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return reached.empty() ? 0 : reached[high - 1].first;
}

// ---- who is waited for --------------------------------------------------------------------------

void Turns::look(totem::Instant now, totem::Duration wait, std::vector<LagChange>& changes) {
    if (durable_ > marked_) {
        marked_ = durable_;
        if (marks_.size() < kMarksMax) {
            marks_.push_back({durable_, now});
        } else {
            marks_.back().number = durable_;
        }
    }
    std::uint64_t overdue = 0;
    while (!marks_.empty() && marks_.front().since + wait <= now) {
        overdue = marks_.front().number;
        marks_.pop_front();
    }
    for (auto& [node, standing] : members_) {
        if (!standing.lagging && standing.durable < overdue) {
            standing.lagging = true;
            changes.push_back({node, true});
        } else if (standing.lagging && standing.durable >= durable_) {
            standing.lagging = false;
            changes.push_back({node, false});
        }
    }
    drop_settled_marks();
}

void Turns::drop_settled_marks() {
    std::uint64_t everybody = durable_;
    for (const auto& [node, standing] : members_) {
        if (!standing.lagging) {
            everybody = std::min(everybody, standing.durable);
        }
    }
    while (!marks_.empty() && marks_.front().number <= everybody) {
        marks_.pop_front();
    }
}

std::optional<totem::Instant> Turns::next_look(totem::Duration wait) const {
    if (marks_.empty()) {
        return std::nullopt;
    }
    return marks_.front().since + wait;
}

bool Turns::lagging(NodeId node) const {
    const auto found = members_.find(node);
    return found != members_.end() && found->second.lagging;
}

std::vector<NodeId> Turns::lagging() const {
    std::vector<NodeId> nodes;
    for (const auto& [node, standing] : members_) {
        if (standing.lagging) {
            nodes.push_back(node);
        }
    }
    return nodes;
}

bool Turns::settled(std::uint64_t number) const {
    return number <= durable_ && std::ranges::all_of(members_, [&](const auto& each) {
               return each.second.lagging || each.second.durable >= number;
           });
}

}  // namespace cfs
