// A change of the ring's key: whoever sends is understood by every member at every instant, and
// where all nodes want one key they come to use it alone.
#include "totem/group/key_rotation.h"

#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace {

using totem::NodeId;
using totem::group::KeyName;
using totem::group::KeyRotation;
using Keys = KeyRotation::Keys;

constexpr KeyName kOld{7};
constexpr KeyName kNew{8};
constexpr KeyName kThird{9};

// Nodes on one ring: each delivers the same announcements in the same order, at its own pace.
class Ring {
  public:
    explicit Ring(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            ids_.push_back(NodeId{static_cast<std::uint32_t>(i + 1)});
            nodes_.emplace_back(ids_.back(), kOld);
        }
        install();
    }

    // Everybody has delivered everything, and a new ring of the same members begins.
    void install() {
        deliver_all();
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            nodes_[i].on_ring(ids_);
            nodes_[i].on_sync_complete();
        }
    }
    // What waits to be said is ordered now.
    void speak(std::size_t i) {
        if (const auto what = nodes_[i].to_announce()) {
            log_.push_back({ids_[i], *what});
            nodes_[i].announced();
        }
    }
    bool deliver(std::size_t i) {
        if (heard_[i] == log_.size()) {
            return false;
        }
        const auto& [sender, what] = log_[heard_[i]++];
        nodes_[i].on_announcement(sender, what);
        return true;
    }
    void deliver_all() {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            while (deliver(i)) {
            }
        }
    }
    void settle() {
        for (std::size_t turn = 0; turn < 20; ++turn) {
            for (std::size_t i = 0; i < nodes_.size(); ++i) {
                speak(i);
            }
            deliver_all();
        }
    }
    [[nodiscard]] std::string who_is_not_understood() const {
        for (const KeyRotation& from : nodes_) {
            for (const KeyRotation& to : nodes_) {
                const KeyName key = from.keys().sends;
                if (to.keys().sends != key && to.keys().also != key) {
                    return "node " + std::to_string(&from - nodes_.data() + 1) + " by node " +
                           std::to_string(&to - nodes_.data() + 1);
                }
            }
        }
        return {};
    }
    [[nodiscard]] KeyRotation& operator[](std::size_t i) { return nodes_[i]; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }

  private:
    std::vector<NodeId> ids_;
    std::vector<KeyRotation> nodes_;
    std::vector<std::pair<NodeId, KeyRotation::Announcement>> log_;
    std::map<std::size_t, std::size_t> heard_;
};

TEST(KeyRotation, GoesThroughThreeStages) {
    Ring ring(2);
    ring.settle();
    ring[0].want(kNew);
    EXPECT_EQ(ring[0].keys(), (Keys{kOld, kNew}));
    ring.settle();
    EXPECT_EQ(ring[0].keys(), (Keys{kOld, kNew}));
    EXPECT_EQ(ring[0].awaited(), std::vector{NodeId{2}});
    ring[1].want(kNew);
    ring.speak(1);
    ring.deliver_all();
    EXPECT_EQ(ring[0].keys(), (Keys{kNew, kOld}));
    EXPECT_EQ(ring[1].keys(), (Keys{kNew, kOld}));
    ring.settle();
    EXPECT_EQ(ring[0].keys(), (Keys{kNew, std::nullopt}));
    EXPECT_EQ(ring[1].keys(), (Keys{kNew, std::nullopt}));
    EXPECT_TRUE(ring[0].awaited().empty());
}

TEST(KeyRotation, ANodeAloneChangesByItself) {
    Ring ring(1);
    ring.settle();
    ring[0].want(kNew);
    ring.settle();
    EXPECT_EQ(ring[0].keys(), (Keys{kNew, std::nullopt}));
}

TEST(KeyRotation, ATypingMistakeCanBeTakenBack) {
    Ring ring(2);
    ring.settle();
    ring[0].want(kThird);
    ring.settle();
    ring[0].want(kOld);
    EXPECT_EQ(ring[0].keys(), (Keys{kOld, kThird}));  // others may act on it yet
    ring.settle();
    EXPECT_EQ(ring[0].keys(), (Keys{kOld, std::nullopt}));
}

TEST(KeyRotation, ANewRingIsToldAgain) {
    Ring ring(2);
    ring.settle();
    ring[0].want(kNew);
    ring.settle();
    ring.install();
    EXPECT_EQ(ring[0].awaited().size(), 2U);
    ring[1].want(kNew);
    ring.settle();
    EXPECT_EQ(ring[0].keys(), (Keys{kNew, std::nullopt}));
}

TEST(KeyRotation, EverybodyIsUnderstoodUnderAnyOrderOfEvents) {
    constexpr std::array kNames{kOld, kNew, kThird};
    for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
        std::mt19937 random(seed);
        Ring ring(2 + seed % 3);
        for (std::size_t step = 0; step < 200; ++step) {
            const std::size_t node = random() % ring.size();
            switch (random() % 16) {
                case 0:
                    ring[node].want(kNames.at(random() % 3));
                    break;
                case 1:
                    if (random() % 8 == 0) {
                        ring.install();
                    }
                    break;
                case 2:
                case 3:
                case 4:
                    ring.speak(node);
                    break;
                default:
                    ring.deliver(node);
            }
            ASSERT_EQ(ring.who_is_not_understood(), "") << "seed " << seed << " step " << step;
        }
        for (std::size_t i = 0; i < ring.size(); ++i) {
            ring[i].want(kThird);
        }
        ring.settle();
        for (std::size_t i = 0; i < ring.size(); ++i) {
            ASSERT_EQ(ring[i].keys(), (Keys{kThird, std::nullopt})) << "seed " << seed;
        }
    }
}

}  // namespace
