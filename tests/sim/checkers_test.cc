// Every checker stays silent on a good history and catches each bug planted into one.
#include "tests/sim/history.h"

namespace sim {
namespace {

TEST(Checkers, AreSilentOnAGoodHistory) {
    History h;
    h.form();
    h.token(0, kFirst, 0, 3);
    h.token(1, kFirst, 1, 3);
    h.release(0, kFirst, 3);
    h.lose_third();
    EXPECT_EQ(h.property(), "");
}

TEST_P(PlantedBug, IsCaught) {
    History h;
    h.form();
    ASSERT_EQ(h.property(), "");
    GetParam().tell(h);
    EXPECT_EQ(h.property(), GetParam().property);
}

INSTANTIATE_TEST_SUITE_P(
    Order, PlantedBug,
    ::testing::Values(
        Planted{"NobodySaidIt", "E1.2", [](History& h) { h.deliver(0, 1, kFirst, 4); }},
        Planted{"OtherSender", "E1.2",
                [](History& h) {
                    h.originate(1, kFirst, 4);
                    h.deliver(0, 2, kFirst, 4);
                }},
        Planted{"OtherContent", "E1.2",
                [](History& h) {
                    h.originate(1, kFirst, 4);
                    h.publish(Delivered{History::at(0), kFirst, Seq{4}, id_of(1),
                                        Guarantee::kAgreed, 1, 100});
                }},
        Planted{"NumberGivenTwice", "E1.3", [](History& h) { h.originate(1, kFirst, 3); }},
        Planted{"DeliveredTwice", "E1.4", [](History& h) { h.deliver(1, 2, kFirst, 3); }},
        Planted{"OutOfOrder", "E6.1", [](History& h) { h.deliver(1, 1, kFirst, 2); }},
        Planted{"GapInRegular", "E6.3",
                [](History& h) {
                    h.originate(1, kFirst, 4);
                    h.originate(1, kFirst, 5);
                    h.deliver(0, 1, kFirst, 5);
                }},
        Planted{"GapOfAMember", "E6.3",
                [](History& h) {
                    h.originate(1, kFirst, 4);
                    h.originate(1, kFirst, 5);
                    h.hold(0, kFirst, 4);
                    h.hold(0, kFirst, 5);
                    h.transitional(0, kSecond, 0b011, 0b100);
                    h.deliver(0, 1, kFirst, 5);
                }},
        Planted{"OldRing", "E2.2",
                [](History& h) {
                    h.originate(2, kFirst, 4);
                    h.lose_third();
                    h.deliver(0, 2, kFirst, 4);
                }}),
    [](const auto& bug) { return bug.param.name; });

INSTANTIATE_TEST_SUITE_P(Synchrony, PlantedBug,
                         ::testing::Values(Planted{"OneDeliveredMoreBefore", "E2.6",
                                                   [](History& h) {
                                                       h.originate(2, kFirst, 4);
                                                       h.deliver(0, 2, kFirst, 4);
                                                       h.transitional(0, kSecond, 0b011, 0b100);
                                                       h.transitional(1, kSecond, 0b011, 0b100);
                                                   }},
                                           Planted{"OneDeliveredMoreWithin", "E4",
                                                   [](History& h) {
                                                       h.originate(2, kFirst, 4);
                                                       h.transitional(0, kSecond, 0b011, 0b100);
                                                       h.deliver(0, 2, kFirst, 4);
                                                       h.regular(0, kSecond, 0b011);
                                                       h.transitional(1, kSecond, 0b011, 0b100);
                                                       h.regular(1, kSecond, 0b011);
                                                   }},
                                           Planted{"OwnMessageLost", "E3",
                                                   [](History& h) {
                                                       h.originate(0, kFirst, 4);
                                                       h.hold(1, kFirst, 4);
                                                       h.lose_third();
                                                   }}),
                         [](const auto& bug) { return bug.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Configurations, PlantedBug,
    ::testing::Values(
        Planted{"NotAMember", "E2.1", [](History& h) { h.transitional(0, kSecond, 0b010, 0b101); }},
        Planted{"NoTransitional", "E2.3", [](History& h) { h.regular(0, kSecond, 0b011); }},
        Planted{"TwoTransitional", "E2.3",
                [](History& h) {
                    h.transitional(0, kSecond, 0b011, 0b100);
                    h.transitional(0, kSecond, 0b001, 0b110);
                }},
        Planted{"CameFromElsewhere", "E2.3",
                [](History& h) {
                    h.transitional(0, kSecond, 0b011, 0b100);
                    h.regular(0, kSecond, 0b011);
                    h.transitional(1, kSecond, 0b010, 0b101);
                    h.regular(1, kSecond, 0b011);
                }},
        Planted{"TwoRingsOneName", "M1",
                [](History& h) {
                    h.transitional(0, kSecond, 0b001, 0b110);
                    h.regular(0, kSecond, 0b001);
                    h.transitional(1, kSecond, 0b010, 0b101);
                    h.regular(1, kSecond, 0b011);
                }},
        Planted{"NumberWentBack", "E2.7",
                [](History& h) {
                    const RingId older{NodeId{1}, 4};
                    h.transitional(0, older, 0b011, 0b100);
                    h.regular(0, older, 0b011);
                }},
        Planted{"NotNamedAfterTheLowest", "M4",
                [](History& h) {
                    const RingId ring{NodeId{2}, 12};
                    h.transitional(0, ring, 0b011, 0b100);
                    h.regular(0, ring, 0b011);
                }},
        Planted{"StrangerListed", "E2.4",
                [](History& h) {
                    h.publish(Configured{History::at(0), false, kSecond, 0b011, 0b100, 0, false});
                }}),
    [](const auto& bug) { return bug.param.name; });

INSTANTIATE_TEST_SUITE_P(
    GroundTruth, PlantedBug,
    ::testing::Values(Planted{"SafeNotHeldByAll", "E7.1",
                              [](History& h) {
                                  h.originate(0, kFirst, 4, Guarantee::kSafe);
                                  h.hold(1, kFirst, 4);
                                  h.deliver(0, 0, kFirst, 4, Guarantee::kSafe);
                              }},
                      Planted{"SafeNotDeliveredByAMember", "E7.1",
                              [](History& h) {
                                  h.originate(2, kFirst, 4, Guarantee::kSafe);
                                  h.hold(0, kFirst, 4);
                                  h.hold(1, kFirst, 4);
                                  h.deliver(0, 2, kFirst, 4, Guarantee::kSafe);
                                  h.transitional(1, kSecond, 0b011, 0b100);
                                  h.regular(1, kSecond, 0b011);
                              }},
                      Planted{"SafeToOneWhoWentOn", "E7.1",
                              [](History& h) {
                                  h.originate(2, kFirst, 4, Guarantee::kSafe);
                                  h.originate(2, kFirst, 5, Guarantee::kSafe);
                                  for (std::uint32_t node = 0; node < 2; ++node) {
                                      h.hold(node, kFirst, 4);
                                      h.hold(node, kFirst, 5);
                                  }
                                  h.deliver(1, 2, kFirst, 4, Guarantee::kSafe);
                                  h.transitional(1, kSecond, 0b011, 0b100);
                                  h.regular(1, kSecond, 0b011);
                                  h.deliver(0, 2, kFirst, 4, Guarantee::kSafe);
                                  h.transitional(0, kSecond, 0b011, 0b100);
                                  h.deliver(0, 2, kFirst, 5, Guarantee::kSafe);
                              }},
                      Planted{"SafeInARingNotInstalled", "E7.2",
                              [](History& h) {
                                  h.transitional(0, kSecond, 0b011, 0b100);
                                  h.regular(0, kSecond, 0b011);
                                  h.originate(0, kSecond, 1, Guarantee::kSafe);
                                  h.hold(1, kSecond, 1);
                                  h.deliver(0, 0, kSecond, 1, Guarantee::kSafe);
                              }},
                      Planted{"ForgotTooEarly", "R6",
                              [](History& h) {
                                  h.originate(0, kFirst, 4);
                                  h.hold(1, kFirst, 4);
                                  h.release(0, kFirst, 4);
                              }},
                      Planted{"TokenTakenTwice", "R1",
                              [](History& h) {
                                  h.token(0, kFirst, 7, 3);
                                  h.token(1, kFirst, 7, 3);
                              }},
                      Planted{"TokenNumberWentBack", "R3",
                              [](History& h) {
                                  h.token(0, kFirst, 7, 3);
                                  h.token(1, kFirst, 8, 2);
                              }},
                      Planted{"CommitBeforeDurable", "M2",
                              [](History& h) {
                                  h.speak(0, FrameType::kCommitToken, {NodeId{1}, 2000});
                              }},
                      Planted{"BadFrameChangedState", "M9",
                              [](History& h) {
                                  h.publish(Ignorable{History::at(0), "M9", "damaged frame", 1, 2});
                              }},
                      Planted{"SpokeForAnOldRing", "M9b",
                              [](History& h) {
                                  h.speak(0, FrameType::kOrfToken, kFirst);
                                  h.speak(0, FrameType::kOrfToken, kSecond);
                                  h.speak(0, FrameType::kData, kFirst);
                              }}),
    [](const auto& bug) { return bug.param.name; });

QuorumView view(NodeMask members, RingId ring, bool synchronising) {
    return {History::at(0), true, synchronising, ring, kFirst, members};
}

INSTANTIATE_TEST_SUITE_P(
    SealAndQuorum, PlantedBug,
    ::testing::Values(Planted{"DamagedFrameAccepted", "C1",
                              [](History& h) {
                                  h.publish(FrameOpened{History::at(0), true, true, 5});
                              }},
                      Planted{"FrameAcceptedTwice", "C3",
                              [](History& h) {
                                  h.publish(FrameOpened{History::at(0), false, true, 5});
                                  h.publish(FrameOpened{History::at(0), false, false, 5});
                                  h.publish(FrameOpened{History::at(0), false, true, 5});
                              }},
                      Planted{"MinorityQuorate", "Q2",
                              [](History& h) { h.publish(view(0b001, kFirst, false)); }},
                      Planted{"QuorateForAnotherRing", "Q5",
                              [](History& h) { h.publish(view(0b111, kSecond, false)); }},
                      Planted{"GainedWhileSynchronising", "Q16",
                              [](History& h) {
                                  QuorumView before = view(0b111, kFirst, true);
                                  before.quorate = false;
                                  h.publish(before);
                                  h.publish(view(0b111, kFirst, true));
                              }},
                      Planted{"WaitsForNobody", "L8",
                              [](History& h) {
                                  h.publish(SyncWaits{History::at(0), 0, 0b111, true});
                              }},
                      Planted{"WaitsForAStranger", "L8",
                              [](History& h) {
                                  h.publish(SyncWaits{History::at(0), 0b100, 0b011, true});
                              }}),
    [](const auto& bug) { return bug.param.name; });

GroupWhere client_at(std::uint32_t node) { return {History::at(node), 0, 1000, kFirst}; }
GroupMember member(std::uint32_t node) { return {id_of(node), 1000}; }

// Clients of nodes 1 and 2 in one group; the first has said two messages.
void join_group(History& h) {
    for (std::uint32_t node = 0; node < 2; ++node) {
        h.publish(GroupStarted{client_at(node)});
        h.publish(GroupView{client_at(node), {member(0), member(1)}, 77});
    }
    h.publish(GroupSaid{client_at(0), 1});
    h.publish(GroupSaid{client_at(0), 2});
}
// A client that was told of a ring when it joined is told that the groups of another are settled.
void begin_ring(History& h, std::uint32_t node) {
    GroupWhere before = client_at(node);
    before.ring = kSecond;
    h.publish(GroupRing{before, kSecond, 0b111});
    h.publish(GroupRing{client_at(node), kFirst, 0b111});
}

INSTANTIATE_TEST_SUITE_P(
    Groups, PlantedBug,
    ::testing::Values(
        Planted{"HeardTwice", "E1.4",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupHeard{client_at(1), member(0), 1, true, false});
                    h.publish(GroupHeard{client_at(1), member(0), 1, true, false});
                }},
        Planted{"NeverSaid", "E8.2",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupHeard{client_at(1), member(0), 3, true, false});
                }},
        Planted{"ContentDamaged", "E8.2",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupHeard{client_at(1), member(0), 1, false, false});
                }},
        Planted{"HeardDifferentNext", "E6.2",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupSaid{client_at(1), 1});
                    h.publish(GroupHeard{client_at(0), member(0), 1, true, true});
                    h.publish(GroupHeard{client_at(0), member(1), 1, true, false});
                    h.publish(GroupHeard{client_at(1), member(0), 1, true, false});
                    h.publish(GroupHeard{client_at(1), member(0), 2, true, false});
                }},
        Planted{"HeardDifferentAfterAView", "E6.2",
                [](History& h) {
                    join_group(h);
                    for (std::uint32_t node = 0; node < 2; ++node) {
                        h.publish(GroupHeard{client_at(node), member(0), 1, true, !node});
                        h.publish(GroupView{client_at(node), {member(0), member(1)}, 78});
                    }
                    h.publish(GroupHeard{client_at(0), member(0), 2, true, true});
                    h.publish(GroupView{client_at(1), {member(0), member(1)}, 79});
                }},
        Planted{"HeardInAnotherView", "E8.4",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupHeard{client_at(0), member(0), 1, true, true});
                    h.publish(GroupView{client_at(1), {member(0), member(1), member(2)}, 79});
                    h.publish(GroupHeard{client_at(1), member(0), 1, true, false});
                }},
        Planted{"BeginsARingInAnotherView", "E8.4",
                [](History& h) {
                    join_group(h);
                    begin_ring(h, 0);
                    h.publish(GroupView{client_at(1), {member(1)}, 79});
                    begin_ring(h, 1);
                }},
        Planted{"HearsSomethingElseFirst", "E6.2",
                [](History& h) {
                    join_group(h);
                    begin_ring(h, 0);
                    begin_ring(h, 1);
                    h.publish(GroupHeard{client_at(0), member(0), 1, true, true});
                    h.publish(GroupView{client_at(1), {member(0), member(1), member(2)}, 79});
                }},
        Planted{"GhostInANewRing", "E8.4",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupRing{client_at(0), kFirst, 0b101});
                }},
        Planted{"NotAMemberHeard", "E8.4",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupView{client_at(1), {member(1)}, 78});
                    h.publish(GroupHeard{client_at(1), member(0), 1, true, false});
                }},
        Planted{"GhostAfterSettling", "E8.4",
                [](History& h) {
                    join_group(h);
                    h.publish(GroupFailed{client_at(0)});
                    h.publish(Settled{History::at(1), 0b011, true});
                }},
        Planted{"DaemonTalksNonsense", "E8.3",
                [](History& h) {
                    h.publish(GroupTrouble{client_at(0), "what"});
                }}),
    [](const auto& bug) { return bug.param.name; });

// Node 2 is left alone and delivers a message of its own behind a join that it never got.
TEST(Checkers, CompareNoGroupsOverAGap) {
    History h;
    h.form();
    join_group(h);
    h.publish(GroupView{client_at(0), {member(0), member(1), member(2)}, 78});
    h.publish(GroupSaid{client_at(1), 1});
    h.publish(GroupHeard{client_at(0), member(1), 1, true, false});
    GroupWhere alone = client_at(1);
    alone.ring = kSecond;
    h.publish(GroupHeard{alone, member(1), 1, true, true});
    EXPECT_EQ(h.property(), "");
}

// Who joins is told of the ring as well, which is no beginning then.
TEST(Checkers, TakeNoJoinForTheBeginningOfARing) {
    History h;
    h.form();
    join_group(h);
    begin_ring(h, 0);
    h.publish(GroupHeard{client_at(0), member(0), 1, true, true});
    h.publish(GroupRing{client_at(1), kFirst, 0b111});
    h.publish(GroupHeard{client_at(1), member(0), 2, true, false});
    EXPECT_EQ(h.property(), "");
}

// A process that leaves and comes back makes the same view a second time; what follows it then has
// nothing to do with what followed it before.
TEST(Checkers, TakeNoViewForAPlaceInTheOrder) {
    History h;
    h.form();
    join_group(h);
    const auto hear = [&h](std::uint32_t node, std::uint64_t number) {
        h.publish(GroupHeard{client_at(node), member(0), number, true, node == 0});
    };
    for (std::uint32_t node = 0; node < 2; ++node) {
        hear(node, 1);
        h.publish(GroupView{client_at(node), {member(0), member(1)}, 77});
        hear(node, 2);
    }
    EXPECT_EQ(h.property(), "");
}

// With fewer votes expected two sets may have enough.
TEST(Checkers, ForgiveQuorumByAnOverride) {
    History h;
    h.form();
    h.publish(FileVotes{History::at(0), 1, 3});
    h.publish(view(0b001, kFirst, false));
    EXPECT_EQ(h.property(), "");
}

}  // namespace
}  // namespace sim
