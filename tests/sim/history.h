// A history of three nodes, told to every checker, for the tests that plant bugs into it.
#pragma once

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "sim/checkers/all.h"

namespace sim {

using namespace std::chrono_literals;
using totem::FrameType;

inline constexpr RingId kFirst{NodeId{1}, 8};
inline constexpr RingId kSecond{NodeId{1}, 12};

// A recorder with every checker, and the words to tell it a history of three nodes.
class History {
  public:
    History() : recorder_(Seq{0}, 3) {
        Options options;
        options.nodes = 3;
        add_all_checkers(recorder_, options);
    }

    void start(std::uint32_t node, std::uint64_t stored = 0) {
        recorder_.publish(Started{at(node), stored, DiskFate::kKept});
    }
    void durable(std::uint32_t node, std::uint64_t ring_seq) {
        recorder_.publish(Durable{at(node), ring_seq});
    }
    void transitional(std::uint32_t node, RingId ring, NodeMask members, NodeMask left = 0) {
        recorder_.publish(Configured{at(node), false, ring, members, left, 0, true});
    }
    void regular(std::uint32_t node, RingId ring, NodeMask members, NodeMask joined = 0) {
        recorder_.publish(Configured{at(node), true, ring, members, 0, joined, true});
    }
    void originate(std::uint32_t node, RingId ring, std::uint32_t seq,
                   Guarantee guarantee = Guarantee::kAgreed) {
        recorder_.publish(
            Originated{at(node), ring, Seq{seq}, guarantee, false, true, hash(ring, seq), 100});
    }
    void hold(std::uint32_t node, RingId ring, std::uint32_t seq) {
        recorder_.publish(Held{at(node), ring, Seq{seq}});
    }
    void deliver(std::uint32_t node, std::uint32_t from, RingId ring, std::uint32_t seq,
                 Guarantee guarantee = Guarantee::kAgreed) {
        recorder_.publish(
            Delivered{at(node), ring, Seq{seq}, id_of(from), guarantee, hash(ring, seq), 100});
    }
    void release(std::uint32_t node, RingId ring, std::uint32_t upto) {
        recorder_.publish(Released{at(node), ring, Seq{upto}});
    }
    void token(std::uint32_t node, RingId ring, std::uint32_t token_seq, std::uint32_t seq) {
        recorder_.publish(TokenTaken{at(node), ring, token_seq, Seq{seq}});
    }
    void speak(std::uint32_t node, FrameType kind, RingId ring) {
        recorder_.publish(Spoke{at(node), static_cast<std::uint8_t>(kind), ring, {}});
    }
    template <typename Event>
    void publish(const Event& event) {
        recorder_.publish(event);
    }

    // Three nodes form the first ring; each has sent one message that all have delivered.
    void form() {
        for (std::uint32_t node = 0; node < 3; ++node) {
            start(node);
            durable(node, 1024);
            transitional(node, kFirst, mask_of(node));
            regular(node, kFirst, 0b111, 0b111);
        }
        for (std::uint32_t seq = 1; seq <= 3; ++seq) {
            say(seq - 1, seq);
        }
    }
    // One message, originated, held and delivered by all three.
    void say(std::uint32_t from, std::uint32_t seq) {
        originate(from, kFirst, seq);
        for (std::uint32_t node = 0; node < 3; ++node) {
            hold(node, kFirst, seq);
            deliver(node, from, kFirst, seq);
        }
    }
    // Nodes 1 and 2 go on without node 3.
    void lose_third() {
        for (std::uint32_t node = 0; node < 2; ++node) {
            transitional(node, kSecond, 0b011, 0b100);
            regular(node, kSecond, 0b011);
        }
    }

    [[nodiscard]] std::string property() {
        const auto& first = recorder_.findings().first();
        return first ? first->property : "";
    }
    static Where at(std::uint32_t node) { return {Instant{1s}, node, 1}; }

  private:
    static std::uint64_t hash(RingId ring, std::uint32_t seq) { return ring.seq * 1000 + seq; }

    Recorder recorder_;
};

struct Planted {
    const char* name;
    const char* property;
    std::function<void(History&)> tell;
};

class PlantedBug : public ::testing::TestWithParam<Planted> {};

}  // namespace sim
