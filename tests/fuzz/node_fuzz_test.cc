// A node of a three-node ring that hears, in each of the four states, what nobody should send:
// frames changed, cut, invented, of another ring, or simply too old (properties.md M9, M15, C9).
//
// Nothing aborts, the invariants hold after every step (mini_ring.h checks them), a frame that the
// node says it refused left no trace in its state and made it send nothing, and when the noise ends
// the three form a ring again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/frames.h"
#include "tests/support/mini_ring.h"

namespace {

using frames::Frame;
using frames::Random;
using std::chrono::milliseconds;
using std::chrono::seconds;
using totem::FrameType;
using totem::NodeId;
using totem::State;
using totem::TraceKind;
using totem::testing::Flight;
using totem::testing::MiniRing;

constexpr std::size_t kFramesPerLife = 100;  // between two rings
constexpr std::size_t kLives = 100;
constexpr std::size_t kKeptPerType = 24;

struct Case {
    State state = State::kGather;
    std::uint32_t victim = 1;  // 1 is the representative
};

// One number of a frame moved a little: still well-formed, but not what its sender would say.
Frame nudged(Frame frame, Random& random) {
    if (frame.size() < totem::kFrameHeaderBytes + 4) {
        return frame;
    }
    const std::size_t from = totem::kFrameHeaderBytes - 8;  // the sender's id onwards
    const std::size_t at = from + random.below(frame.size() - from - 3);
    std::uint32_t value = 0;
    std::memcpy(&value, frame.data() + at, sizeof(value));
    value += static_cast<std::uint32_t>(random.below(9)) - 4U;
    std::memcpy(frame.data() + at, &value, sizeof(value));
    return frame;
}

Frame noise(Random& random) {
    Frame frame(random.below(200));
    for (std::byte& byte : frame) {
        byte = static_cast<std::byte>(random.below(256));
    }
    return frame;
}

class NodeFuzz : public ::testing::TestWithParam<Case> {
  protected:
    NodeFuzz() : ring_(options()) {
        for (const std::string& kind : frames::kinds()) {
            const auto captured = frames::captured(kind);
            captured_.insert(captured_.end(), captured.begin(), captured.end());
        }
        ring_.watch = [this](const Flight& flight) { record(flight); };
        ring_.on_trace = [this](NodeId, const totem::Trace& trace) {
            refused_ = refused_ || trace.kind == TraceKind::kFrameRejected ||
                       trace.kind == TraceKind::kTokenDropped;
        };
        ring_.start_all(3);
    }

    static MiniRing::Options options() {
        MiniRing::Options options;
        options.mask = trace_bit(TraceKind::kFrameRejected) | trace_bit(TraceKind::kTokenDropped);
        return options;
    }
    [[nodiscard]] std::uint32_t victim() const { return GetParam().victim; }
    totem::Node& node() { return ring_.node(victim()); }

    // What this ring itself sends, the oldest forgotten first: stale before long.
    void record(const Flight& flight) {
        ++sent_;
        auto& kept = live_[flight.type];
        if (kept.size() == kKeptPerType) {
            kept.erase(kept.begin());
        }
        kept.emplace_back(flight.bytes.begin(), flight.bytes.end());
    }
    const Frame& live(Random& random) {
        auto kept = live_.begin();
        std::advance(kept, static_cast<std::ptrdiff_t>(random.below(live_.size())));
        return kept->second[random.below(kept->second.size())];
    }
    Frame hostile(Random& random) {
        switch (random.below(8)) {
            case 0:
                return noise(random);
            case 1:
                return frames::mutated(captured_[random.below(captured_.size())], random);
            case 2:
                return captured_[random.below(captured_.size())];
            case 3:
                return live(random);
            case 4:
            case 5:
                return nudged(live(random), random);
            default:
                return frames::mutated(live(random), random);
        }
    }

    // A ring of all three again, with something to say, whatever the victim believes now.
    void form() {
        ring_.drop = nullptr;
        ring_.forget_histories();
        ring_.input(victim(), totem::ForceGather{});
        ASSERT_TRUE(ring_.form({1, 2, 3}));
        for (std::uint32_t id = 1; id <= 3; ++id) {
            ring_.submit(id, "message of " + std::to_string(id));
        }
        ring_.run_for(milliseconds(2));
    }
    // Brings the victim from OPERATIONAL into the state of this test.
    void lead_into_state() {
        const State wanted = GetParam().state;
        if (wanted == State::kOperational) {
            return;
        }
        ring_.drop = [this, wanted](const Flight& flight) {
            const bool own_commit_token =
                flight.type == FrameType::kCommitToken && flight.from == NodeId{victim()};
            return wanted == State::kGather || (wanted == State::kCommit && own_commit_token) ||
                   (wanted == State::kRecovery && flight.type == FrameType::kOrfToken);
        };
        ring_.input(victim(), totem::ForceGather{});
        ASSERT_TRUE(ring_.run_until([&] { return node().state() == wanted; }, seconds(10)));
    }

    void offer(const Frame& frame) {
        const std::uint64_t state = node().state_hash();
        const std::size_t sent = sent_;
        const std::size_t delivered = ring_.records(victim()).size();
        refused_ = false;
        ring_.receive(victim(), frame);
        if (!refused_) {
            ++taken_;
            return;
        }
        ++refusals_;
        ASSERT_EQ(node().state_hash(), state) << "a refused frame changed the state";
        ASSERT_EQ(sent_, sent) << "a refused frame was answered";
        ASSERT_EQ(ring_.records(victim()).size(), delivered) << "a refused frame was delivered";
    }

    MiniRing ring_;
    std::vector<Frame> captured_;
    std::map<FrameType, std::vector<Frame>> live_;
    bool refused_ = false;
    std::size_t sent_ = 0;
    std::size_t taken_ = 0;
    std::size_t refusals_ = 0;
};

TEST_P(NodeFuzz, NothingAbortsAndRefusedFramesLeaveNoTrace) {
    Random random(static_cast<std::uint64_t>(GetParam().state) * 2 + victim());
    std::size_t in_state = 0;
    for (std::size_t life = 0; life < kLives; ++life) {
        ASSERT_NO_FATAL_FAILURE(form()) << "life " << life;
        ASSERT_NO_FATAL_FAILURE(lead_into_state()) << "life " << life;
        for (std::size_t i = 0; i < kFramesPerLife && !HasFailure(); ++i) {
            in_state += node().state() == GetParam().state ? 1U : 0U;
            ASSERT_NO_FATAL_FAILURE(offer(hostile(random))) << "life " << life << " frame " << i;
        }
        ASSERT_FALSE(HasFailure()) << "life " << life;
    }
    ASSERT_NO_FATAL_FAILURE(form());
    // The test means something only if both outcomes and the state itself were well visited.
    EXPECT_GT(refusals_, kLives * kFramesPerLife / 4);
    EXPECT_GT(taken_, kLives * kFramesPerLife / 20);
    EXPECT_GT(in_state, kLives * kFramesPerLife / 4);
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
    static const std::map<State, std::string> kNames = {{State::kOperational, "Operational"},
                                                        {State::kGather, "Gather"},
                                                        {State::kCommit, "Commit"},
                                                        {State::kRecovery, "Recovery"}};
    return kNames.at(info.param.state) + (info.param.victim == 1 ? "Representative" : "Member");
}

INSTANTIATE_TEST_SUITE_P(States, NodeFuzz,
                         ::testing::Values(Case{State::kOperational, 1},
                                           Case{State::kOperational, 2}, Case{State::kGather, 1},
                                           Case{State::kGather, 2}, Case{State::kCommit, 1},
                                           Case{State::kCommit, 2}, Case{State::kRecovery, 1},
                                           Case{State::kRecovery, 2}),
                         name_of);

}  // namespace
