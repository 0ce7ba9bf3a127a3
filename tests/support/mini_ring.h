// A ring of real protocol cores in memory, for tests: virtual time, a network that delivers every
// frame after the same short delay unless the test says otherwise, and the invariants checked after
// every step.
//
// Smaller than the simulator on purpose: no random faults, no disks, no services. Everything that a
// node delivered is kept as text, one line per delivery, so a test compares plain strings:
//   "trans 1.8 members=(1,2) left=(3)"   "regular 1.8 members=(1,2) joined=()"   "1:hello"
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "totem/core/codec.h"
#include "totem/core/invariants.h"
#include "totem/core/node.h"
#include "totem/core/perform.h"
#include "totem/core/stats.h"

namespace totem::testing {

using std::chrono::microseconds;
using std::chrono::milliseconds;

[[nodiscard]] inline FrameRef text_frame(FramePool& pool, std::string_view text) {
    FrameRef frame = pool.allocate(kDataHeaderBytes + text.size());
    std::ranges::transform(text, frame.writable().begin() + kDataHeaderBytes,
                           [](char c) { return static_cast<std::byte>(c); });
    return frame;
}

[[nodiscard]] inline std::string to_text(Bytes bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        text.push_back(static_cast<char>(b));
    }
    return text;
}

[[nodiscard]] inline std::string to_text(const std::vector<NodeId>& nodes) {
    std::string text = "(";
    for (const NodeId node : nodes) {
        text += (text.size() > 1 ? "," : "") + std::to_string(raw(node));
    }
    return text + ")";
}

[[nodiscard]] inline std::string to_text(const RingId& ring) {
    return std::to_string(raw(ring.representative)) + "." + std::to_string(ring.seq);
}

// Messages that wait for the token.
class TextSource : public MessageSource {
  public:
    explicit TextSource(FramePool& pool) : pool_(&pool) {}
    void submit(std::string text, Guarantee guarantee) {
        waiting_.emplace_back(std::move(text), guarantee);
    }
    [[nodiscard]] std::size_t backlog() const override { return waiting_.size(); }
    [[nodiscard]] Outgoing take() override {
        auto [text, guarantee] = std::move(waiting_.front());
        waiting_.pop_front();
        return {.frame = text_frame(*pool_, text), .guarantee = guarantee};
    }

  private:
    FramePool* pool_;
    std::deque<std::pair<std::string, Guarantee>> waiting_;
};

// One event of a node's history: it started, a configuration, a message.
struct Record {
    enum class Kind : std::uint8_t { kStart, kTransitional, kRegular, kMessage };
    Kind kind = Kind::kStart;
    RingId ring{};  // of a message: whose order it belongs to; of a configuration: the new ring
    Seq seq{};
    NodeId sender = kNoNode;
    Guarantee guarantee = Guarantee::kAgreed;
    std::string text{};
    std::vector<NodeId> members{};
    std::vector<NodeId> others{};  // left or joined
};

[[nodiscard]] inline Record to_record(const Delivery& delivery) {
    if (const auto* message = std::get_if<DeliveredMessage>(&delivery)) {
        return {.kind = Record::Kind::kMessage,
                .ring = message->ring,
                .seq = message->seq,
                .sender = message->sender,
                .guarantee = message->guarantee,
                .text = to_text(message->payload.bytes())};
    }
    const auto& change = std::get<Configuration>(delivery);
    const bool regular = change.kind == Configuration::Kind::kRegular;
    return {.kind = regular ? Record::Kind::kRegular : Record::Kind::kTransitional,
            .ring = change.ring,
            .members = change.members,
            .others = regular ? change.joined : change.left};
}

[[nodiscard]] inline std::string to_text(const Record& record) {
    switch (record.kind) {
        case Record::Kind::kStart:
            return "start";
        case Record::Kind::kMessage:
            return std::to_string(raw(record.sender)) + ":" + record.text;
        case Record::Kind::kTransitional:
            return "trans " + to_text(record.ring) + " members=" + to_text(record.members) +
                   " left=" + to_text(record.others);
        case Record::Kind::kRegular:
            return "regular " + to_text(record.ring) + " members=" + to_text(record.members) +
                   " joined=" + to_text(record.others);
    }
    return {};
}

// One frame on its way, as a test's filter sees it.
struct Flight {
    NodeId from = kNoNode;
    NodeId to = kNoNode;
    FrameType type{};
    Bytes bytes;
};

class MiniRing {
  public:
    struct Options {
        RingConfig config;
        microseconds latency{100};
        microseconds persist{0};
        TraceMask mask = 0;
    };

    MiniRing() : MiniRing(Options{}) {}
    explicit MiniRing(Options options) : options_(options) {}

    // Starts a node (again, with what its disk holds).
    void start(std::uint32_t id) {
        const NodeId node_id{id};
        auto& life = lives_[node_id];
        life.node.reset();
        life.effects.clear();
        RingConfig config = options_.config;
        config.self = node_id;
        life.incarnation = ++incarnations_;
        life.wake_at.reset();
        life.alive = true;
        life.last.reset();
        life.records.push_back({});
        life.source = std::make_unique<TextSource>(life.pool);
        life.node = std::make_unique<Node>(config, life.pool, *life.source, options_.mask);
        step(node_id, Start{.stored_ring_seq = life.disk});
    }
    void start_all(std::uint32_t count) {
        for (std::uint32_t id = 1; id <= count; ++id) {
            start(id);
        }
    }
    void kill(std::uint32_t id) { lives_.at(NodeId{id}).alive = false; }
    void leave(std::uint32_t id) {
        step(NodeId{id}, Leave{});
        kill(id);
    }
    // The process sleeps: frames and its deadline wait until resume().
    void pause(std::uint32_t id) { lives_.at(NodeId{id}).paused = true; }
    void resume(std::uint32_t id) {
        auto& life = lives_.at(NodeId{id});
        life.paused = false;
        const auto missed = std::exchange(life.missed, {});
        for (const auto& bytes : missed) {
            step(NodeId{id}, Received{.frame = life.pool.copy(bytes)});
        }
    }
    void submit(std::uint32_t id, std::string text, Guarantee guarantee = Guarantee::kAgreed) {
        lives_.at(NodeId{id}).source->submit(std::move(text), guarantee);
        step(NodeId{id}, Submitted{});
    }
    void input(std::uint32_t id, const Input& value) { step(NodeId{id}, value); }
    void receive(std::uint32_t id, Bytes bytes) {
        step(NodeId{id}, Received{.frame = lives_.at(NodeId{id}).pool.copy(bytes)});
    }

    // Nodes of different groups do not hear each other; a node in no group hears nobody.
    void partition(const std::vector<std::set<std::uint32_t>>& groups) { groups_ = groups; }
    void heal() { groups_.clear(); }
    // Frames for which this answers true are lost.
    std::function<bool(const Flight&)> drop;
    // Sees every frame that is sent, once per receiver, lost or not.
    std::function<void(const Flight&)> watch;
    std::function<void(NodeId, const Trace&)> on_trace;
    // When the copies of a frame arrive: none, one or several. Absent: one, after the latency.
    std::function<std::vector<Duration>(const Flight&)> copies;

    void run_for(Duration duration) {
        const Instant until = now_ + duration;
        while (advance(until)) {
        }
        now_ = until;
    }
    // False when the limit passes first.
    bool run_until(const std::function<bool()>& reached,
                   Duration limit = std::chrono::seconds(60)) {
        const Instant until = now_ + limit;
        while (!reached()) {
            if (!advance(until)) {
                now_ = until;
                return false;
            }
        }
        return true;
    }

    // All of `ids` are OPERATIONAL on one ring whose members are exactly they.
    [[nodiscard]] bool formed(const std::vector<std::uint32_t>& ids) const {
        const RingId ring = lives_.at(NodeId{ids.front()}).node->ring();
        return std::ranges::all_of(ids, [&](std::uint32_t id) {
            const auto& life = lives_.at(NodeId{id});
            const Snapshot now = life.node->snapshot();
            return life.alive && now.state == State::kOperational && now.ring == ring &&
                   now.members_size == ids.size();
        });
    }
    bool form(const std::vector<std::uint32_t>& ids, Duration limit = std::chrono::seconds(60)) {
        return run_until([&] { return formed(ids); }, limit);
    }

    [[nodiscard]] Node& node(std::uint32_t id) { return *lives_.at(NodeId{id}).node; }
    [[nodiscard]] const std::vector<Record>& records(std::uint32_t id) {
        return lives_.at(NodeId{id}).records;
    }
    // Configurations and messages as text.
    [[nodiscard]] std::vector<std::string> history(std::uint32_t id) {
        std::vector<std::string> lines;
        for (const Record& record : records(id)) {
            if (record.kind != Record::Kind::kStart) {
                lines.push_back(to_text(record));
            }
        }
        return lines;
    }
    // Only the messages.
    [[nodiscard]] std::vector<std::string> messages(std::uint32_t id) {
        std::vector<std::string> lines;
        for (const Record& record : records(id)) {
            if (record.kind == Record::Kind::kMessage) {
                lines.push_back(to_text(record));
            }
        }
        return lines;
    }
    void forget_histories() {
        for (auto& [id, life] : lives_) {
            life.records.clear();
        }
    }
    [[nodiscard]] FramePool& pool(std::uint32_t id) { return lives_.at(NodeId{id}).pool; }
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] std::uint64_t disk(std::uint32_t id) { return lives_.at(NodeId{id}).disk; }
    void set_disk(std::uint32_t id, std::uint64_t stored) { lives_[NodeId{id}].disk = stored; }
    [[nodiscard]] std::optional<Instant> wake_at(std::uint32_t id) {
        return lives_.at(NodeId{id}).wake_at;
    }
    Options& options() { return options_; }

  private:
    struct Life {
        FramePool pool;
        std::unique_ptr<TextSource> source;
        std::unique_ptr<Node> node;
        Effects effects;
        std::optional<Instant> wake_at;
        std::optional<Snapshot> last;
        std::vector<Record> records;
        std::vector<std::vector<std::byte>> missed;
        std::uint64_t disk = 0;
        std::uint64_t incarnation = 0;
        bool alive = false;
        bool paused = false;
    };
    struct Event {
        Instant at{};
        std::uint64_t number = 0;
        NodeId node = kNoNode;
        std::uint64_t incarnation = 0;
        std::optional<std::uint64_t> persisted{};  // else a frame
        std::vector<std::byte> bytes{};
        bool operator<(const Event& other) const {
            return std::pair(other.at, other.number) < std::pair(at, number);
        }
    };
    // What perform() needs.
    struct NodeHost {
        MiniRing& ring;
        NodeId id;
        void persist(std::uint64_t bound) {
            ring.schedule(ring.options_.persist, {.node = id, .persisted = bound, .bytes = {}});
        }
        void send(const Datagram& datagram) { ring.send(id, datagram); }
        void deliver(const Delivery& delivery) {
            ring.lives_.at(id).records.push_back(to_record(delivery));
        }
        void trace(const Trace& trace) {
            if (ring.on_trace) {
                ring.on_trace(id, trace);
            }
        }
        void wake_at(std::optional<Instant> when) { ring.lives_.at(id).wake_at = when; }
    };

    void schedule(Duration delay, Event event) {
        event.at = now_ + delay;
        event.number = ++numbers_;
        event.incarnation = lives_.at(event.node).incarnation;
        events_.push(std::move(event));
    }
    [[nodiscard]] bool connected(NodeId a, NodeId b) const {
        return groups_.empty() || std::ranges::any_of(groups_, [&](const auto& group) {
                   return group.contains(raw(a)) && group.contains(raw(b));
               });
    }
    void send(NodeId from, const Datagram& datagram) {
        std::vector<std::byte> bytes(datagram.head.begin(),
                                     datagram.head.begin() + datagram.head_size);
        const Bytes body = datagram.body.bytes();
        bytes.insert(bytes.end(), body.begin(), body.end());
        for (auto& [to, life] : lives_) {
            const bool addressed = datagram.to == kNoNode ? to != from : to == datagram.to;
            if (!addressed || !life.alive || (to != from && !connected(from, to))) {
                continue;
            }
            const auto type = peek_type(bytes);
            const Flight flight{.from = from, .to = to, .type = type.value(), .bytes = bytes};
            if (watch) {
                watch(flight);
            }
            if (drop && drop(flight)) {
                continue;
            }
            const auto arrivals = copies ? copies(flight) : std::vector<Duration>{options_.latency};
            for (const Duration after : arrivals) {
                schedule(after, {.node = to, .persisted = {}, .bytes = bytes});
            }
        }
    }

    void step(NodeId id, const Input& value) {
        Life& life = lives_.at(id);
        if (!life.alive) {
            return;
        }
        life.effects.clear();
        life.node->step(now_, value, life.effects);
        check(id, life);
        NodeHost host{*this, id};
        perform(life.effects, host);
        life.effects.clear();
    }
    static void check(NodeId id, Life& life) {
        const Snapshot now = life.node->snapshot();
        const auto broken = broken_invariant(now);
        ASSERT_FALSE(broken) << "node " << raw(id) << ": " << *broken;
        if (life.last) {
            const auto change = broken_change(*life.last, now);
            ASSERT_FALSE(change) << "node " << raw(id) << ": " << *change;
        }
        life.last = now;
    }

    // The next event or deadline not after `until`; false when there is none.
    bool advance(Instant until) {
        Life* due = nullptr;
        NodeId due_id = kNoNode;
        for (auto& [id, life] : lives_) {
            if (life.alive && !life.paused && life.wake_at &&
                (due == nullptr || *life.wake_at < *due->wake_at)) {
                due = &life;
                due_id = id;
            }
        }
        // All readable input comes before Wake.
        if (!events_.empty() && (due == nullptr || events_.top().at <= *due->wake_at)) {
            if (events_.top().at > until) {
                return false;
            }
            const Event event = events_.top();
            events_.pop();
            now_ = std::max(now_, event.at);
            arrive(event);
            return true;
        }
        if (due == nullptr || *due->wake_at > until) {
            return false;
        }
        now_ = std::max(now_, *due->wake_at);
        step(due_id, Wake{});
        return true;
    }
    void arrive(const Event& event) {
        Life& life = lives_.at(event.node);
        if (event.persisted) {
            life.disk = std::max(life.disk, *event.persisted);
        }
        if (!life.alive || life.incarnation != event.incarnation) {
            return;
        }
        if (event.persisted) {
            return step(event.node, Persisted{.ring_seq = *event.persisted});
        }
        if (life.paused) {
            life.missed.push_back(event.bytes);
            return;
        }
        step(event.node, Received{.frame = life.pool.copy(event.bytes)});
    }

    Options options_;
    std::map<NodeId, Life> lives_;
    std::priority_queue<Event> events_;
    std::vector<std::set<std::uint32_t>> groups_;
    Instant now_{};
    std::uint64_t numbers_ = 0;
    std::uint64_t incarnations_ = 0;
};

}  // namespace totem::testing
