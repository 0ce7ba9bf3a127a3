// The checkers of the token and of what it proves catch each bug planted into a good history.
#include "tests/sim/history.h"

namespace sim {
namespace {

class PlantedInToken : public PlantedBug {};

TEST_P(PlantedInToken, IsCaught) {
    History h;
    h.form();
    ASSERT_EQ(h.property(), "");
    GetParam().tell(h);
    EXPECT_EQ(h.property(), GetParam().property);
}

// A token of the first ring as node `node` sends it on; all three messages are everywhere.
totem::OrfToken token(std::uint32_t token_seq, std::uint32_t aru = 3,
                      NodeId aru_addr = totem::kNoNode) {
    totem::OrfToken token;
    token.ring = kFirst;
    token.token_seq = token_seq;
    token.seq = Seq{3};
    token.aru = Seq{aru};
    token.aru_addr = aru_addr;
    return token;
}
void pass(History& h, std::uint32_t node, const totem::OrfToken& token, std::size_t backlog = 0) {
    h.publish(TokenSent{History::at(node), &token, backlog});
}
void send_data(History& h, std::uint32_t node, std::uint32_t seq) {
    h.publish(
        Spoke{History::at(node), static_cast<std::uint8_t>(FrameType::kData), kFirst, Seq{seq}});
}
totem::OrfToken asking(totem::OrfToken token, std::uint32_t seq) {
    token.rtr.push_back({kFirst, Seq{seq}});
    return token;
}
// Node 1 has sent numbers 4 and 5, which the others lack; both are asked for when it is its turn.
void ask_for_two(History& h) {
    h.originate(0, kFirst, 4);
    h.originate(0, kFirst, 5);
    totem::OrfToken next = token(1);
    next.seq = Seq{5};
    pass(h, 0, next);
    next = asking(asking(next, 4), 5);
    for (std::uint32_t node = 1; node < 3; ++node) {
        ++next.token_seq;
        pass(h, node, next);
    }
}
// Its answers, and the token as it leaves: `asked` is what it still asks for.
void answer(History& h, std::initializer_list<std::uint32_t> sent,
            std::initializer_list<std::uint32_t> asked) {
    totem::OrfToken next = token(4);
    next.seq = Seq{5};
    for (const std::uint32_t seq : sent) {
        next.seq = next.seq < Seq{seq} ? Seq{seq} : next.seq;
        send_data(h, 0, seq);
    }
    for (const std::uint32_t seq : asked) {
        next = asking(next, seq);
    }
    next.fcc = static_cast<std::uint32_t>(sent.size());
    pass(h, 0, next);
}
// Node 1 sends a message at every visit, node 2 has news and never does.
void starve_second(History& h) {
    pass(h, 0, token(1));
    for (std::uint32_t round = 1; round < 8; ++round) {
        totem::OrfToken next = token(2 * round);
        next.fcc = round == 1 ? 0 : 1;
        pass(h, 1, next, 5);
        h.originate(0, kFirst, 3 + round);
        send_data(h, 0, 3 + round);
        next = token(2 * round + 1);
        next.seq = Seq{3 + round};
        next.fcc = 1;
        pass(h, 0, next);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Token, PlantedInToken,
    ::testing::Values(Planted{"ClaimsWhatItLacks", "R4",
                              [](History& h) {
                                  h.originate(0, kFirst, 4);
                                  totem::OrfToken next = token(1, 4);
                                  next.seq = Seq{4};
                                  pass(h, 1, next);
                              }},
                      Planted{"RaisedByAnother", "R4",
                              [](History& h) {
                                  pass(h, 0, token(1, 2, NodeId{3}));
                                  pass(h, 1, token(2, 3));
                              }},
                      Planted{"HeldDownByAGapThatIsFilled", "R9",
                              [](History& h) {
                                  pass(h, 0, token(1));
                                  pass(h, 1, token(2, 2, NodeId{2}));
                              }},
                      Planted{"TooManyInAVisit", "R7",
                              [](History& h) {
                                  pass(h, 0, token(1));
                                  for (std::uint32_t seq = 4; seq < 100; ++seq) {
                                      h.originate(1, kFirst, seq);
                                      send_data(h, 1, seq);
                                  }
                                  pass(h, 1, token(2));
                              }},
                      Planted{"FlowCountIsWrong", "R7",
                              [](History& h) {
                                  pass(h, 0, token(1));
                                  totem::OrfToken next = token(2);
                                  next.fcc = 1;
                                  pass(h, 1, next);
                              }},
                      Planted{"NodeStarves", "R7", starve_second},
                      Planted{"AsksForWhatItHas", "R8",
                              [](History& h) {
                                  pass(h, 0, token(1));
                                  pass(h, 1, asking(token(2), 3));
                              }},
                      Planted{"AsksForWhatIsNot", "R8",
                              [](History& h) {
                                  pass(h, 0, token(1));
                                  pass(h, 1, asking(token(2), 9));
                              }},
                      Planted{"DoesNotAnswer", "R8",
                              [](History& h) {
                                  h.originate(0, kFirst, 4);
                                  totem::OrfToken next = token(1);
                                  next.seq = Seq{4};
                                  pass(h, 1, asking(next, 4));
                                  next.token_seq = 2;
                                  pass(h, 2, asking(next, 4));
                                  next.token_seq = 3;
                                  pass(h, 0, asking(next, 4));
                              }},
                      Planted{"SendsNewsInsteadOfAnAnswer", "R8",
                              [](History& h) {
                                  ask_for_two(h);
                                  h.originate(0, kFirst, 6);
                                  answer(h, {6}, {4, 5});
                              }},
                      Planted{"AnswersOneOfTwo", "R8",
                              [](History& h) {
                                  ask_for_two(h);
                                  answer(h, {4}, {5});
                              }},
                      Planted{"TakesARequestAway", "R8",
                              [](History& h) {
                                  ask_for_two(h);
                                  answer(h, {4}, {});
                              }},
                      Planted{"AnswersTwice", "R8",
                              [](History& h) {
                                  ask_for_two(h);
                                  answer(h, {4, 4, 5}, {});
                              }},
                      Planted{"AnswersUnasked", "R8",
                              [](History& h) {
                                  pass(h, 0, token(1));
                                  send_data(h, 1, 2);
                              }},
                      Planted{"HoldsWithNews", "R10",
                              [](History& h) {
                                  h.publish(Idle{History::at(0), kFirst, true, true});
                              }},
                      Planted{"HoldsWhatIsWaitedFor", "R10",
                              [](History& h) {
                                  h.originate(1, kFirst, 4);
                                  totem::OrfToken next = token(1);
                                  next.seq = Seq{4};
                                  pass(h, 2, asking(next, 4));
                                  h.publish(Idle{History::at(0), kFirst, true, false});
                              }},
                      Planted{"DoesNotAskForAHeldToken", "R10",
                              [](History& h) {
                                  h.publish(Idle{History::at(0), kFirst, true, false});
                                  h.publish(Idle{History::at(1), kFirst, false, true});
                              }},
                      Planted{"StuckMemberStays", "R12",
                              [](History& h) {
                                  h.originate(1, kFirst, 4);
                                  totem::OrfToken next = token(0, 3, NodeId{3});
                                  next.seq = Seq{4};
                                  for (std::uint32_t i = 0; i < 20'000 && h.property().empty();
                                       ++i) {
                                      ++next.token_seq;
                                      Where where = History::at(2);
                                      where.at += std::chrono::milliseconds{i};
                                      h.publish(TokenSent{where, &next, 0});
                                  }
                              }},
                      Planted{"TakenForSafeTooEarly", "R5",
                              [](History& h) {
                                  h.originate(0, kFirst, 4);
                                  h.hold(1, kFirst, 4);
                                  h.publish(SafeLine{History::at(0), kFirst, Seq{4}});
                              }},
                      Planted{"SafeLineWentBack", "R5",
                              [](History& h) {
                                  h.publish(SafeLine{History::at(0), kFirst, Seq{3}});
                                  h.publish(SafeLine{History::at(0), kFirst, Seq{2}});
                              }},
                      Planted{"GoesOnWithoutExchange", "M10",
                              [](History& h) {
                                  h.originate(2, kFirst, 4);
                                  h.hold(0, kFirst, 4);
                                  h.transitional(0, kSecond, 0b011, 0b100);
                              }}),
    [](const auto& bug) { return bug.param.name; });

TEST(TokenCheckers, TakeAnAnswerToEachRequest) {
    History h;
    h.form();
    ask_for_two(h);
    h.originate(0, kFirst, 6);
    answer(h, {4, 5, 6}, {});
    EXPECT_EQ(h.property(), "");
}

// The token may say that everybody has what it still asks for; then nobody need have it any more.
TEST(TokenCheckers, TakeNoAnswerToARequestThatIsSettled) {
    History h;
    h.form();
    h.originate(0, kFirst, 4);
    totem::OrfToken next = token(1);
    next.seq = Seq{4};
    pass(h, 2, asking(next, 4));
    h.hold(1, kFirst, 4);
    h.hold(2, kFirst, 4);
    send_data(h, 0, 4);
    next.token_seq = 2;
    next.fcc = 1;
    next.aru = Seq{4};
    pass(h, 0, asking(next, 4));
    next.token_seq = 3;
    pass(h, 1, asking(next, 4));
    EXPECT_EQ(h.property(), "");
}

}  // namespace
}  // namespace sim
