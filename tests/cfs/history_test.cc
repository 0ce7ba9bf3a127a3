// Retries: applied once, answered alike, forgotten safely (properties.md S6).
#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::Replica;

Record record(std::uint64_t index, OperationId id) {
    Record made;
    made.position = {1, index};
    made.id = id;
    return made;
}

TEST(History, ARetryIsAnsweredAndNotApplied) {
    Replica fs;
    const Operation operation{fs.next_id(), 10, Create{kRootInode, "f", true}};
    const Applied first = fs.state.apply(1, operation);
    EXPECT_EQ(first.turn, Applied::Turn::kFirst);
    fs.unlink("f");
    const Digest before = fs.state.digest();
    const Applied again = fs.state.apply(2, operation);
    EXPECT_EQ(again.turn, Applied::Turn::kRepeated);
    EXPECT_EQ(again.outcome, first.outcome);
    EXPECT_EQ(again.position, first.position);
    EXPECT_FALSE(fs.has("f"));
    EXPECT_EQ(fs.state.digest(), before);
}

TEST(History, ARefusalIsRememberedToo) {
    Replica fs;
    const Operation operation{fs.next_id(), 10, Unlink{kRootInode, "f"}};
    EXPECT_EQ(fs.state.apply(1, operation).outcome.error, Errno::kNotFound);
    fs.create("f");
    EXPECT_EQ(fs.state.apply(1, operation).outcome.error, Errno::kNotFound);
    EXPECT_TRUE(fs.has("f"));
}

TEST(History, NodesAndLivesCountByThemselves) {
    Replica fs;
    const auto make = [&](NodeId node, Life life, const char* name) {
        return fs.state.apply(1, {{node, life, 1}, 10, Create{kRootInode, name, true}}).turn;
    };
    EXPECT_EQ(make(NodeId{1}, Life{1}, "a"), Applied::Turn::kFirst);
    EXPECT_EQ(make(NodeId{2}, Life{1}, "b"), Applied::Turn::kFirst);
    EXPECT_EQ(make(NodeId{1}, Life{2}, "c"), Applied::Turn::kFirst);
    EXPECT_EQ(make(NodeId{1}, Life{1}, "d"), Applied::Turn::kRepeated);
}

TEST(History, WhatIsForgottenIsRefused) {
    History history;
    const std::uint64_t count = kHistoryMin + kHistoryStep;
    for (std::uint64_t i = 1; i <= count; ++i) {
        history.add(record(i, {NodeId{1}, Life{1}, i}));
    }
    EXPECT_EQ(history.records().size(), kHistoryMin);
    EXPECT_EQ(history.known({NodeId{1}, Life{1}, 1}), History::Known::kForgotten);
    EXPECT_EQ(history.known({NodeId{1}, Life{1}, kHistoryStep}), History::Known::kForgotten);
    EXPECT_EQ(history.known({NodeId{1}, Life{1}, kHistoryStep + 1}), History::Known::kRepeated);
    EXPECT_EQ(history.known({NodeId{1}, Life{1}, count + 1}), History::Known::kNew);
    EXPECT_EQ(history.known({NodeId{1}, Life{2}, 1}), History::Known::kNew);
    ASSERT_EQ(history.floors().size(), 1U);
    EXPECT_EQ(history.floors()[0].number, kHistoryStep);
    EXPECT_TRUE(history.take_floors_changed());
    EXPECT_FALSE(history.take_floors_changed());
}

TEST(History, FloorsAreKeptForTheLatestLives) {
    History history;
    std::uint64_t index = 0;
    for (std::uint64_t life = 1; life <= 7; ++life) {
        for (std::uint64_t i = 1; i <= kHistoryStep; ++i) {
            history.add(record(++index, {NodeId{1}, Life{life}, i}));
        }
    }
    for (std::uint64_t i = 1; i <= kHistoryMin + kHistoryStep; ++i) {
        history.add(record(++index, {NodeId{2}, Life{1}, i}));
    }
    std::size_t of_first = 0;
    for (const Floor& floor : history.floors()) {
        of_first += floor.node == NodeId{1} ? 1 : 0;
    }
    EXPECT_EQ(of_first, kLivesPerNode);
    EXPECT_EQ(history.known({NodeId{1}, Life{7}, 1}), History::Known::kForgotten);
}

TEST(History, KnowsWhoIsBehindAndWhoIsBeside) {
    Replica fs;
    fs.create("a");
    const Digest at_one = fs.state.digest();
    fs.create("b");
    const History& history = fs.state.history();
    EXPECT_EQ(history.place({1, 1}, at_one), History::Place::kHere);
    EXPECT_EQ(history.place({1, 1}, fs.state.digest()), History::Place::kOther);
    EXPECT_EQ(history.place({2, 1}, at_one), History::Place::kOther);
    EXPECT_EQ(history.place({1, 3}, at_one), History::Place::kOther);
    EXPECT_EQ(history.place({0, 0}, {}), History::Place::kUnknown);
}

TEST(History, OnlyAHistoryIsAssigned) {
    const OperationId id{NodeId{1}, Life{1}, 1};
    const OperationId other{NodeId{1}, Life{1}, 2};
    History history;
    EXPECT_FALSE(history.assign({record(1, id), record(3, other)}, {}));
    EXPECT_FALSE(history.assign({record(1, id), record(2, id)}, {}));
    const Floor floor{NodeId{1}, Life{1}, 1, 1};
    EXPECT_FALSE(history.assign({}, {floor, floor}));
    EXPECT_EQ(history.digest(), Digest{});
    EXPECT_TRUE(history.assign({record(5, other), record(6, {NodeId{2}, Life{1}, 1})}, {floor}));
    EXPECT_EQ(history.last(), (Position{1, 6}));
    EXPECT_EQ(history.known(id), History::Known::kForgotten);
}

}  // namespace
}  // namespace cfs
