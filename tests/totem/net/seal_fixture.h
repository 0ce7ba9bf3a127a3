// Seals that talk to each other without a network: a test carries each frame by hand, so it can
// keep, change, repeat and redirect what it likes.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "totem/core/frame.h"
#include "totem/net/packet_seal.h"

namespace totem::net::test {

using Bytes = std::vector<std::byte>;

inline constexpr LinkId kLink{0};
inline constexpr NodeId kOne{1};
inline constexpr NodeId kTwo{2};
inline constexpr NodeId kThree{3};

inline Bytes key_material(std::uint8_t which = 7) {
    return Bytes(kKeyFileBytesMin, static_cast<std::byte>(which));
}
// Keys of the cluster "test", the first to send with.
inline std::vector<ClusterKey> keys(std::initializer_list<std::uint8_t> which = {7},
                                    std::string_view cluster = "test") {
    std::vector<ClusterKey> result;
    for (const std::uint8_t material : which) {
        result.emplace_back(key_material(material), cluster);
    }
    return result;
}
inline Bytes bytes_of(const FrameRef& frame) {
    return {frame.bytes().begin(), frame.bytes().end()};
}
inline Bytes bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

// One life of one node. Another life of the same node is another object, made afresh.
struct Life {
    explicit Life(NodeId id, std::vector<ClusterKey> cluster_keys = keys(), bool aes = true)
        : node(id),
          seal(std::make_unique<PacketSeal>(PacketSeal::Config{id, aes}, std::move(cluster_keys),
                                            pool, system_random())) {
        seal->set_nodes(std::array{kOne, kTwo, kThree});
    }

    Bytes say(NodeId to, std::string_view text, LinkId link = kLink) {
        return bytes_of(
            seal->seal(link, to, bytes_of(text.substr(0, 1)), bytes_of(text.substr(1))));
    }
    PacketSeal::Opened hear(std::span<const std::byte> frame, LinkId link = kLink) {
        PacketSeal::Opened opened = seal->open(now, link, pool.copy(frame));
        if (opened.event) {
            events.push_back(*opened.event);
        }
        return opened;
    }
    Verdict verdict(std::span<const std::byte> frame, LinkId link = kLink) {
        return hear(frame, link).verdict;
    }
    [[nodiscard]] std::size_t reported(SealEvent::Kind kind) const {
        return static_cast<std::size_t>(std::ranges::count(events, kind, &SealEvent::kind));
    }

    NodeId node;
    FramePool pool;
    std::unique_ptr<PacketSeal> seal;
    Instant now{};
    std::vector<SealEvent> events;
};

// Carries `frame` from `from` to `to` and every answer back and forth until both are silent. All
// frames that travelled are added to `tape`.
inline Verdict carry(Life& from, Life& to, const Bytes& frame, std::vector<Bytes>* tape = nullptr) {
    Life* receiver = &to;
    Life* sender = &from;
    const PacketSeal::Opened first = to.hear(frame);
    if (tape != nullptr) {
        tape->push_back(frame);
    }
    Bytes answer = bytes_of(first.reply);
    for (int hops = 0; !answer.empty(); ++hops) {
        EXPECT_LT(hops, 4) << "a handshake without end";
        std::swap(receiver, sender);
        if (tape != nullptr) {
            tape->push_back(answer);
        }
        answer = bytes_of(receiver->hear(answer).reply);
        if (hops >= 4) {
            break;
        }
    }
    return first.verdict;
}

// Lets both sessions prove themselves to each other.
inline void introduce(Life& a, Life& b, std::vector<Bytes>* tape = nullptr) {
    carry(a, b, a.say(b.node, "hello"), tape);
}

}  // namespace totem::net::test
