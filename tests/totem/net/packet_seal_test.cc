// The seal against everybody who does not hold the key, and its manners among those who do.
//
// One test per promise of properties.md section 9: nothing forged, redirected, reflected or
// repeated is ever accepted, across restarts of both ends and changes of the key, and no stranger
// costs state.
#include <random>
#include <set>

#include "tests/totem/net/seal_fixture.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using totem::FramePool;
using totem::kNoNode;
using totem::LinkId;
using totem::NodeId;
using totem::net::available;
using totem::net::kSealBytes;
using totem::net::PacketSeal;
using totem::net::SealEvent;
using totem::net::Suite;
using totem::net::Verdict;
using totem::net::test::Bytes;
using totem::net::test::bytes_of;
using totem::net::test::carry;
using totem::net::test::introduce;
using totem::net::test::keys;
using totem::net::test::kLink;
using totem::net::test::kOne;
using totem::net::test::kThree;
using totem::net::test::kTwo;
using totem::net::test::Life;

// Both suites; where the processor has no AES the second run repeats the first.
class Sealed : public ::testing::TestWithParam<bool> {
  protected:
    Life one_{kOne, keys(), GetParam()};
    Life two_{kTwo, keys(), GetParam()};
    Life three_{kThree, keys(), GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Suites, Sealed, ::testing::Bool(),
                         [](const auto& suite) { return suite.param ? "Aes" : "ChaCha"; });

// ---- what members exchange --------------------------------------------------------------------

TEST_P(Sealed, ANewSessionCostsOneRoundTripAndOneFrame) {
    EXPECT_EQ(carry(one_, two_, one_.say(kNoNode, "join 1")), Verdict::kUnproven);
    // The exchange that followed proved each to the other.
    EXPECT_EQ(two_.events.size(), 1U);
    EXPECT_EQ(one_.events.size(), 1U);
    EXPECT_EQ(two_.events.front().kind, SealEvent::Kind::kSessionStarted);
    EXPECT_EQ(two_.events.front().node, kOne);
    const auto opened = two_.hear(one_.say(kNoNode, "join 2"));
    EXPECT_EQ(opened.verdict, Verdict::kAccepted);
    EXPECT_EQ(opened.sender, kOne);
    EXPECT_EQ(bytes_of(opened.frame), bytes_of("join 2"));
    EXPECT_TRUE(opened.reply.empty());
    EXPECT_EQ(one_.verdict(two_.say(kOne, "token")), Verdict::kAccepted);
}

TEST_P(Sealed, FramesOfEveryLengthSurvive) {
    introduce(one_, two_);
    for (std::size_t size = 1; size < 3000; size += size < 300 ? 1 : 97) {
        const std::string text(size, static_cast<char>('a' + size % 26));
        const Bytes frame = one_.say(kNoNode, text);
        EXPECT_EQ(frame.size(), size + kSealBytes);
        EXPECT_EQ(bytes_of(two_.hear(frame).frame), bytes_of(text));
    }
}

TEST_P(Sealed, NothingOfTheFrameIsLegible) {
    const std::string secret = "the votes of node 1";
    const Bytes frame = one_.say(kNoNode, secret);
    EXPECT_TRUE(std::ranges::search(frame, bytes_of(secret.substr(0, 4))).empty());
}

// ---- C1: forgery ------------------------------------------------------------------------------

TEST_P(Sealed, EveryFlippedBitIsRefusedWithoutAnEffect) {
    introduce(one_, two_);
    const Bytes good = one_.say(kTwo, "a token");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        Bytes bad = good;
        bad.at(bit / 8) ^= static_cast<std::byte>(1U << bit % 8);
        const auto opened = two_.hear(bad);
        ASSERT_TRUE(opened.frame.empty()) << "bit " << bit;
        ASSERT_TRUE(opened.reply.empty()) << "bit " << bit;
        ASSERT_FALSE(opened.event.has_value()) << "bit " << bit;
    }
    EXPECT_EQ(two_.seal->count(Verdict::kAccepted), 0U);
    EXPECT_EQ(two_.verdict(good), Verdict::kAccepted);  // none of it used the counter up
}

// The same for a session that is not proven, and for the frames of a handshake.
TEST_P(Sealed, AForgedHandshakeProvesNothing) {
    const Bytes join = one_.say(kNoNode, "join");
    const Bytes question = bytes_of(two_.hear(join).reply);
    const Bytes answer = bytes_of(one_.hear(question).reply);
    for (const Bytes& good : {join, answer}) {
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            Bytes bad = good;
            bad.at(bit / 8) ^= static_cast<std::byte>(1U << bit % 8);
            const auto opened = two_.hear(bad);
            ASSERT_TRUE(opened.frame.empty() && opened.reply.empty()) << "bit " << bit;
            ASSERT_FALSE(opened.event.has_value()) << "bit " << bit;
        }
    }
    EXPECT_TRUE(two_.events.empty());
    EXPECT_EQ(two_.verdict(answer), Verdict::kHandshake);
    EXPECT_EQ(two_.events.size(), 1U);
}

TEST_P(Sealed, EveryOtherLengthIsRefused) {
    introduce(one_, two_);
    const Bytes good = one_.say(kTwo, "a token");
    for (std::size_t size = 0; size < good.size(); ++size) {
        ASSERT_NE(two_.verdict(std::span(good).first(size)), Verdict::kAccepted) << size;
    }
    Bytes longer = good;
    longer.push_back(std::byte{0});
    EXPECT_EQ(two_.verdict(longer), Verdict::kForged);
    EXPECT_EQ(two_.verdict(good), Verdict::kAccepted);
}

TEST_P(Sealed, ClearFramesOfAnyDialectAreNoneOfOurs) {
    for (const char* start :
         {"\x70\xC0\x03", "\xC0\x70\x03", "\xFE\xFE", "\xFF\xFF", "\x01", "QS\x02"}) {
        Bytes frame = bytes_of(start);
        frame.resize(200);
        EXPECT_EQ(two_.verdict(frame), Verdict::kMalformed);
    }
}

// ---- C4: reflection and redirection -----------------------------------------------------------

TEST_P(Sealed, AFrameIsGoodForItsDestinationOnly) {
    introduce(one_, two_);
    introduce(one_, three_);
    const Bytes token = one_.say(kTwo, "token");
    EXPECT_EQ(three_.verdict(token), Verdict::kForged);
    EXPECT_EQ(two_.verdict(token), Verdict::kAccepted);
    const Bytes everyone = one_.say(kNoNode, "join");
    EXPECT_EQ(two_.verdict(everyone), Verdict::kAccepted);
    EXPECT_EQ(three_.verdict(everyone), Verdict::kAccepted);
}

TEST_P(Sealed, AFrameIsGoodForItsLinkOnly) {
    introduce(one_, two_);
    const Bytes frame = one_.say(kNoNode, "join", LinkId{1});
    EXPECT_EQ(two_.verdict(frame, LinkId{0}), Verdict::kForged);
    EXPECT_EQ(two_.verdict(frame, LinkId{1}), Verdict::kAccepted);
}

TEST_P(Sealed, AnotherClusterWithTheSameKeyFileIsAnotherWorld) {
    Life other{kTwo, keys({7}, "other"), GetParam()};
    Bytes frame = one_.say(kNoNode, "join");
    EXPECT_EQ(other.verdict(frame), Verdict::kUnknownKey);
    // The public key id is no secret: with the other cluster's it is a forgery.
    const auto id = static_cast<std::uint32_t>(keys({7}, "other").front().id());
    for (std::size_t i = 0; i < 4; ++i) {
        frame.at(4 + i) = static_cast<std::byte>(id >> (8 * i));
    }
    EXPECT_EQ(other.verdict(frame), Verdict::kForged);
}

// Neither a clone at another address nor anybody else can take the place of a session.
TEST_P(Sealed, AFrameFromTheAddressOfAnotherNodeLeavesNoTrace) {
    introduce(one_, two_);
    Life clone{kOne, keys(), GetParam()};
    for (int i = 0; i < 3; ++i) {
        two_.now += milliseconds(100);
        const auto opened = two_.seal->open(two_.now, LinkId{0},
                                            two_.pool.copy(clone.say(kNoNode, "join")), kThree);
        EXPECT_EQ(opened.verdict, Verdict::kUnknownSender);
        EXPECT_TRUE(opened.reply.empty());
    }
    EXPECT_EQ(two_.verdict(one_.say(kNoNode, "join")), Verdict::kAccepted);
}

TEST_P(Sealed, OwnFramesThatComeBackAreDropped) {
    introduce(one_, two_);
    EXPECT_EQ(one_.verdict(one_.say(kNoNode, "join")), Verdict::kOwnId);
    EXPECT_EQ(one_.verdict(one_.say(kTwo, "token")), Verdict::kOwnId);
}

// ---- C3: replay -------------------------------------------------------------------------------

TEST_P(Sealed, AFrameIsAcceptedOnceInAnyOrder) {
    introduce(one_, two_);
    std::vector<Bytes> frames;
    for (int i = 0; i < 2000; ++i) {
        frames.push_back(one_.say(kNoNode, "frame"));
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        // 7 and 2000 have no common divisor, so this is every frame once.
        EXPECT_EQ(two_.verdict(frames.at(i * 7 % frames.size())), Verdict::kAccepted);
    }
    for (const Bytes& frame : frames) {
        EXPECT_EQ(two_.verdict(frame), Verdict::kReplayed);
    }
}

TEST_P(Sealed, NothingIsAcceptedAgainAfterARestartOfTheReceiver) {
    std::vector<Bytes> tape;
    introduce(one_, two_, &tape);
    for (int i = 0; i < 20; ++i) {
        tape.push_back(one_.say(kNoNode, "join"));
        EXPECT_EQ(two_.verdict(tape.back()), Verdict::kAccepted);
    }
    Life again{kTwo, keys(), GetParam()};
    for (const Bytes& frame : tape) {
        EXPECT_TRUE(again.hear(frame).frame.empty());
    }
    EXPECT_TRUE(again.events.empty());
    // Also after node 1, which lives on in the same session, has proven itself to the new life.
    again.now += milliseconds(10);
    introduce(one_, again, &tape);
    EXPECT_EQ(again.reported(SealEvent::Kind::kSessionStarted), 1U);
    for (const Bytes& frame : tape) {
        EXPECT_TRUE(again.hear(frame).frame.empty());
    }
    EXPECT_EQ(again.verdict(one_.say(kNoNode, "new")), Verdict::kAccepted);
}

TEST_P(Sealed, NothingOfAnEarlierLifeOfTheSenderIsAccepted) {
    std::vector<Bytes> tape;
    introduce(one_, two_, &tape);
    for (int i = 0; i < 20; ++i) {
        tape.push_back(one_.say(kNoNode, "join"));  // some arrived, some did not
        if (i % 2 == 0) {
            EXPECT_EQ(two_.verdict(tape.back()), Verdict::kAccepted);
        }
    }
    Life again{kOne, keys(), GetParam()};
    introduce(again, two_, &tape);
    EXPECT_EQ(two_.reported(SealEvent::Kind::kSessionStarted), 2U);
    for (int round = 0; round < 50; ++round) {
        two_.now += milliseconds(100);  // past every limit of rate
        for (const Bytes& frame : tape) {
            const auto opened = two_.hear(frame);
            EXPECT_TRUE(opened.frame.empty());
            if (!opened.reply.empty()) {
                // Challenged, the living life answers for itself.
                const auto answer = again.hear(bytes_of(opened.reply));
                if (!answer.reply.empty()) {
                    two_.hear(bytes_of(answer.reply));
                }
            }
        }
    }
    EXPECT_EQ(two_.events.size(), 2U);
    EXPECT_EQ(two_.verdict(again.say(kNoNode, "new")), Verdict::kAccepted);
}

TEST_P(Sealed, AnAnswerIsGoodForOneChallengeAndNotForLong) {
    const Bytes question = bytes_of(two_.hear(one_.say(kNoNode, "join")).reply);
    const Bytes answer = bytes_of(one_.hear(question).reply);
    two_.now += seconds(2);
    EXPECT_EQ(two_.verdict(answer), Verdict::kHandshake);
    EXPECT_TRUE(two_.events.empty());  // too late

    two_.now += milliseconds(10);
    const Bytes second = bytes_of(two_.hear(one_.say(kNoNode, "join")).reply);
    EXPECT_EQ(two_.verdict(answer), Verdict::kHandshake);
    EXPECT_TRUE(two_.events.empty());  // of another challenge
    two_.hear(bytes_of(one_.hear(second).reply));
    EXPECT_EQ(two_.events.size(), 1U);
}

// An answer for somebody else's challenge, and one that was meant for another node.
TEST_P(Sealed, AnAnswerIsGoodForTheOneWhoAskedOnly) {
    const Bytes question_two = bytes_of(two_.hear(one_.say(kNoNode, "join")).reply);
    const Bytes question_three = bytes_of(three_.hear(one_.say(kNoNode, "join")).reply);
    EXPECT_EQ(one_.verdict(question_three), Verdict::kHandshake);
    const Bytes answer_two = bytes_of(one_.hear(question_two).reply);
    EXPECT_EQ(three_.verdict(answer_two), Verdict::kForged);
    EXPECT_TRUE(three_.events.empty());
}

// The header is not authentic, so the name is that of the address where the frame came from.
TEST_P(Sealed, WhoeverSealsWithAnotherKeyIsReportedOnceAMinute) {
    Life other{kTwo, keys({8}), GetParam()};
    const auto hear = [&](NodeId source) {
        return one_.seal->open(one_.now, kLink, one_.pool.copy(other.say(kNoNode, "join")), source);
    };
    const auto first = hear(kTwo);
    EXPECT_EQ(first.verdict, Verdict::kUnknownKey);
    ASSERT_TRUE(first.event.has_value());
    EXPECT_EQ(first.event->kind, SealEvent::Kind::kOtherKey);
    EXPECT_EQ(first.event->node, kTwo);
    EXPECT_FALSE(hear(kTwo).event.has_value());
    EXPECT_FALSE(hear(kNoNode).event.has_value());
    one_.now += minutes(1);
    EXPECT_TRUE(hear(kTwo).event.has_value());
}

// ---- cloned disks -----------------------------------------------------------------------------

TEST_P(Sealed, TwoLiveSessionsOfOneNodeAreReportedAndNeverMixed) {
    Life clone{kOne, keys(), GetParam()};
    introduce(one_, two_);
    introduce(clone, two_);  // may be a restart so far
    EXPECT_EQ(two_.reported(SealEvent::Kind::kDuplicateId), 0U);
    for (int i = 0; i < 100; ++i) {
        two_.now += milliseconds(20);
        EXPECT_EQ(carry(one_, two_, one_.say(kNoNode, "first")), Verdict::kUnproven);
        EXPECT_EQ(two_.verdict(clone.say(kNoNode, "second")), Verdict::kAccepted);
    }
    EXPECT_EQ(two_.reported(SealEvent::Kind::kDuplicateId), 1U);
    two_.now += minutes(1);
    carry(one_, two_, one_.say(kNoNode, "first"));
    EXPECT_EQ(two_.reported(SealEvent::Kind::kDuplicateId), 2U);
    EXPECT_EQ(two_.reported(SealEvent::Kind::kSessionStarted), 2U);
}

// ---- C6: nonces -------------------------------------------------------------------------------

// A restart remembers nothing, so a rolled back or cloned disk and a wrong clock change nothing:
// every life is one of these.
TEST_P(Sealed, NoLifeEverRepeatsAKeyAndNonce) {
    std::set<Bytes> seen;  // node, counter, salt: what decides key and nonce
    for (int life = 0; life < 200; ++life) {
        Life node{kOne, keys(), GetParam()};
        for (int i = 0; i < 20; ++i) {
            const Bytes frame = node.say(i % 2 == 0 ? kNoNode : kTwo, "frame", LinkId(i % 3 == 0));
            const auto header = std::span(frame).first(totem::net::kSealHeaderBytes).subspan(8);
            EXPECT_TRUE(seen.emplace(header.begin(), header.end()).second);
        }
    }
}

// ---- C5, C7: rotation -------------------------------------------------------------------------

TEST_P(Sealed, AnyTwoMembersCanTalkAtEveryStepOfARotation) {
    std::array<Life*, 3> nodes{&one_, &two_, &three_};
    introduce(one_, two_);
    introduce(one_, three_);
    introduce(two_, three_);
    const auto everyone_talks = [&] {
        for (Life* from : nodes) {
            const Bytes frame = from->say(kNoNode, "data");
            for (Life* to : nodes) {
                if (to != from) {
                    EXPECT_EQ(to->verdict(frame), Verdict::kAccepted);
                }
            }
        }
    };
    const Bytes before = one_.say(kNoNode, "before");
    for (const auto& phase : {std::initializer_list<std::uint8_t>{7, 8}, {8, 7}, {8}}) {
        for (Life* node : nodes) {
            node->seal->set_keys(keys(phase));
            everyone_talks();
        }
    }
    EXPECT_EQ(two_.verdict(before), Verdict::kUnknownKey);
    Life removed{kOne, keys({7}), GetParam()};
    EXPECT_EQ(two_.verdict(removed.say(kNoNode, "join")), Verdict::kUnknownKey);
    EXPECT_EQ(two_.reported(SealEvent::Kind::kSessionStarted), 2U);  // no new handshake was needed
}

TEST_P(Sealed, ANodeThatLeavesTheListIsAStranger) {
    introduce(one_, two_);
    two_.seal->set_nodes(std::array{kTwo, kThree});
    const Bytes frame = one_.say(kNoNode, "join");
    EXPECT_EQ(two_.verdict(frame), Verdict::kUnknownSender);
    two_.seal->set_nodes(std::array{kOne, kTwo, kThree});
    EXPECT_EQ(two_.verdict(frame), Verdict::kUnproven);
    introduce(one_, two_);
    two_.now += milliseconds(100);
    introduce(one_, two_);
    EXPECT_EQ(two_.verdict(one_.say(kNoNode, "join")), Verdict::kAccepted);
    EXPECT_EQ(two_.verdict(frame), Verdict::kReplayed);
}

// ---- C8: cost ---------------------------------------------------------------------------------

TEST_P(Sealed, ANodeIsChallengedAtALimitedRate) {
    int challenges = 0;
    for (int i = 0; i < 1000; ++i) {
        challenges += two_.hear(one_.say(kNoNode, "join")).reply.empty() ? 0 : 1;
    }
    EXPECT_EQ(challenges, 1);
    two_.now += milliseconds(10);
    EXPECT_FALSE(two_.hear(one_.say(kNoNode, "join")).reply.empty());
}

// Noise, noise behind a good header, and good frames with a few bytes changed.
TEST_P(Sealed, GarbageOfAnyKindHasNoEffect) {
    introduce(one_, two_);
    std::mt19937_64 random(20260102);
    const auto noise = [&](std::span<std::byte> bytes) {
        std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    };
    for (int i = 0; i < 5000; ++i) {
        Bytes frame = one_.say(i % 2 == 0 ? kNoNode : kTwo, std::string(1 + random() % 200, 'x'));
        const auto kind = random() % 3;
        if (kind == 0) {
            frame.resize(random() % 300);
            noise(frame);
        } else if (kind == 1) {
            noise(std::span(frame).subspan(random() % totem::net::kSealHeaderBytes));
        } else {
            frame.at(random() % frame.size()) ^= static_cast<std::byte>(1 + random() % 255);
        }
        const auto opened = two_.hear(frame);
        ASSERT_TRUE(opened.frame.empty() && opened.reply.empty() && !opened.event);
    }
    EXPECT_EQ(two_.verdict(one_.say(kNoNode, "join")), Verdict::kAccepted);
    EXPECT_EQ(two_.pool.live(), 0U);
}

// ---- suites -----------------------------------------------------------------------------------

bool uses_aes(const Bytes& frame) { return (frame.at(3) & std::byte{4}) != std::byte{0}; }

TEST(Suites, OneNodeWithoutAesMakesAllUseTheOther) {
    if (!available(Suite::kAes256Gcm)) {
        GTEST_SKIP() << "this processor has no AES";
    }
    Life one{kOne};
    Life two{kTwo};
    Life old{kThree, keys(), false};
    introduce(one, two);
    EXPECT_TRUE(uses_aes(one.say(kNoNode, "data")));
    EXPECT_EQ(old.verdict(one.say(kNoNode, "data")), Verdict::kUnknownKey);
    // Its own frames can be read, and with the handshake that they start the others learn of it.
    introduce(old, one);
    const Bytes frame = one.say(kNoNode, "data");
    EXPECT_FALSE(uses_aes(frame));
    EXPECT_EQ(old.verdict(frame), Verdict::kAccepted);
    EXPECT_EQ(two.verdict(frame), Verdict::kAccepted);
    one.seal->set_nodes(std::array{kOne, kTwo});
    EXPECT_TRUE(uses_aes(one.say(kNoNode, "data")));
}

}  // namespace
