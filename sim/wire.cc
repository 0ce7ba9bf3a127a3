#include "sim/wire.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "sim/random.h"

namespace sim {

namespace {

constexpr std::size_t kTypeOffset = 3;

// A decoder of the protocol would take it for a good frame.
bool decodes(totem::Bytes frame) {
    const auto type = totem::peek_type(frame);
    if (!type) {
        return false;
    }
    switch (*type) {
        case totem::FrameType::kOrfToken:
            return totem::decode_orf_token(frame).has_value();
        case totem::FrameType::kData:
            return totem::decode_data_header(frame).has_value();
        case totem::FrameType::kMergeDetect:
            return totem::decode_merge_detect(frame).has_value();
        case totem::FrameType::kJoin:
            return totem::decode_join(frame).has_value();
        case totem::FrameType::kCommitToken:
            return totem::decode_commit_token(frame).has_value();
        case totem::FrameType::kHoldCancel:
            return totem::decode_hold_cancel(frame).has_value();
    }
    return false;
}

}  // namespace

totem::FrameRef flatten(totem::FramePool& pool, const totem::Datagram& datagram) {
    const auto body = datagram.body.bytes();
    totem::FrameRef frame = pool.allocate(datagram.head_size + body.size());
    const auto out = frame.writable();
    std::copy_n(datagram.head.begin(), datagram.head_size, out.begin());
    std::ranges::copy(body, out.begin() + datagram.head_size);
    return frame;
}

std::uint64_t hash_bytes(totem::Bytes bytes) {
    std::uint64_t h = bytes.size();
    while (bytes.size() >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof(word));
        h = (h ^ word) * 0x9E3779B97F4A7C15ULL;
        h ^= h >> 29U;
        bytes = bytes.subspan(sizeof(word));
    }
    std::uint64_t rest = 0;
    std::memcpy(&rest, bytes.data(), bytes.size());
    return mix(h ^ rest);
}

Wire::Wire(const Options& options, EventQueue& queue)
    : queue_(&queue), network_(options), nodes_(options.nodes), sealed_(options.sealed) {}

void Wire::schedule(Instant at, std::uint32_t to, Packet packet) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
        slot = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back(std::move(packet));
    } else {
        slot = free_.back();
        free_.pop_back();
        slots_[slot] = std::move(packet);
    }
    queue_->push(
        {.at = at, .kind = EventKind::kArrive, .node = static_cast<std::uint8_t>(to), .a = slot});
}

Packet Wire::take(std::uint32_t slot) {
    free_.push_back(slot);
    return std::move(slots_[slot]);
}

Packet Wire::damage(const totem::FrameRef& frame, std::uint64_t noise) {
    Packet packet;
    const std::uint32_t way = below(noise, 4);
    const std::uint64_t h = mix(noise);
    packet.frame = pool_.copy(frame.bytes());
    const auto bytes = packet.frame.writable();
    if (way == 0 || bytes.size() <= kTypeOffset) {
        packet.frame.truncate(below(h, static_cast<std::uint32_t>(bytes.size())));
    } else if (way == 1) {
        const std::size_t reach = sealed_ ? bytes.size() : 4;
        bytes[below(h, static_cast<std::uint32_t>(reach))] ^=
            static_cast<std::byte>(1U << (h & 7U));
    } else {
        std::uint64_t garbage = h;
        for (std::byte& byte : bytes) {
            garbage = mix(garbage + 1);
            byte = static_cast<std::byte>(garbage & 0xFFU);
        }
        if (way == 3) {  // a good header before the garbage
            std::copy_n(frame.bytes().begin(), std::min<std::size_t>(5, bytes.size()),
                        bytes.begin());
        }
    }
    packet.ignorable = true;
    return packet;
}

void Wire::transmit_to(Instant now, std::uint32_t from, std::uint32_t to, const Outgoing& out) {
    ++sent_;
    const auto fate = network_.send(now, from, to, out.kind, out.frame.size());
    for (std::uint32_t i = 0; i < fate.count; ++i) {
        const PacketNetwork::Copy& copy = fate.copies.at(i);
        Packet packet{.frame = out.frame, .replayed = copy.replayed};
        if (copy.corrupt) {
            packet = damage(out.frame, copy.noise);
            if (!sealed_ && decodes(packet.frame.bytes())) {
                continue;  // an unsealed ring cannot tell; the checksum of UDP would
            }
        }
        packet.from = static_cast<std::uint8_t>(from);
        packet.token = out.kind == totem::FrameType::kOrfToken;
        schedule(now + copy.delay, to, std::move(packet));
    }
}

void Wire::transmit(Instant now, std::uint32_t from, totem::FrameType kind,
                    const totem::Datagram& datagram) {
    const Outgoing out{kind, flatten(pool_, datagram)};
    if (datagram.to != totem::kNoNode) {
        const std::uint32_t to = totem::raw(datagram.to) - 1;
        if (to < nodes_) {
            transmit_to(now, from, to, out);
        }
        return;
    }
    for (std::uint32_t to = 0; to < nodes_; ++to) {
        if (to != from) {
            transmit_to(now, from, to, out);
        }
    }
}

void Wire::loop_back(Instant now, std::uint32_t node, const totem::Datagram& datagram) {
    Packet packet{.frame = flatten(pool_, datagram), .from = static_cast<std::uint8_t>(node)};
    schedule(now + std::chrono::microseconds{1}, node, std::move(packet));
}

}  // namespace sim
