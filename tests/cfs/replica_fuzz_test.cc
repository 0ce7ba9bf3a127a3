// Bytes that nobody should have sent, and inputs that no host should give: nothing of it may stop a
// replica. What it makes of the content of forged messages is not judged; that it goes on is.
#include <gtest/gtest.h>

#include "cfs/core/messages.h"
#include "tests/cfs/cluster.h"
#include "tests/cfs/draws.h"

namespace {

using cfs::testing::Cluster;
using cfs::testing::Draws;
using std::chrono::milliseconds;
using totem::NodeId;

void damage(std::vector<std::byte>& bytes, Draws& draws) {
    for (std::uint64_t i = draws.below(4); i > 0 && !bytes.empty(); --i) {
        auto& byte = bytes[draws.below(bytes.size())];
        byte = draws.below(3) == 0 ? std::byte{255} : byte ^ std::byte(1U << draws.below(8));
    }
    if (draws.below(8) == 0) {
        bytes.resize(draws.below(bytes.size() + 20));
    }
}

TEST(MessageFuzz, WhatDecodesHasNoOtherEncoding) {
    Draws draws(1);
    std::size_t decoded = 0;
    for (int i = 0; i < 200000; ++i) {
        std::vector<std::byte> bytes;
        if (i % 2 == 0) {
            bytes = encode(cfs::Message{cfs::Hello{}});
            damage(bytes, draws);
        } else {
            bytes.resize(draws.below(120));
            for (std::byte& byte : bytes) {
                byte = std::byte(draws.below(6));
            }
        }
        const auto message = cfs::decode_message(bytes);
        if (message) {
            ++decoded;
            EXPECT_EQ(encode(*message), bytes);
        }
        static_cast<void>(cfs::decode_promise_record(bytes));
    }
    EXPECT_GT(decoded, 1000U);
}

// A cluster in which messages are forged on the way: damaged, repeated, from other senders, old.
class Forger {
  public:
    explicit Forger(std::uint64_t seed) : draws_(seed) {
        for (const std::uint32_t id : {1U, 2U, 3U}) {
            cluster_.start(id);
        }
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            one(static_cast<std::uint32_t>(1 + draws_.below(3)));
        }
    }
    std::size_t forged = 0;

  private:
    void one(std::uint32_t id) {
        const std::uint64_t what = draws_.below(1000);
        if (what < 850) {
            if (draws_.below(60) == 0 || !cluster_.act(draws_.below(1U << 20U))) {
                cluster_.next_instant(cluster_.now + milliseconds{draws_.below(300)});
            }
        } else if (what < 900) {
            cluster_.make(id, "f" + std::to_string(++made_));
        } else if (what < 990) {
            forge(id);
        } else if (what < 993) {
            cluster_.split({{1, 2}, {3}}, draws_.below(1000));
        } else if (what < 997) {
            cluster_.heal(draws_.below(1000));
        } else {
            confuse(id);
        }
    }

    void forge(std::uint32_t id) {
        auto& inbox = cluster_.node(id).inbox;
        const auto& log = cluster_.node(id).ring->log;
        std::vector<const Cluster::Event*> models;
        for (const auto& event : log) {
            if (!event.view) {
                models.push_back(&event);
            }
        }
        if (models.empty()) {
            return;
        }
        Cluster::Event event = *models[draws_.below(models.size())];
        damage(event.bytes, draws_);
        if (draws_.below(20) != 0 && !event.bytes.empty() && event.bytes[0] > std::byte{1}) {
            event.bytes[0] = std::byte{1};  // a later format ends the game too soon
        }
        if (draws_.below(4) == 0) {
            event.sender.node = NodeId{static_cast<std::uint32_t>(1 + draws_.below(4))};
        }
        inbox.insert(inbox.begin() + static_cast<std::ptrdiff_t>(draws_.below(inbox.size() + 1)),
                     std::move(event));
        forged += 1;
    }

    void confuse(std::uint32_t id) {
        switch (draws_.below(6)) {
            case 0:
                cluster_.input(id, cfs::QuorumIs{draws_.below(2) == 0});
                break;
            case 1:
                cluster_.input(id, cfs::ForeignAre{});
                break;
            case 2:
                cluster_.input(id, cfs::ViewLost{});
                break;
            case 3:
                cluster_.input(id, cfs::Tick{});
                break;
            default:
                cluster_.kill(id);
                cluster_.start(id);
                break;
        }
    }

    Draws draws_;
    Cluster cluster_;
    std::uint64_t made_ = 0;
};

TEST(ReplicaFuzz, ForgedMessagesStopNobody) {
    std::size_t forged = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Forger forger(seed);
        forger.run(4000);
        forged += forger.forged;
    }
    EXPECT_GT(forged, 5000U);
}

cfs::ReplicaInput any_input(Draws& draws, cfs::Bytes bytes) {
    const totem::client::Process self{NodeId{1}, 1};
    const totem::client::Process peer{NodeId{static_cast<std::uint32_t>(1 + draws.below(2))}, 1};
    const bool full = draws.below(2) == 0;
    switch (draws.below(24)) {
        case 0:
            return cfs::Loaded{};
        case 1:
            return cfs::View{{NodeId{1}, draws.below(3)}, {self, peer}, self};
        case 2:
            return cfs::View{{NodeId{1}, 9}, {self}, self};
        case 3:
            return draws.below(4) == 0 ? cfs::ReplicaInput(cfs::ViewLost{}) : cfs::Tick{};
        case 4:
            return cfs::QuorumIs{draws.below(4) != 0};
        case 5:
            return cfs::VotingIs{cfs::testing::equal_votes({1})};
        case 6:
            return cfs::Submit{1, 1, cfs::Create{cfs::kRootInode, "a", false}};
        case 7:
        case 8:
            return cfs::Stored{};
        case 9:
            return draws.below(9) != 0 ? cfs::ReplicaInput(cfs::Tick{})
                                       : cfs::StoreFailed{{full ? cfs::StoreErrorKind::kNoSpace
                                                                : cfs::StoreErrorKind::kFailed,
                                                           "x"}};
        case 10:
            return draws.below(9) != 0 ? cfs::ReplicaInput(cfs::Tick{}) : cfs::Stop{};
        default:
            return cfs::Delivered{draws.below(4) == 0 ? peer : self, bytes};
    }
}

// In every phase: any input, in any order, whether a host could give it or not.
TEST(ReplicaFuzz, InputsThatNoHostGivesStopNobody) {
    Draws draws(7);
    std::size_t writable = 0;
    for (int run = 0; run < 300; ++run) {
        cfs::ReplicaOptions options;
        options.node = NodeId{1};
        options.local = run % 5 == 0;
        cfs::Replica replica(options);
        totem::Instant now{};
        std::vector<std::vector<std::byte>> said{encode(cfs::Message{cfs::Hello{}})};
        for (int i = 0; i < 200; ++i) {
            cfs::ReplicaEffects out;
            now += milliseconds{draws.below(50)};
            const std::size_t back = draws.below(std::min<std::size_t>(said.size(), 5));
            const auto bytes = said[said.size() - 1 - back];
            replica.step(now, any_input(draws, bytes), out);
            said.insert(said.end(), out.multicasts.begin(), out.multicasts.end());
            writable += replica.writable() && !options.local ? 1 : 0;
        }
    }
    EXPECT_GT(writable, 100U);  // it gets as far as that
}

}  // namespace
