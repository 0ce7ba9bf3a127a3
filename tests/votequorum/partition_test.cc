// Random partitions, merges, crashes and synchronisations cut short, against what an outside
// observer knows: Q1 (members agree), Q2 (no two quorate sides), Q10 (who waits, waits).
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/votequorum/cluster.h"

namespace {

using votequorum_test::Cluster;
using votequorum_test::Dice;
using votequorum_test::NodeId;
using votequorum_test::Nodes;
using votequorum_test::Options;

struct Plan {
    std::uint32_t nodes = 3;
    bool wait_for_all = false;
    bool commands = false;  // administrators change votes at random: Q2 does not hold then
    bool weights = false;   // votes other than one
};

class World {
  public:
    World(const Plan& plan, std::uint64_t seed) : plan_(plan), cluster_(seed) {
        for (std::uint32_t id = 1; id <= plan.nodes; ++id) {
            votes_[NodeId{id}] =
                plan.weights ? static_cast<std::uint32_t>(cluster_.dice.below(4)) : 1;
            expected_ += votes_[NodeId{id}];
            all_.push_back(NodeId{id});
        }
        expected_ = std::max(expected_, 1U);
        for (const NodeId node : all_) {
            start(node);
        }
    }

    void run(int steps) {
        for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
            one_step();
        }
    }

  private:
    void start(NodeId node) {
        Options options{.self = node, .votes = votes_[node], .expected_votes = expected_};
        if (plan_.wait_for_all) {
            options.wait_for_all = true;
        }
        cluster_.start(options);
    }

    void one_step() {
        Dice& dice = cluster_.dice;
        if (dice.one_in(4)) {
            const NodeId node = all_[dice.below(all_.size())];
            cluster_.crash(node);
            start(node);
        }
        Nodes members;
        for (const NodeId node : all_) {
            if (dice.one_in(2)) {
                members.push_back(node);
            }
        }
        if (members.empty()) {
            return;
        }
        leave_behind(members);
        if (dice.one_in(4)) {
            cluster_.form_and_abort(members);
        } else if (dice.one_in(4)) {
            cluster_.form_and_activate_some(members);
        } else {
            complete(members);
        }
        check_exclusion();
    }

    // Whoever counts on one of `members` and is none finds itself on a ring without them. In the
    // time until it notices, both sides may believe (Q4); here it notices first.
    void leave_behind(const Nodes& members) {
        for (const NodeId node : all_) {
            const auto ring = cluster_.nodes.at(node)->votes.members();
            const bool counts_on_them = std::ranges::any_of(
                members, [&](NodeId member) { return std::ranges::binary_search(ring, member); });
            if (counts_on_them && !std::ranges::binary_search(members, node)) {
                complete({node});
            }
        }
    }

    void complete(const Nodes& members) {
        const bool was_quorate = std::ranges::any_of(
            members, [&](NodeId node) { return cluster_.nodes.at(node)->quorate(); });
        cluster_.form(members);
        if (plan_.commands && cluster_.dice.one_in(3)) {
            command(members);
        }
        std::uint32_t total = 0;
        for (const NodeId node : members) {
            total += votes_[node];
        }
        const bool quorate = cluster_.nodes.at(members.front())->quorate();
        for (const NodeId node : members) {
            EXPECT_EQ(cluster_.nodes.at(node)->quorate(), quorate);  // Q1
        }
        if (!plan_.commands && !plan_.wait_for_all) {
            EXPECT_EQ(quorate, 2 * total > expected_);
        }
        if (!plan_.commands && plan_.wait_for_all && !was_quorate) {
            EXPECT_EQ(quorate, total == expected_ && 2 * total > expected_);  // Q10
        }
    }

    void command(const Nodes& members) {
        Dice& dice = cluster_.dice;
        auto& node = *cluster_.nodes.at(members[dice.below(members.size())]);
        const auto number = static_cast<std::uint32_t>(dice.below(8));
        if (dice.one_in(2)) {
            static_cast<void>(node.votes.set_expected(number, node.out));
        } else {
            static_cast<void>(
                node.votes.set_votes(all_[dice.below(all_.size())], number, node.out));
        }
        cluster_.settle(members);
    }

    // Nobody is quorate on two rings at once (Q2).
    void check_exclusion() {
        if (plan_.commands) {
            return;
        }
        std::set<totem::RingId> quorate;
        for (const auto& [id, node] : cluster_.nodes) {
            if (node->quorate()) {
                quorate.insert(node->ring);
            }
        }
        EXPECT_LE(quorate.size(), 1U);
    }

    const Plan plan_;
    Cluster cluster_;
    Nodes all_;
    std::map<NodeId, std::uint32_t> votes_;
    std::uint32_t expected_ = 0;
};

void run_many(Plan plan) {
    constexpr std::uint64_t kSeeds = 25;
    constexpr int kSteps = 60;
    for (plan.nodes = 1; plan.nodes <= 6; ++plan.nodes) {
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            SCOPED_TRACE(::testing::Message() << plan.nodes << " nodes, seed " << seed);
            World(plan, seed).run(kSteps);
            ASSERT_FALSE(::testing::Test::HasFailure());
        }
    }
}

TEST(Partitions, MajorityDecides) { run_many({}); }
TEST(Partitions, MajorityOfWeightsDecides) { run_many({.weights = true}); }
TEST(Partitions, WaitForAll) { run_many({.wait_for_all = true}); }
TEST(Partitions, MembersAgreeWhateverAdministratorsDo) { run_many({.commands = true}); }
TEST(Partitions, MembersAgreeWhateverAdministratorsDoWhileWaiting) {
    run_many({.wait_for_all = true, .commands = true, .weights = true});
}

}  // namespace
