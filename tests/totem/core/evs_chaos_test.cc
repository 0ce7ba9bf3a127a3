// Extended virtual synchrony under random faults: loss, delay, duplicates, partitions, crashes.
//
// Each seed is one run of chaos, then healing. Safety is checked over all histories, liveness by
// the deadline of the last line. A failure prints its seed; QUORATE_SEED runs that one alone,
// QUORATE_SEEDS as many as wanted.
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/evs_checker.h"
#include "tests/support/mini_ring.h"

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using totem::Duration;
using totem::Guarantee;
using totem::NodeId;
using totem::testing::Flight;
using totem::testing::MiniRing;

class Chaos {
  public:
    explicit Chaos(std::uint64_t seed) : random_(seed), ring_(options()) {
        nodes_ = 1 + below(5);
        loss_percent_ = below(3) == 0 ? below(25) : below(4);
        ring_.copies = [this](const Flight& flight) { return fates(flight); };
        ring_.on_trace = [this](NodeId node, const totem::Trace& trace) { note(node, trace); };
    }

    void run() {
        ring_.start_all(nodes_);
        for (std::uint32_t i = 0; i < 60 && !::testing::Test::HasFailure(); ++i) {
            act();
            ring_.run_for(microseconds(below(3) == 0 ? below(800'000) : below(20'000)));
        }
        loss_percent_ = 0;
        ring_.heal();
        std::vector<std::uint32_t> all(nodes_);
        std::iota(all.begin(), all.end(), 1);
        for (const std::uint32_t id : all) {
            if (paused_.contains(id)) {
                ring_.resume(id);
            }
            if (down_.contains(id)) {
                ring_.start(id);
            }
            ring_.submit(id, text());
        }
        EXPECT_TRUE(ring_.form(all, seconds(20))) << "no common ring";
        ring_.run_for(seconds(1));
    }

    void check() {
        totem::testing::Passages passages;
        for (std::uint32_t id = 1; id <= nodes_; ++id) {
            const auto mine = totem::testing::passages_of(NodeId{id}, ring_.records(id));
            passages.insert(passages.end(), mine.begin(), mine.end());
        }
        EXPECT_EQ(check_order(passages), "");
        EXPECT_EQ(check_together(passages), "");
        EXPECT_EQ(check_safe(passages), "");
        EXPECT_EQ(check_self_delivery(passages, originated_), "");
        EXPECT_EQ(check_no_sender_gap(passages, originated_), "");
    }

  private:
    static MiniRing::Options options() {
        MiniRing::Options options;
        options.config.token = milliseconds(300);
        options.config.token_retransmit = milliseconds(70);
        options.config.hold = milliseconds(50);
        options.config.join = milliseconds(20);
        options.config.consensus = milliseconds(400);
        options.config.merge = milliseconds(60);
        options.config.commit = milliseconds(90);
        options.config.max_messages = 5;
        options.config.window_size = 12;
        options.config.first_seq = 0xFFFFFF00U;
        options.mask =
            trace_bit(totem::TraceKind::kOriginated) | trace_bit(totem::TraceKind::kState);
        return options;
    }
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(random_() % bound);
    }
    std::string text() { return "m" + std::to_string(++messages_); }

    void act() {
        const std::uint32_t id = 1 + below(nodes_);
        const std::uint32_t what = below(22);
        if (paused_.erase(id) != 0) {
            return ring_.resume(id);
        }
        if (what < 11) {
            for (std::uint32_t i = below(20); i > 0 && !down_.contains(id); --i) {
                ring_.submit(id, text(), below(3) == 0 ? Guarantee::kSafe : Guarantee::kAgreed);
            }
        } else if (what < 13) {
            std::vector<std::set<std::uint32_t>> groups(2 + below(2));
            for (std::uint32_t node = 1; node <= nodes_; ++node) {
                groups[below(static_cast<std::uint32_t>(groups.size()))].insert(node);
            }
            ring_.partition(groups);
        } else if (what < 16) {
            ring_.heal();
        } else if (down_.erase(id) != 0) {
            ring_.start(id);
        } else if (what < 18) {
            what % 2 == 0 ? ring_.kill(id) : ring_.leave(id);
            down_.insert(id);
        } else if (what < 19) {
            paused_.insert(id);
            ring_.pause(id);
        } else {
            loss_percent_ = below(3) == 0 ? below(30) : below(3);
        }
    }
    std::vector<Duration> fates(const Flight& flight) {
        if (flight.from == flight.to) {
            return {microseconds(10)};
        }
        if (below(100) < loss_percent_) {
            return {};
        }
        const auto delay = [this] {
            return microseconds(below(50) == 0 ? below(8000) : 50 + below(200));
        };
        return below(100) == 0 ? std::vector<Duration>{delay(), delay()}
                               : std::vector<Duration>{delay()};
    }
    void note(NodeId node, const totem::Trace& trace) {
        if (trace.kind == totem::TraceKind::kState) {
            states_[node] = static_cast<totem::State>(trace.b);
        } else if (states_[node] == totem::State::kOperational) {
            originated_.emplace(node, trace.ring, static_cast<std::uint32_t>(trace.a));
        }
    }

    std::mt19937_64 random_;
    MiniRing ring_;
    std::uint32_t nodes_ = 1;
    std::uint32_t loss_percent_ = 0;
    std::uint32_t messages_ = 0;
    std::set<std::uint32_t> down_;
    std::set<std::uint32_t> paused_;
    std::map<NodeId, totem::State> states_;
    totem::testing::Originated originated_;
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(EvsChaos, HoldsForEverySeed) {
    const std::uint64_t first = number_from("QUORATE_SEED", 1);
    const bool alone = std::getenv("QUORATE_SEED") != nullptr;
    const std::uint64_t count = number_from("QUORATE_SEEDS", alone ? 1 : 60);
    for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) {
        SCOPED_TRACE("QUORATE_SEED=" + std::to_string(seed));
        Chaos chaos(seed);
        chaos.run();
        chaos.check();
    }
}

}  // namespace
