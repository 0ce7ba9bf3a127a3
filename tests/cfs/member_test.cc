// Members on the real doors of real services: what becomes of views, quorum and messages on their
// way between the ring daemon and the replica.
#include "cfs/core/member.h"

#include <gtest/gtest.h>

#include "tests/cfs/cluster.h"
#include "tests/totem/client/daemons.h"

namespace {

using namespace std::chrono_literals;
using cfs::Obstacle;
using cfs::Refusal;
using client_test::Ring;
using totem::NodeId;
using totem::client::Door;

// A cfsd without files: its member, its doors, and a disk that is as fast as memory.
class MemberHost : public client_test::Doors {
  public:
    MemberHost(Ring& ring, std::uint32_t node) : Doors(ring, node), member(options(node)) {
        input(cfs::VotingIs{cfs::testing::equal_votes({1, 2, 3})});
        input(cfs::Loaded{});
    }

    void step(const totem::client::Input& input) override {
        cfs::MemberEffects out;
        member.step(now, input, out);
        take(out);
    }
    void input(cfs::ReplicaInput input) {
        cfs::MemberEffects out;
        member.step(now, std::move(input), out);
        take(out);
    }
    void wake(totem::Instant at) {
        now = std::max(now, at);
        if (wake_at && *wake_at <= now) {
            cfs::MemberEffects out;
            member.wake(now, out);
            take(out);
        }
    }
    std::uint64_t make(const std::string& name) {
        input(cfs::Submit{++tickets, 1000, cfs::Create{cfs::kRootInode, name, true}});
        return tickets;
    }
    [[nodiscard]] bool done(std::uint64_t ticket) const {
        return answers.contains(ticket) && answers.at(ticket).refusal == Refusal::kNone;
    }
    [[nodiscard]] Obstacle obstacle() const { return member.replica().status().obstacle; }

    cfs::Member member;
    totem::Instant now{};
    std::optional<totem::Instant> wake_at;
    std::uint64_t tickets = 0;
    std::map<std::uint64_t, cfs::Answer> answers;
    bool stored_later = false;  // the next commit finds no room
    bool stopped = false;
    bool reload = false;

  private:
    static cfs::Member::Options options(std::uint32_t node) {
        cfs::Member::Options made;
        made.replica.node = NodeId{node};
        made.replica.life = cfs::Life{node};
        made.pid = 100 + node;
        return made;
    }
    void take(cfs::MemberEffects& out) {
        wake_at = out.wake_at;
        stopped = stopped || out.stopped;
        reload = reload || out.replica.reload;
        EXPECT_TRUE(out.replica.multicasts.empty());
        perform(out.actions);
        for (const cfs::Answer& answer : out.replica.answers) {
            answers[answer.ticket] = answer;
        }
        if (!out.replica.commit) {
            return;
        }
        if (std::exchange(stored_later, false)) {
            input(cfs::StoreFailed{{cfs::StoreErrorKind::kNoSpace, "full"}});
        } else {
            input(cfs::Stored{});
        }
    }
};

class MemberTest : public ::testing::Test {
  protected:
    MemberTest() {
        ring.form(ring.all);
        for (std::uint32_t node = 1; node <= 3; ++node) {
            hosts.push_back(std::make_unique<MemberHost>(ring, node));
        }
        pass(50ms);
    }
    MemberHost& host(std::uint32_t node) { return *hosts.at(node - 1); }
    void settle() {
        for (bool more = true; more;) {
            more = ring.settle(on_ring);
            for (const auto& each : hosts) {
                more = each->run() || more;
            }
        }
    }
    void pass(std::chrono::milliseconds time) {
        settle();
        for (const totem::Instant end = now + time; now < end;) {
            now += 1ms;
            for (const auto& each : hosts) {
                each->wake(now);
            }
            settle();
        }
    }
    void form(const client_test::Nodes& members) {
        on_ring = members;
        ring.form(members);
        settle();
    }

    Ring ring{3};
    client_test::Nodes on_ring = ring.all;
    std::vector<std::unique_ptr<MemberHost>> hosts;
    totem::Instant now{};
};

TEST_F(MemberTest, OpensAnEpochAndWrites) {
    for (const auto& each : hosts) {
        EXPECT_EQ(each->obstacle(), Obstacle::kNone);
    }
    const auto ticket = host(2).make("a");
    pass(5ms);
    EXPECT_TRUE(host(2).done(ticket));
    EXPECT_NE(host(3).member.replica().snapshot().resolve("a"), nullptr);
}

TEST_F(MemberTest, NoRoomAtTheDoorDelaysAndLosesNothing) {
    std::uint64_t asked = 0;
    for (const auto& each : hosts) {
        each->full = [&] { return ++asked % 3 != 0; };
    }
    std::vector<std::uint64_t> tickets;
    for (int i = 0; i < 200; ++i) {
        tickets.push_back(host(1).make("f" + std::to_string(i)));
    }
    pass(20s);
    for (const auto ticket : tickets) {
        EXPECT_TRUE(host(1).done(ticket));
    }
    EXPECT_EQ(host(3).member.replica().state().position().index, 200U);
}

TEST_F(MemberTest, AMinorityIsReadOnlyUntilItComesBack) {
    form({NodeId{1}, NodeId{2}});
    pass(300ms);
    EXPECT_EQ(host(1).obstacle(), Obstacle::kNone);
    const auto ticket = host(1).make("a");
    pass(5ms);
    EXPECT_TRUE(host(1).done(ticket));
    form(ring.all);
    pass(300ms);
    EXPECT_EQ(host(3).obstacle(), Obstacle::kNone);
    EXPECT_NE(host(3).member.replica().snapshot().resolve("a"), nullptr);
}

TEST_F(MemberTest, ALostDoorIsOpenedAgain) {
    host(1).cut(Door::kCpg);
    EXPECT_EQ(host(1).obstacle(), Obstacle::kStarting);
    const auto refused = host(1).make("a");
    EXPECT_EQ(host(1).answers.at(refused).refusal, Refusal::kNotWritable);
    pass(1500ms);
    EXPECT_EQ(host(1).obstacle(), Obstacle::kNone);
    EXPECT_EQ(host(2).member.replica().status().synced.size(), 3U);
}

TEST_F(MemberTest, WithoutTheQuorumDoorNothingIsWritten) {
    pass(200ms);  // in the first moments of a view it may only not have spoken yet
    host(1).cut(Door::kQuorum);
    pass(1ms);
    EXPECT_EQ(host(1).obstacle(), Obstacle::kNoQuorum);
    pass(1500ms);
    EXPECT_EQ(host(1).obstacle(), Obstacle::kNone);
}

TEST_F(MemberTest, AFullDiskLeavesTheGroupAndJoinsAgain) {
    host(2).stored_later = true;
    const auto ticket = host(1).make("a");
    pass(100ms);
    EXPECT_EQ(host(2).obstacle(), Obstacle::kDiskFull);
    EXPECT_TRUE(host(1).done(ticket));
    EXPECT_EQ(host(1).member.replica().status().members.size(), 2U);
    pass(2100ms);
    ASSERT_TRUE(host(2).reload);
    host(2).input(cfs::Loaded{});  // a disk that has lost everything is the hardest case
    pass(300ms);
    EXPECT_EQ(host(2).obstacle(), Obstacle::kNone);
    EXPECT_NE(host(2).member.replica().snapshot().resolve("a"), nullptr);
}

TEST_F(MemberTest, StopLeavesTheGroup) {
    host(3).input(cfs::Stop{});
    EXPECT_FALSE(host(3).stopped);
    pass(300ms);
    EXPECT_TRUE(host(3).stopped);
    EXPECT_EQ(host(1).member.replica().status().members.size(), 2U);
    EXPECT_EQ(host(1).obstacle(), Obstacle::kNone);
}

TEST_F(MemberTest, TheOtherFilesystemOnTheRingMakesItReadOnly) {
    class Other : public client_test::Host {
      public:
        explicit Other(Ring& on)
            : Host(on, 2, {.group = std::string(cfs::kForeignGroupName), .pid = 7}) {}
    };
    Other other(ring);
    other.step(totem::client::Open{});
    for (int i = 0; i < 20; ++i) {
        settle();
        other.run();
    }
    ASSERT_TRUE(other.client.joined());
    pass(1500ms);
    EXPECT_EQ(host(1).obstacle(), Obstacle::kForeign);
    EXPECT_EQ(host(1).member.replica().status().waiting_for, std::vector{NodeId{2}});
}

}  // namespace
