// Groups among nodes that split, merge and crash, against an obvious model (properties.md E8.4).
//
// The bus below keeps what the ring promises: all nodes of a component deliver the same messages in
// the same order, and a change of the components runs a synchronisation, which a further change may
// cut short. The model knows only this: a delivered join or leave changes the view of who delivers
// it, and after a synchronisation everybody sees what each member itself has. The view that the
// events tell a client, the service's table and the model must always agree.
#include <deque>
#include <memory>
#include <set>

#include "tests/totem/ipc/doors/fake_outbox.h"
#include "totem/group/cpg_service.h"

namespace totem::group {
namespace {

using doors_test::Dice;
using doors_test::FakeOutbox;
using doors_test::Sent;
using totem::Configuration;
using totem::FramePool;
using totem::NodeId;
using totem::RingId;

using View = std::map<GroupName, std::set<CpgProcess>>;

constexpr std::uint32_t kNodes = 5;

// What a client that is in every group would be told.
class Recorder final : public CpgObserver {
  public:
    void on_group_change(const CpgChange& change, Outbox& /*out*/) override {
        auto& members = view[change.group];
        std::string text = "change " + name(change.group);
        for (const CpgAddress& address : change.left) {
            EXPECT_EQ(members.erase(address.process), 1U) << "left without being there";
            text += " -" + name(address);
        }
        for (const CpgAddress& address : change.joined) {
            EXPECT_TRUE(members.insert(address.process).second) << "joined twice";
            text += " +" + name(address);
        }
        EXPECT_FALSE(change.left.empty() && change.joined.empty());
        EXPECT_TRUE(std::ranges::equal(members, change.members));
        if (members.empty()) {
            view.erase(change.group);
        }
        events.push_back(text);
    }
    void on_group_message(const CpgMessage& message, Outbox& /*out*/) override {
        events.push_back("message " + name(message.group) + " " +
                         std::to_string(raw(message.sender.node)) + ":" +
                         std::to_string(message.sender.pid) + " " +
                         std::string(as_text(message.payload.bytes())));
    }
    void on_groups_settled(const RingId& ring, std::span<const NodeId> members,
                           Outbox& /*out*/) override {
        events.push_back("settled " + std::to_string(ring.seq) + " of " +
                         std::to_string(members.size()));
    }

    View view;
    std::vector<std::string> events;

  private:
    static std::string name(const GroupName& group) { return std::string(as_text(group.bytes())); }
    static std::string name(const CpgAddress& address) {
        return std::to_string(raw(address.process.node)) + ":" +
               std::to_string(address.process.pid) + "/" +
               std::to_string(static_cast<std::uint32_t>(address.reason));
    }
};

struct Node {
    Node(NodeId self, FramePool& pool) : id(self), out(pool), service(self) {
        service.observe(recorder);
    }
    NodeId id;
    FakeOutbox out;
    Recorder recorder;
    CpgService service;
    std::deque<Sent> queue;                                // accepted from clients, not ordered yet
    std::set<std::pair<GroupName, std::uint32_t>> wanted;  // joined by a client that did not leave
    // The model.
    View view;
    std::set<NodeId> along;  // through every configuration since the last activation
};

class Bus {
  public:
    explicit Bus(std::uint64_t seed) : dice_(seed) {
        for (std::uint32_t i = 0; i < kNodes; ++i) {
            restart(i);
        }
        reconfigure();
    }
    ~Bus() { nodes_.clear(); }
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    Bus(Bus&&) = delete;
    Bus& operator=(Bus&&) = delete;

    void random_step() {
        Node& node = *nodes_[dice_.below(kNodes)];
        const GroupName group(std::array{"red", "green", "blue"}.at(dice_.below(3)));
        const auto pid = static_cast<std::uint32_t>(1 + dice_.below(3));
        node.out.room = !dice_.one_in(6);
        switch (dice_.below(12)) {
            case 0:
            case 1:
                join(node, group, pid);
                break;
            case 2:
                leave(node, group, pid);
                break;
            case 3:
            case 4:
                send(node, group, pid);
                break;
            case 5:
                node.service.on_wake(node.out);
                break;
            case 6:
                if (dice_.one_in(4)) {
                    return reconfigure();  // `node` may have been restarted
                }
                break;
            default:
                deliver_one();
        }
        collect(node);
    }

    // Everybody together, everything delivered: nothing but what clients want is left.
    void settle() {
        for (const auto& node : nodes_) {
            node->out.room = true;
        }
        previous_ = partition_;
        partition_.assign(kNodes, 0);
        while (!synchronise()) {
        }
        for (const auto& node : nodes_) {
            node->service.on_wake(node->out);
            collect(*node);
        }
        while (deliver_one()) {
        }
        View wanted;
        for (const auto& node : nodes_) {
            EXPECT_TRUE(node->service.leaves_sent());
            for (const auto& [group, pid] : node->wanted) {
                wanted[group].insert({node->id, pid});
            }
        }
        for (const auto& node : nodes_) {
            EXPECT_EQ(node->recorder.view, wanted);
        }
    }

  private:
    void restart(std::uint32_t index) {
        if (nodes_.size() <= index) {
            nodes_.push_back(nullptr);
            partition_.push_back(index);
        }
        nodes_[index] = std::make_unique<Node>(NodeId{index + 1}, pool_);
        partition_[index] = fresh_partition_++;
    }
    void collect(Node& node) {
        for (Sent& message : node.out.sent) {
            node.queue.push_back(std::move(message));
        }
        node.out.sent.clear();
    }
    void join(Node& node, const GroupName& group, std::uint32_t pid) {
        if (node.service.join(group, pid, node.out) == CpgService::Join::kSent) {
            EXPECT_TRUE(node.wanted.emplace(group, pid).second);
        }
    }
    void leave(Node& node, const GroupName& group, std::uint32_t pid) {
        if (node.wanted.erase({group, pid}) != 0) {
            node.service.leave(group, pid, CpgReason::kProcDown, node.out);
        }
    }
    void send(Node& node, const GroupName& group, std::uint32_t pid) {
        const std::string text = "m" + std::to_string(++messages_);
        static_cast<void>(
            node.service.send(group, pid, as_byte_span(text), totem::Guarantee::kAgreed, node.out));
    }

    [[nodiscard]] std::vector<Node*> component_of(const Node& node) {
        std::vector<Node*> members;
        for (const auto& other : nodes_) {
            if (partition_[raw(other->id) - 1] == partition_[raw(node.id) - 1]) {
                members.push_back(other.get());
            }
        }
        return members;
    }
    bool deliver_one() {
        std::vector<Node*> senders;
        for (const auto& node : nodes_) {
            if (!node->queue.empty()) {
                senders.push_back(node.get());
            }
        }
        if (senders.empty()) {
            return false;
        }
        Node& sender = *senders[dice_.below(senders.size())];
        const Sent message = std::move(sender.queue.front());
        sender.queue.pop_front();
        deliver(sender, message, component_of(sender));
        return true;
    }
    void deliver(const Node& sender, const Sent& message, const std::vector<Node*>& to) {
        std::vector<std::vector<std::string>> news;
        const auto frame = pool_.copy(message.bytes);
        for (Node* node : to) {
            node->recorder.events.clear();
            node->service.on_message(sender.id, message.function, frame, node->out);
            collect(*node);
            news.push_back(node->recorder.events);
            EXPECT_EQ(news.back(), news.front()) << "nodes of one component see the same";
            follow(*node, sender.id, message);
        }
    }
    // The model's step.
    static void follow(Node& node, NodeId sender, const Sent& message) {
        const StructReader reader(message.bytes);
        const auto group = GroupName::read(reader, 16);
        if (message.function == 0) {
            node.view[*group].insert({sender, reader.u32(152)});
        } else if (message.function == 1) {
            node.view[*group].erase({sender, reader.u32(152)});
            if (node.view[*group].empty()) {
                node.view.erase(*group);
            }
        } else if (message.function == 3) {
            const auto known = node.view.find(*group);
            const bool expected =
                known != node.view.end() && known->second.contains({sender, reader.u32(160)});
            EXPECT_EQ(node.recorder.events.size(), expected ? 1U : 0U);
        }
        EXPECT_EQ(node.recorder.view, node.view);
    }

    void reconfigure() {
        do {
            const std::size_t parts = 1 + dice_.below(3);
            for (std::uint32_t i = 0; i < kNodes; ++i) {
                if (dice_.one_in(12)) {
                    restart(i);
                }
            }
            previous_ = partition_;
            for (auto& part : partition_) {
                part = dice_.below(parts);
            }
        } while (!synchronise());
    }
    // One change from previous_ to partition_. False: cut short in the middle by the next one.
    bool synchronise() {
        ++ring_seq_;
        const bool cut = dice_.one_in(4);
        std::set<std::size_t> parts(partition_.begin(), partition_.end());
        for (const std::size_t part : parts) {
            std::vector<Node*> members;
            for (const auto& node : nodes_) {
                if (partition_[raw(node->id) - 1] == part) {
                    members.push_back(node.get());
                }
            }
            synchronise_component(members, cut);
        }
        previous_ = partition_;
        return !cut;
    }
    void synchronise_component(const std::vector<Node*>& members, bool cut) {
        std::vector<NodeId> ids;
        for (const Node* node : members) {
            ids.push_back(node->id);
        }
        const RingId ring{ids.front(), ring_seq_};
        for (Node* node : members) {
            begin(*node, ring, ids);
        }
        std::deque<std::pair<Node*, Sent>> messages;
        for (Node* node : members) {
            node->out.room = true;  // kept for synchronisation
            EXPECT_EQ(node->service.sync_step(node->out), SyncStep::kDone);
            for (Sent& message : std::exchange(node->out.sent, {})) {
                messages.emplace_back(node, std::move(message));
            }
        }
        for (std::size_t left = cut ? dice_.below(messages.size() + 1) : messages.size(); left > 0;
             --left) {
            const auto frame = pool_.copy(messages.front().second.bytes);
            for (Node* node : members) {
                node->service.on_message(messages.front().first->id,
                                         messages.front().second.function, frame, node->out);
            }
            messages.pop_front();
        }
        cut ? abort(members) : activate(members);
    }
    void begin(Node& node, const RingId& ring, const std::vector<NodeId>& ids) {
        const std::size_t from = previous_[raw(node.id) - 1];
        std::vector<NodeId> transitional;
        for (const NodeId id : ids) {
            if (previous_[raw(id) - 1] == from) {
                transitional.push_back(id);
            }
        }
        if (node.along.empty()) {
            node.along.insert(transitional.begin(), transitional.end());
        } else {
            std::erase_if(node.along, [&](NodeId id) {
                return std::ranges::find(transitional, id) == transitional.end();
            });
        }
        node.service.sync_begin(ring, transitional, ids, node.out);
    }
    void abort(const std::vector<Node*>& members) {
        for (Node* node : members) {
            node->recorder.events.clear();
            node->service.sync_abort(node->out);
            EXPECT_TRUE(node->recorder.events.empty());
            EXPECT_EQ(node->recorder.view, node->view);
        }
    }
    void activate(const std::vector<Node*>& members) {
        View joined;
        for (const Node* node : members) {
            for (const auto& [group, processes] : node->view) {
                for (const CpgProcess process : processes) {
                    if (process.node == node->id) {
                        joined[group].insert(process);
                    }
                }
            }
        }
        std::map<std::set<NodeId>, std::vector<std::string>> news;
        for (Node* node : members) {
            node->recorder.events.clear();
            node->service.sync_activate(node->out);
            node->service.on_sync_complete(node->out);
            collect(*node);
            node->view = joined;
            EXPECT_EQ(node->recorder.view, node->view);
            EXPECT_EQ(node->recorder.events.back().substr(0, 7), "settled");
            const auto seen = news.emplace(node->along, node->recorder.events).first;
            EXPECT_EQ(seen->second, node->recorder.events) << "came along, sees the same";
            for (const std::string& event : node->recorder.events) {
                EXPECT_EQ(event.find("/5"), std::string::npos) << event;
            }
            node->along.clear();
        }
    }

    FramePool pool_;
    Dice dice_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<std::size_t> partition_;  // by node: nodes with the same number are together
    std::vector<std::size_t> previous_;
    std::size_t fresh_partition_ = 1000;
    std::uint64_t ring_seq_ = 0;
    int messages_ = 0;
};

TEST(CpgModel, ViewsFollowTheOrderThroughSplitsMergesAndCrashes) {
    for (std::uint64_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Bus bus(seed);
        for (int step = 0; step < 300; ++step) {
            bus.random_step();
        }
        bus.settle();
    }
}

}  // namespace
}  // namespace totem::group
