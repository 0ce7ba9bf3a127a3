// Nodes with the real quorum and votequorum services on an in-memory total order: rings form, split
// and merge as a test says, synchronisations can be cut short, and what each node reports is kept.
//
// Checked on every call: quorum is gained only when a synchronisation completes or on a settled
// ring (Q16), lost at once when those that came along do not suffice, and reported with the ring's
// own id (Q5).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "tests/totem/ipc/doors/fake_outbox.h"
#include "votequorum/core/service.h"

namespace votequorum_test {

using doors_test::Dice;
using doors_test::FakeOutbox;
using totem::Configuration;
using totem::FramePool;
using totem::NodeId;
using totem::RingId;
using votequorum::Options;
using votequorum::QuorumService;
using votequorum::QuorumView;
using votequorum::VoteQuorum;
using Nodes = std::vector<NodeId>;

// One life of one node.
class TestNode final : public votequorum::QuorumListener {
  public:
    TestNode(const Options& options, FramePool& pool)
        : out(pool), quorum(QuorumService::Model::kSet), votes(options, quorum) {
        quorum.listen(this);
    }
    TestNode(const TestNode&) = delete;
    TestNode& operator=(const TestNode&) = delete;
    TestNode(TestNode&&) = delete;
    TestNode& operator=(TestNode&&) = delete;
    ~TestNode() override = default;

    void on_membership(const votequorum::MembershipChange& change,
                       totem::group::Outbox& /*outbox*/) override {
        EXPECT_EQ(change.ring, ring);
        memberships.push_back(change);
    }
    void on_quorum(const QuorumView& view, totem::group::Outbox& /*outbox*/) override {
        EXPECT_EQ(view.ring, ring);
        EXPECT_TRUE(!view.quorate || views.empty() || views.back().quorate || may_gain);
        views.push_back(view);
    }

    void configuration(const Configuration& change) {
        ring = change.ring;
        may_gain = false;
        quorum.on_configuration(change, out);
        votes.on_configuration(change, out);
        if (votes.ballot().tally().total < votes.ballot().threshold()) {
            EXPECT_FALSE(quorum.view().quorate);
        }
    }
    void complete() {
        quorum.on_sync_complete(out);
        may_gain = true;
        votes.on_sync_complete(out);
        settled = true;
        EXPECT_EQ(quorum.view().ring, ring);
    }
    [[nodiscard]] bool quorate() const { return quorum.view().quorate; }

    FakeOutbox out;
    QuorumService quorum;
    VoteQuorum votes;
    RingId ring;
    bool may_gain = false;
    bool settled = false;
    std::vector<QuorumView> views;
    std::vector<votequorum::MembershipChange> memberships;
};

class Cluster {
  public:
    explicit Cluster(std::uint64_t seed = 1) : dice(seed) {}

    void start(const Options& options) {
        nodes[options.self] = std::make_unique<TestNode>(options, pool);
    }
    // `count` nodes 1.. with one vote each.
    void start_all(std::uint32_t count, Options options = {}) {
        options.expected_votes = count;
        for (std::uint32_t id = 1; id <= count; ++id) {
            options.self = NodeId{id};
            start(options);
        }
    }
    void crash(NodeId node) { nodes.erase(node); }
    [[nodiscard]] TestNode& at(std::uint32_t node) { return *nodes.at(NodeId{node}); }

    // The nodes (ascending) form a ring, synchronise, and everything sent is delivered.
    void form(const Nodes& members) {
        begin(members);
        activate(members);
        for (const NodeId node : members) {
            nodes.at(node)->complete();
        }
        settle(members);
    }
    // The same, overtaken before activation.
    void form_and_abort(const Nodes& members) {
        begin(members);
        for (const NodeId node : members) {
            nodes.at(node)->out.sent.clear();
        }
        aborted_.insert(members.begin(), members.end());
    }
    // The same, overtaken when only some have activated.
    void form_and_activate_some(const Nodes& members) {
        begin(members);
        deliver(members);
        for (const NodeId node : members) {
            if (dice.one_in(2)) {
                nodes.at(node)->votes.sync_activate(nodes.at(node)->out);
            } else {
                aborted_.insert(node);
            }
            nodes.at(node)->out.sent.clear();
        }
    }
    // Delivers what was sent, in one order, until nothing is left to say.
    void settle(const Nodes& members) {
        for (int round = 0; deliver(members); ++round) {
            ASSERT_LT(round, 10) << "the nodes do not stop talking";
        }
    }
    // One message from `sender`, as it came from the wire.
    void inject(NodeId sender, std::uint16_t function, std::vector<std::byte> message,
                const Nodes& members) {
        const auto frame = pool.copy(message);
        for (const NodeId node : members) {
            nodes.at(node)->votes.on_message(sender, function, frame, nodes.at(node)->out);
        }
    }

    FramePool pool;
    std::map<NodeId, std::unique_ptr<TestNode>> nodes;
    Dice dice;

  private:
    void begin(const Nodes& members) {
        const RingId ring{members.front(), next_ring_ += 4};
        std::map<NodeId, Nodes> along;
        for (const NodeId node : members) {
            for (const NodeId other : members) {
                const bool fresh = nodes.at(node)->ring == RingId{};
                if (node == other || (!fresh && nodes.at(node)->ring == nodes.at(other)->ring)) {
                    along[node].push_back(other);
                }
            }
        }
        for (const NodeId node : members) {
            TestNode& each = *nodes.at(node);
            each.settled = false;
            each.configuration({Configuration::Kind::kTransitional, ring, along[node], {}, {}});
            if (aborted_.erase(node) > 0) {
                each.quorum.sync_abort(each.out);
                each.votes.sync_abort(each.out);
            }
            each.configuration({Configuration::Kind::kRegular, ring, members, {}, {}});
            each.quorum.sync_begin(ring, along[node], members, each.out);
            each.votes.sync_begin(ring, along[node], members, each.out);
            static_cast<void>(each.votes.sync_step(each.out));
        }
    }
    void activate(const Nodes& members) {
        deliver(members);
        for (const NodeId node : members) {
            nodes.at(node)->votes.sync_activate(nodes.at(node)->out);
        }
    }
    // One round of whatever is queued: senders in a random order, each in its own order.
    bool deliver(const Nodes& members) {
        std::map<NodeId, std::vector<doors_test::Sent>> queued;
        Nodes senders;
        for (const NodeId node : members) {
            if (!nodes.at(node)->out.sent.empty()) {
                queued[node] = std::exchange(nodes.at(node)->out.sent, {});
                senders.push_back(node);
            }
        }
        const bool any = !senders.empty();
        while (!senders.empty()) {
            const auto at =
                senders.begin() + static_cast<std::ptrdiff_t>(dice.below(senders.size()));
            for (const auto& message : queued[*at]) {
                EXPECT_EQ(message.service, totem::group::ServiceId::kVotequorum);
                EXPECT_EQ(message.bytes.size(), 32U);
                inject(*at, message.function, message.bytes, members);
            }
            senders.erase(at);
        }
        return any;
    }

    std::uint64_t next_ring_ = 0;
    std::set<NodeId> aborted_;
};

[[nodiscard]] inline Nodes ids(std::initializer_list<std::uint32_t> numbers) {
    Nodes nodes;
    for (const std::uint32_t number : numbers) {
        nodes.push_back(NodeId{number});
    }
    return nodes;
}

}  // namespace votequorum_test
