#include "sim/packet_network.h"

#include <algorithm>
#include <chrono>

#include "sim/random.h"

namespace sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::uint32_t per_mille(std::int32_t sum) {
    return static_cast<std::uint32_t>(std::clamp(sum, 0, 1000));
}

}  // namespace

PacketNetwork::PacketNetwork(const Options& options)
    : seed_(options.seed),
      nodes_(options.nodes),
      latency_(options.latency),
      loss_per_mille_(options.loss_per_mille),
      core_(all_nodes(options.nodes)),
      pairs_(std::size_t{options.nodes} * options.nodes),
      interfaces_(options.nodes) {}

bool PacketNetwork::connected(std::uint32_t from, std::uint32_t to) const {
    const bool in_core = (core_ & mask_of(from)) != 0 && (core_ & mask_of(to)) != 0;
    return in_core && pair(from, to).cuts == 0;
}

bool PacketNetwork::transitive() const {
    std::vector<NodeMask> neighbours(nodes_, 0);
    for (std::uint32_t a = 0; a < nodes_; ++a) {
        for (std::uint32_t b = 0; b < nodes_; ++b) {
            const bool edge = a == b || (connected(a, b) && connected(b, a));
            neighbours[a] |= edge ? mask_of(b) : 0;
        }
    }
    for (std::uint32_t a = 0; a < nodes_; ++a) {
        for (std::uint32_t b = 0; b < nodes_; ++b) {
            if ((neighbours[a] & mask_of(b)) != 0 && neighbours[a] != neighbours[b]) {
                return false;
            }
        }
    }
    return true;
}

bool PacketNetwork::queue(Instant now, std::uint32_t from, std::size_t bytes, Duration& delay) {
    Interface& interface = interfaces_[from];
    if (interface.bytes_per_ms == 0) {
        return true;
    }
    const auto time_of = [&interface](std::size_t count) {
        return nanoseconds{count * 1'000'000 / interface.bytes_per_ms};
    };
    interface.free_at = std::max(interface.free_at, now);
    if (interface.free_at - now > time_of(interface.queue_bytes)) {
        return false;
    }
    interface.free_at += time_of(bytes);
    delay += interface.free_at - now;
    return true;
}

Duration PacketNetwork::travel(Instant now, Pair& link, std::uint64_t key, Duration delay) {
    delay += link.added + sample(latency_, draw(key, Purpose::kLatency));
    const std::uint64_t h = draw(key, Purpose::kReorder);
    if (chance(h, per_mille(link.reorder_per_mille))) {
        return delay + link.reorder_delay * below(mix(h), 1000) / 1000;
    }
    link.last_arrival = std::max(link.last_arrival + nanoseconds{1}, now + delay);
    return link.last_arrival - now;
}

PacketNetwork::Fate PacketNetwork::send(Instant now, std::uint32_t from, std::uint32_t to,
                                        totem::FrameType kind, std::size_t bytes) {
    Fate fate;
    Pair& link = pair(from, to);
    const auto kind_index = static_cast<std::size_t>(kind);
    const std::uint32_t ordinal = ++link.sent.at(kind_index);
    const std::uint64_t pair_key = (std::uint64_t{from} << 16U) | (to << 8U) | kind_index;
    const std::uint64_t key = combine(combine(seed_, pair_key), ordinal);
    Duration delay{};
    if (!queue(now, from, bytes, delay) || !connected(from, to)) {
        return fate;
    }
    if (std::uint32_t& drops = link.drop_next.at(kind_index); drops > 0) {
        --drops;
        return fate;
    }
    const std::uint32_t loss =
        per_mille(link.loss_per_mille + static_cast<std::int32_t>(loss_per_mille_));
    if (chance(draw(key, Purpose::kLoss), loss)) {
        return fate;
    }
    const bool corrupt = chance(draw(key, Purpose::kCorrupt), per_mille(link.corrupt_per_mille));
    const Duration first = travel(now, link, key, delay);
    fate.copies[fate.count++] = {first, corrupt, false, draw(key, Purpose::kCorrupt, 1)};
    if (const std::uint64_t h = draw(key, Purpose::kDuplicate);
        chance(h, per_mille(link.duplicate_per_mille))) {
        const Duration late = link.duplicate_delay * below(mix(h), 1000) / 1000;
        fate.copies[fate.count++] = {first + late, false, false, 0};
    }
    if (const std::uint64_t h = draw(key, Purpose::kReplay);
        chance(h, per_mille(link.replay_per_mille))) {
        const Duration late = link.replay_delay * below(mix(h), 1000) / 1000;
        fate.copies[fate.count++] = {first + late, false, true, 0};
    }
    return fate;
}

void PacketNetwork::change_pair(const Fault& fault, std::int32_t sign, Pair& link) const {
    const auto value = static_cast<std::int32_t>(fault.value) * sign;
    switch (fault.kind) {
        case FaultKind::kLoss:
            link.loss_per_mille += value;
            break;
        case FaultKind::kDuplicate:
            link.duplicate_per_mille += value;
            link.duplicate_delay =
                std::max<Duration>(link.duplicate_delay, milliseconds{fault.extra});
            break;
        case FaultKind::kReorder:
            link.reorder_per_mille += value;
            link.reorder_delay = std::max<Duration>(link.reorder_delay, milliseconds{fault.extra});
            break;
        case FaultKind::kLatency:
            link.added += microseconds{value};
            break;
        case FaultKind::kCut:
            link.cuts += sign;
            break;
        case FaultKind::kDropKind:
            link.drop_next.at(fault.value % kFrameKinds) = sign > 0 ? fault.extra : 0;
            break;
        case FaultKind::kReplay:
            link.replay_per_mille += value;
            link.replay_delay = std::max<Duration>(link.replay_delay, seconds{fault.extra});
            break;
        case FaultKind::kCorrupt:
            link.corrupt_per_mille += value;
            break;
        default:
            break;
    }
}

void PacketNetwork::change(const Fault& fault, std::int32_t sign) {
    for (std::uint32_t from = 0; from < nodes_; ++from) {
        if (fault.kind == FaultKind::kBandwidth && (fault.from & mask_of(from)) != 0) {
            interfaces_[from] = sign > 0 ? Interface{fault.value, fault.extra, {}} : Interface{};
        }
        for (std::uint32_t to = 0; to < nodes_; ++to) {
            const bool forth = (fault.from & mask_of(from)) != 0 && (fault.to & mask_of(to)) != 0;
            const bool back = fault.kind == FaultKind::kCut && fault.value == 1 &&
                              (fault.from & mask_of(to)) != 0 && (fault.to & mask_of(from)) != 0;
            if (from != to && (forth || back)) {
                change_pair(fault, sign, pair(from, to));
            }
        }
    }
}

void PacketNetwork::begin(const Fault& fault) { change(fault, 1); }

void PacketNetwork::end(const Fault& fault) { change(fault, -1); }

void PacketNetwork::heal(NodeMask core) {
    core_ = core;
    loss_per_mille_ = 0;
    for (Pair& link : pairs_) {
        const auto sent = link.sent;
        const Instant last_arrival = link.last_arrival;
        link = Pair{};
        link.sent = sent;
        link.last_arrival = last_arrival;
    }
    interfaces_.assign(nodes_, Interface{});
}

}  // namespace sim
