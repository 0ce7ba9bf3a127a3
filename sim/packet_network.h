// The network between the nodes: what becomes of each datagram.
//
// Per directed pair: latency, loss, duplication, reordering, corruption, cuts; per sender: the
// speed of its interface with a queue that drops at its tail. Faults of a schedule switch on and
// off; the network decides by the meaning of a frame (pair, kind, how-many-th of its kind), see
// random.h.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/latency.h"
#include "sim/options.h"
#include "sim/schedule.h"
#include "totem/core/codec.h"
#include "totem/core/types.h"

namespace sim {

using totem::Instant;

class PacketNetwork {
  public:
    // The copies of one datagram that arrive, each after its delay.
    struct Copy {
        Duration delay{};
        bool corrupt = false;
        bool replayed = false;  // so late that only an old recording looks like it
        std::uint64_t noise = 0;
    };
    struct Fate {
        std::array<Copy, 3> copies{};
        std::uint32_t count = 0;
    };

    explicit PacketNetwork(const Options& options);

    [[nodiscard]] Fate send(Instant now, std::uint32_t from, std::uint32_t to,
                            totem::FrameType kind, std::size_t bytes);

    void begin(const Fault& fault);
    void end(const Fault& fault);
    // Ends every fault, the permanent loss included; from now on only `core` is connected.
    void heal(NodeMask core);

    // Frames pass from `from` to `to` at this time, loss aside.
    // Whoever is connected with a third, both ways, is connected with each other.
    [[nodiscard]] bool transitive() const;
    [[nodiscard]] bool connected(std::uint32_t from, std::uint32_t to) const;

  private:
    static constexpr std::size_t kFrameKinds = 6;

    struct Pair {
        std::int32_t cuts = 0;
        std::int32_t loss_per_mille = 0;
        std::int32_t duplicate_per_mille = 0;
        std::int32_t reorder_per_mille = 0;
        std::int32_t corrupt_per_mille = 0;
        std::int32_t replay_per_mille = 0;
        Duration duplicate_delay{};
        Duration reorder_delay{};
        Duration replay_delay{};
        Duration added{};
        std::array<std::uint32_t, kFrameKinds> drop_next{};
        std::array<std::uint32_t, kFrameKinds> sent{};
        Instant last_arrival{};  // frames of a pair keep their order unless reordering is on
    };
    struct Interface {
        std::uint32_t bytes_per_ms = 0;  // 0: no limit
        std::uint32_t queue_bytes = 0;
        Instant free_at{};
    };

    Pair& pair(std::uint32_t from, std::uint32_t to) { return pairs_[from * nodes_ + to]; }
    [[nodiscard]] const Pair& pair(std::uint32_t from, std::uint32_t to) const {
        return pairs_[from * nodes_ + to];
    }
    void change(const Fault& fault, std::int32_t sign);
    void change_pair(const Fault& fault, std::int32_t sign, Pair& link) const;
    // False: the interface's queue is full and the frame is gone.
    bool queue(Instant now, std::uint32_t from, std::size_t bytes, Duration& delay);
    Duration travel(Instant now, Pair& link, std::uint64_t key, Duration delay);

    std::uint64_t seed_;
    std::uint32_t nodes_;
    Latency latency_;
    std::uint32_t loss_per_mille_;
    NodeMask core_;
    std::vector<Pair> pairs_;
    std::vector<Interface> interfaces_;
};

}  // namespace sim
