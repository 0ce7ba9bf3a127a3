// What replicas say to each other, as bytes; who may decide; which turns are ordered and durable.
#include "cfs/core/messages.h"

#include <gtest/gtest.h>

#include "cfs/core/replica_turns.h"
#include "tests/cfs/cluster.h"
#include "tests/cfs/replica.h"

namespace {

using namespace std::chrono_literals;
using cfs::DecodeError;
using cfs::EpochName;
using cfs::Message;
using cfs::Progress;
using cfs::Turns;
using cfs::Voting;
using totem::NodeId;

cfs::Point point(std::uint64_t epoch, std::uint64_t index) {
    return {{epoch, index}, {{1, 2, 3, 4}}};
}

std::vector<Message> one_of_each(const std::vector<std::byte>& payload) {
    cfs::Hello hello{cfs::ViewName{7}, 2, cfs::Life{9}, 3, point(3, 4), cfs::VotingName{5}};
    hello.branch = true;
    return {hello,
            cfs::Propose{cfs::StageName{7}, 8, point(3, 4), cfs::VotingName{5}, true},
            cfs::Promised{EpochName{6}},
            cfs::Operate{EpochName{6}, payload},
            Progress{EpochName{6}, 10, 11, 9},
            cfs::Conflict{cfs::StageName{7}, NodeId{2}},
            cfs::Transfer{payload}};
}

TEST(Messages, HaveOneEncoding) {
    const auto payload = cfs::testing::bytes_of("operation");
    for (const Message& message : one_of_each(payload)) {
        const auto bytes = encode(message);
        const auto decoded = cfs::decode_message(bytes);
        ASSERT_TRUE(decoded.has_value()) << to_string(decoded.error());
        EXPECT_EQ(decoded->index(), message.index());
        EXPECT_EQ(encode(*decoded), bytes);
    }
}

TEST(Messages, AreRefusedWithTheReason) {
    const auto good = encode(Message{Progress{EpochName{6}, 10, 11, 9}});
    const auto refused = [&](auto change) {
        auto bytes = good;
        change(bytes);
        const auto decoded = cfs::decode_message(bytes);
        EXPECT_FALSE(decoded.has_value());
        return decoded ? DecodeError::kTooLong : decoded.error();
    };
    EXPECT_EQ(refused([](auto& b) { b[0] = std::byte{2}; }), DecodeError::kNewerFormat);
    EXPECT_EQ(refused([](auto& b) { b[0] = std::byte{0}; }), DecodeError::kUnknownFormat);
    EXPECT_EQ(refused([](auto& b) { b[1] = std::byte{0}; }), DecodeError::kUnknownKind);
    EXPECT_EQ(refused([](auto& b) { b[1] = std::byte{99}; }), DecodeError::kUnknownKind);
    EXPECT_EQ(refused([](auto& b) { b[2] = std::byte{1}; }), DecodeError::kBadFlag);
    EXPECT_EQ(refused([](auto& b) { b.pop_back(); }), DecodeError::kTooShort);
    EXPECT_EQ(refused([](auto& b) { b.push_back({}); }), DecodeError::kTrailingBytes);
    EXPECT_EQ(refused([](auto& b) { b.resize(3); }), DecodeError::kTooShort);
    EXPECT_EQ(refused([](auto& b) { b[28] = std::byte{11}; }), DecodeError::kBadRange);
    EXPECT_EQ(refused([](auto& b) { b[19] = std::byte{255}; }), DecodeError::kBadRange);
}

TEST(Messages, ThePromiseRecordComesBack) {
    const cfs::PromiseRecord plain{EpochName{5}, true, std::nullopt};
    const cfs::PromiseRecord branch{EpochName{5}, false, point(2, 3)};
    EXPECT_EQ(*cfs::decode_promise_record(encode(plain)), plain);
    EXPECT_EQ(*cfs::decode_promise_record(encode(branch)), branch);
    EXPECT_EQ(*cfs::decode_promise_record({}), cfs::PromiseRecord{});
    auto later = encode(plain);
    later[0] = std::byte{2};
    EXPECT_EQ(cfs::decode_promise_record(later).error(), DecodeError::kNewerFormat);
}

TEST(VotingRule, NeedsMoreThanHalfOrHalfWithTheTieBreak) {
    Voting voting = cfs::testing::equal_votes({1, 2, 3, 4});
    const auto enough = [&](std::vector<NodeId> nodes) { return voting.sufficient(nodes); };
    EXPECT_TRUE(enough({NodeId{1}, NodeId{3}}));
    EXPECT_FALSE(enough({NodeId{2}, NodeId{3}}));
    EXPECT_TRUE(enough({NodeId{2}, NodeId{3}, NodeId{4}}));
    EXPECT_FALSE(enough({NodeId{2}, NodeId{2}, NodeId{2}}));
    EXPECT_FALSE(enough({NodeId{7}, NodeId{8}, NodeId{9}}));
    voting.expected = 1;
    EXPECT_TRUE(voting.lowered());
    EXPECT_TRUE(enough({NodeId{4}}));
    EXPECT_FALSE(Voting{}.sufficient(std::vector{NodeId{1}}));
}

// Any two sufficient sets share a node, for all subsets of up to five nodes.
TEST(VotingRule, TwoSufficientSetsShareANode) {
    for (std::uint32_t size = 1; size <= 5; ++size) {
        std::vector<std::uint32_t> all;
        for (std::uint32_t node = 1; node <= size; ++node) {
            all.push_back(node);
        }
        Voting voting = cfs::testing::equal_votes(all);
        voting.voters.back().votes = 2;
        voting.expected = voting.total();
        const auto sufficient = [&](std::uint32_t set) {
            std::vector<NodeId> nodes;
            for (const std::uint32_t node : all) {
                if ((set >> (node - 1) & 1U) != 0) {
                    nodes.push_back(NodeId{node});
                }
            }
            return voting.sufficient(nodes);
        };
        for (std::uint32_t a = 0; a < 1U << size; ++a) {
            for (std::uint32_t b = 0; b < 1U << size; ++b) {
                EXPECT_TRUE((a & b) != 0 || !sufficient(a) || !sufficient(b));
            }
        }
    }
}

class TurnsTest : public ::testing::Test {
  protected:
    TurnsTest() {
        for (const std::uint32_t node : {1U, 2U, 3U}) {
            turns.add_synced(NodeId{node});
        }
    }
    void receive(std::uint64_t number) {
        turns.receive({NodeId{1}, cfs::Life{1}, number}, cfs::testing::bytes_of("op"));
    }
    void say(std::uint32_t node, std::uint64_t received, std::uint64_t durable) {
        turns.on_progress(NodeId{node}, {{}, received, chain.at(received), durable});
    }
    void fill(std::uint64_t count) {
        for (std::uint64_t i = 1; i <= count; ++i) {
            receive(i);
            chain.push_back(turns.chain());
        }
    }
    Turns turns{cfs::testing::equal_votes({1, 2, 3})};
    std::vector<std::uint64_t> chain{0};
};

TEST_F(TurnsTest, AreOrderedWhenASufficientSetHasThem) {
    fill(3);
    say(1, 3, 0);
    EXPECT_EQ(turns.ordered(), 0U);
    say(2, 2, 0);
    EXPECT_EQ(turns.ordered(), 2U);
    EXPECT_EQ(turns.durable(), 0U);
    say(3, 3, 3);
    EXPECT_EQ(turns.ordered(), 3U);
    say(1, 3, 1);
    EXPECT_EQ(turns.durable(), 1U);
}

TEST_F(TurnsTest, WordsAboutAnotherOrderCountNothing) {
    fill(2);
    say(1, 2, 2);
    turns.on_progress(NodeId{2}, {{}, 2, chain[1], 2});
    turns.on_progress(NodeId{3}, {{}, 3, chain[2], 3});
    turns.on_progress(NodeId{9}, {{}, 2, chain[2], 2});
    EXPECT_EQ(turns.ordered(), 0U);
    EXPECT_EQ(turns.durable(), 0U);
}

TEST_F(TurnsTest, WhoLagsIsNotWaitedForUntilItHasCaughtUp) {
    std::vector<Turns::LagChange> changes;
    const totem::Instant start{};
    fill(2);
    say(1, 1, 1);
    say(2, 1, 1);
    turns.look(start, 100ms, changes);
    EXPECT_EQ(turns.next_look(100ms), start + 100ms);
    EXPECT_FALSE(turns.settled(1));
    turns.look(start + 99ms, 100ms, changes);
    EXPECT_TRUE(changes.empty());
    turns.look(start + 100ms, 100ms, changes);
    EXPECT_TRUE(turns.settled(1));
    EXPECT_EQ(turns.lagging(), std::vector{NodeId{3}});
    say(1, 2, 2);
    say(2, 2, 2);
    turns.look(start + 101ms, 100ms, changes);
    EXPECT_TRUE(turns.settled(2));
    say(3, 2, 1);
    turns.look(start + 102ms, 100ms, changes);
    EXPECT_EQ(turns.lagging().size(), 1U);
    say(3, 2, 2);
    turns.look(start + 103ms, 100ms, changes);
    EXPECT_TRUE(turns.lagging().empty());
    EXPECT_EQ(changes.size(), 2U);
    EXPECT_FALSE(turns.next_look(100ms).has_value());
}

TEST_F(TurnsTest, ForgottenOnesAreGone) {
    fill(5);
    turns.forget(2);
    EXPECT_EQ(turns.find(2), nullptr);
    ASSERT_NE(turns.find(3), nullptr);
    EXPECT_EQ(turns.find(3)->number, 3U);
    EXPECT_EQ(turns.find(6), nullptr);
    EXPECT_EQ(turns.held_bytes(), 6U);
}

}  // namespace
