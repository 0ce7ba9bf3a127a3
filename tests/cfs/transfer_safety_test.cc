// What may go wrong with a transfer: it is cut short anywhere, messages come twice, or the donor
// says what is not so. The result is the donor's state or none, and what was wrong has a name.
#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cfs/random_operation.h"
#include "tests/cfs/transfer_rig.h"

namespace cfs {
namespace {

using testing::adopted;
using testing::bytes_of;
using testing::copy_of;
using testing::expect_same;
using testing::kAsker;
using testing::kDonor;
using testing::Message;
using testing::Replica;
using testing::stored;
using testing::Transfer;

// A donor and one beside it, so small that every byte can be tried, and that every kind of message
// comes: ranges that are split, large files, parts, floors of an earlier life.
struct Pair {
    Replica donor, own;

    explicit Pair(int files = 80) {
        for (int i = 0; i < files; ++i) {
            donor.create("f" + std::to_string(i));
        }
        donor.put("large", std::string(kInlineBytesMax, 'a'));
        donor.write("large", std::string(3 * kBlockBytes, 'b'), kInlineBytesMax);
        stored(donor);
        own = copy_of(donor);
        donor.put("f1", "one");
        donor.unlink("f2");
        donor.write("large", "two blocks", 2 * kBlockBytes - 5);
        donor.put("large2", std::string(kInlineBytesMax + 1, 'c'));
        const auto part = bytes_of("part");
        donor.apply(Chunk{1, 0, {{0, part}}});
        donor.apply(Chunk{1, 1, {{4, part}}});
        own.put("mine", "1");
        stored(donor);
        stored(own);
    }
};

std::size_t answers_of(Pair& pair) {
    Transfer transfer(pair.donor.state, pair.own.state);
    expect_same(adopted(pair.own.state, transfer), pair.donor.state);
    return transfer.answers();
}

// ---- interruption -------------------------------------------------------------------------------

TEST(TransferSafety, CutShortAtAnyMessageItCanBeginAgain) {
    Pair pair;
    const Digest before = pair.own.state.digest();
    Transfer whole(pair.donor.state, pair.own.state);
    ASSERT_TRUE(whole.run());
    for (std::size_t cut = 0; cut <= whole.answers(); ++cut) {
        Transfer first(pair.donor.state, pair.own.state);
        ASSERT_TRUE(first.run(cut));
        const TransferProgress got = first.receiver().progress();
        EXPECT_EQ(first.receiver().done(), cut == whole.answers());
        EXPECT_EQ(pair.own.state.digest(), before);
        Transfer second(pair.donor.state, pair.own.state, first.receiver().take_cache(), 2);
        expect_same(adopted(pair.own.state, second), pair.donor.state);
        const TransferProgress rest = second.receiver().progress();
        // Nothing that was complete is fetched twice.
        EXPECT_EQ(got.blocks + rest.blocks, whole.receiver().progress().blocks) << cut;
        EXPECT_EQ(rest.entries + rest.cached, whole.receiver().progress().entries) << cut;
    }
    EXPECT_EQ(pair.own.state.digest(), before);
}

TEST(TransferSafety, EveryTryGetsAMessageFurther) {
    Pair pair;
    const std::size_t needed = answers_of(pair);
    TransferCache cache;
    for (std::size_t answers = 1; answers <= needed; ++answers) {
        Transfer transfer(pair.donor.state, pair.own.state, std::move(cache), answers);
        ASSERT_TRUE(transfer.run(answers));
        cache = transfer.receiver().take_cache();
    }
    Transfer last(pair.donor.state, pair.own.state, std::move(cache), needed + 1);
    expect_same(adopted(pair.own.state, last), pair.donor.state);
    EXPECT_EQ(last.receiver().progress().blocks, 0U);
    EXPECT_EQ(last.receiver().progress().entries, 0U);
}

TEST(TransferSafety, WhatWasFetchedServesWhenTheDonorHasMovedOn) {
    Pair pair;
    Transfer first(pair.donor.state, pair.own.state);
    ASSERT_TRUE(first.run());
    pair.donor.put("later", "x");
    pair.donor.write("large2", "changed");
    stored(pair.donor);
    Transfer second(pair.donor.state, pair.own.state, first.receiver().take_cache(), 2);
    expect_same(adopted(pair.own.state, second), pair.donor.state);
    const TransferProgress progress = second.receiver().progress();
    EXPECT_EQ(progress.entries, 3U);  // the root, `later`, and the digests of `large2`
    EXPECT_EQ(progress.blocks, 1U);
}

// ---- more than one of everything ----------------------------------------------------------------

TEST(TransferSafety, QuestionsAndAnswersMayComeTwice) {
    Pair pair;
    const TransferDonor donor(kDonor, transfer_snapshot(pair.donor.state, 1));
    TransferReceiver receiver({kAsker, Life{5}, 1}, kDonor, pair.own.state.snapshot());
    std::vector<Message> earlier;
    while (!receiver.done()) {
        std::vector<Message> questions;
        receiver.ask(questions);
        std::vector<Message> again;
        receiver.ask_again(again);
        ASSERT_EQ(questions.size(), again.size());
        EXPECT_EQ(questions, again);
        for (const Message& question : again) {
            const auto answer = donor.answer(question);
            ASSERT_TRUE(answer.has_value());
            EXPECT_EQ(*receiver.take(*answer), TransferReceiver::Taken::kTaken);
            earlier.push_back(*answer);
            for (const Message& old : earlier) {
                EXPECT_EQ(*receiver.take(old), TransferReceiver::Taken::kIgnored);
            }
        }
    }
    const auto next = pair.own.state.adopt(receiver.image());
    ASSERT_TRUE(next.has_value());
    expect_same(*next, pair.donor.state);
}

TEST(TransferSafety, MessagesOfOthersAreIgnored) {
    Pair pair;
    Transfer transfer(pair.donor.state, pair.own.state);
    TransferReceiver& receiver = transfer.receiver();
    std::vector<Message> questions;
    receiver.ask(questions);
    const auto ignored = [&receiver](const Message& message) {
        const auto result = receiver.take(message);
        return result && *result == TransferReceiver::Taken::kIgnored;
    };
    EXPECT_TRUE(ignored(questions[0]));
    const auto answer = transfer.donor().answer(questions[0]);
    auto message = decode_transfer_answer(*answer);
    ASSERT_TRUE(message.has_value());
    const TransferHead head = message->head;
    for (const TransferHead& other : {TransferHead{{NodeId{8}, Life{5}, 1}, kDonor, 1},
                                      TransferHead{{kAsker, Life{6}, 1}, kDonor, 1},
                                      TransferHead{{kAsker, Life{5}, 2}, kDonor, 1},
                                      TransferHead{{kAsker, Life{5}, 1}, NodeId{3}, 1}}) {
        message->head = other;
        EXPECT_TRUE(ignored(encode(*message)));
        EXPECT_EQ(peek_transfer(encode(*message))->head, other);
    }
    message->head = head;
    EXPECT_FALSE(ignored(encode(*message)));
    EXPECT_TRUE(ignored(encode(*message)));
}

// ---- damage -------------------------------------------------------------------------------------

// The donor's state, or no state and a reason.
void expect_right_or_none(Pair& pair, std::size_t at, const std::function<void(Message&)>& harm) {
    Transfer transfer(pair.donor.state, pair.own.state);
    transfer.tamper = [&](std::size_t number, Message& answer) {
        if (number == at) {
            harm(answer);
        }
    };
    if (!transfer.run()) {
        EXPECT_TRUE(transfer.error().has_value() || transfer.stuck());
        return;
    }
    const auto next = pair.own.state.adopt(transfer.receiver().image());
    EXPECT_TRUE(!next || next->digest() == pair.donor.state.digest());
}

TEST(TransferSafety, NoFlippedByteMakesAWrongState) {
    Pair pair(66);
    std::vector<std::size_t> sizes;
    Transfer whole(pair.donor.state, pair.own.state);
    whole.tamper = [&sizes](std::size_t, const Message& answer) { sizes.push_back(answer.size()); };
    ASSERT_TRUE(whole.run());
    const Digest before = pair.own.state.digest();
    std::size_t tried = 0;
    for (std::size_t number = 0; number < sizes.size(); ++number) {
        // All of the small ones and of every list's beginning; of the rest a byte here and there.
        for (std::size_t at = 0; at < sizes[number]; at += at < 600 ? 1 : 97) {
            const auto flip = static_cast<std::byte>(1U << (at % 8));
            expect_right_or_none(pair, number, [&](Message& answer) { answer[at] ^= flip; });
            ++tried;
        }
    }
    EXPECT_GT(tried, 3000U);
    EXPECT_EQ(pair.own.state.digest(), before);
}

TEST(TransferSafety, EveryCutAnswerIsAnError) {
    Pair pair;
    const std::size_t answers = answers_of(pair);
    for (std::size_t number = 0; number < answers; ++number) {
        for (const std::size_t part : {0, 1, 5, 31, 32, 60, 95, 99}) {
            Transfer transfer(pair.donor.state, pair.own.state);
            transfer.tamper = [&](std::size_t which, Message& answer) {
                answer.resize(which == number ? answer.size() * part / 100 : answer.size());
            };
            EXPECT_FALSE(transfer.run());
            ASSERT_TRUE(transfer.error().has_value());
            EXPECT_EQ(transfer.error()->problem, TransferProblem::kMalformed);
            EXPECT_EQ(transfer.error()->decode, DecodeError::kTooShort);
            EXPECT_NE(to_string(*transfer.error()), "");
        }
    }
}

TEST(TransferSafety, Fuzz) {
    frames::Random random(20261128);
    Pair pair;
    const std::size_t answers = answers_of(pair);
    for (int i = 0; i < 3000; ++i) {
        expect_right_or_none(pair, random.below(answers), [&](Message& answer) {
            answer = frames::mutated(std::move(answer), random);
        });
    }
}

TEST(TransferSafety, AnyQuestionIsAnsweredOrRefused) {
    frames::Random random(20261128);
    Pair pair;
    const TransferDonor donor(kDonor, transfer_snapshot(pair.donor.state, 1));
    TransferReceiver receiver({kAsker, Life{5}, 1}, kDonor, pair.own.state.snapshot());
    std::vector<Message> questions;
    while (!receiver.done()) {
        const std::size_t before = questions.size();
        receiver.ask(questions);
        for (std::size_t i = before; i < questions.size(); ++i) {
            ASSERT_TRUE(receiver.take(*donor.answer(questions[i])).has_value());
        }
    }
    std::size_t answered = 0;
    std::size_t refused = 0;
    for (int i = 0; i < 20000; ++i) {
        const Message question = frames::mutated(questions[random.below(questions.size())], random);
        const auto peek = peek_transfer(question);
        if (peek && peek->head.donor != kDonor) {
            continue;
        }
        const auto answer = donor.answer(question);
        ++(answer ? answered : refused);
        if (answer) {
            EXPECT_LE(answer->size(), kTransferBytesMax);
            EXPECT_TRUE(decode_transfer_answer(*answer).has_value());
        }
    }
    EXPECT_GT(answered, 500U);
    EXPECT_GT(refused, 5000U);
}

// ---- lies ---------------------------------------------------------------------------------------

// Changes the first answer of that kind, as its sender would write it.
template <typename Kind>
std::optional<TransferError> after_lie(Pair& pair, const std::function<void(Kind&)>& lie) {
    Transfer transfer(pair.donor.state, pair.own.state);
    bool told = false;
    transfer.tamper = [&](std::size_t, Message& answer) {
        auto message = decode_transfer_answer(answer);
        ASSERT_TRUE(message.has_value());
        auto* kind = std::get_if<Kind>(&message->answer);
        if (kind != nullptr && !told) {
            told = true;
            const Message original = answer;  // what is viewed must stay
            lie(*kind);
            answer = encode(*message);
        }
    };
    EXPECT_FALSE(transfer.run());
    EXPECT_TRUE(told);
    return transfer.error();
}

template <typename Kind>
TransferProblem problem_after(const std::function<void(Kind&)>& lie) {
    Pair pair;
    const auto error = after_lie<Kind>(pair, lie);
    EXPECT_TRUE(error.has_value());
    EXPECT_NE(to_string(error.value_or(TransferError{})), "unknown");
    return error.value_or(TransferError{}).problem;
}

TEST(TransferSafety, AStateThatCannotBeIsRefused) {
    const auto problem = problem_after<SnapshotIs>;
    EXPECT_EQ(problem([](auto& is) { is.version = 0; }), TransferProblem::kBadSnapshot);
    EXPECT_EQ(problem([](auto& is) { is.version = kInodeCeiling; }), TransferProblem::kBadSnapshot);
    EXPECT_EQ(problem([](auto& is) { is.tree.inodes = 0; }), TransferProblem::kBadSnapshot);
    EXPECT_EQ(problem([](auto& is) { is.records = 0; }), TransferProblem::kBadSnapshot);
    EXPECT_EQ(problem([](auto& is) { is.records = 5000; }), TransferProblem::kBadSnapshot);
    EXPECT_EQ(problem([](auto& is) { is.floors = 2000; }), TransferProblem::kBadSnapshot);
    EXPECT_EQ(problem([](auto& is) { is.parts = 1U << 30U; }), TransferProblem::kBadSnapshot);
    EXPECT_EQ(problem([](auto& is) { ++is.tree.bytes; }), TransferProblem::kBadRange);
    EXPECT_EQ(problem([](auto& is) { ++is.state.words[0]; }), TransferProblem::kBadHistory);
}

TEST(TransferSafety, RangesMustAmountToWhatWasSaid) {
    const auto problem = problem_after<RangesAre>;
    EXPECT_EQ(problem([](auto& are) { are.ranges.push_back({}); }), TransferProblem::kBadRange);
    EXPECT_EQ(problem([](auto& are) { ++are.ranges[0].shares[3].inodes; }),
              TransferProblem::kBadRange);
    EXPECT_EQ(problem([](auto& are) { are.ranges[0].shares.pop_back(); }),
              TransferProblem::kBadRange);
    EXPECT_EQ(problem([](auto& are) { are.ranges[0].shares.clear(); }), TransferProblem::kBadRange);
    // Moved from one share to another: the sum stays, the list that comes later shows it.
    const auto move = [](RangesAre& are) {
        ++are.ranges[0].shares[0].digest.words[1];
        --are.ranges[0].shares[1].digest.words[1];
    };
    EXPECT_EQ(problem(move), TransferProblem::kBadRange);
}

TEST(TransferSafety, EntriesMustHaveTheirDigest) {
    const auto problem = problem_after<EntriesAre>;
    EXPECT_EQ(problem([](auto& are) { ++are.entries[0].entry.mtime; }), TransferProblem::kBadEntry);
    EXPECT_EQ(problem([](auto& are) { are.entries[1].entry.name = "x"; }),
              TransferProblem::kBadEntry);
    EXPECT_EQ(problem([](auto& are) { std::swap(are.entries[0], are.entries[1]); }),
              TransferProblem::kBadEntry);
    EXPECT_EQ(problem([](auto& are) { are.entries.pop_back(); }), TransferProblem::kBadEntry);
    EXPECT_EQ(problem([](auto& are) { are.entries.back().digests.pop_back(); }),
              TransferProblem::kBadEntry);
    static const auto kZero = bytes_of(std::string(1, '\0'));
    EXPECT_EQ(problem([](auto& are) {
                  are.entries[1].blocks = {{0, kZero}};
              }),
              TransferProblem::kBadEntry);
}

TEST(TransferSafety, BlocksMustHaveTheirDigest) {
    const auto problem = problem_after<BlocksAre>;
    EXPECT_EQ(problem([](auto& are) { std::swap(are.blocks.front(), are.blocks.back()); }),
              TransferProblem::kBadBlock);
    EXPECT_EQ(problem([](auto& are) { are.blocks.pop_back(); }), TransferProblem::kBadBlock);
    EXPECT_EQ(problem([](auto& are) { are.blocks[0] = are.blocks[0].first(9); }),
              TransferProblem::kBadBlock);
}

TEST(TransferSafety, TheRestMustBeInOrder) {
    const auto records = problem_after<RecordsAre>;
    EXPECT_EQ(records([](auto& are) { ++are.records[3].position.index; }),
              TransferProblem::kBadHistory);
    EXPECT_EQ(records([](auto& are) { are.records.push_back(are.records.back()); }),
              TransferProblem::kBadHistory);
    EXPECT_EQ(records([](auto& are) { ++are.records.back().state.words[2]; }),
              TransferProblem::kBadHistory);
    const auto parts = problem_after<PartsAre>;
    EXPECT_EQ(parts([](auto& are) { are.pieces[1].sequence = 0; }), TransferProblem::kBadParts);
    EXPECT_EQ(parts([](auto& are) { are.pieces.push_back(are.pieces[1]); }),
              TransferProblem::kBadParts);
    EXPECT_EQ(parts([](auto& are) { ++are.pieces[0].size; }), TransferProblem::kBadParts);
    const auto from_the_second_byte = [](PartsAre& are) {
        are.pieces[0].offset = 1;
        are.pieces[0].bytes = are.pieces[0].bytes.subspan(1);
    };
    EXPECT_EQ(parts(from_the_second_byte), TransferProblem::kBadParts);
}

TEST(TransferSafety, AnswersToOtherQuestionsAreErrors) {
    Pair pair;
    const auto run = [&pair](const std::function<void(TransferAnswered&)>& change) {
        Transfer transfer(pair.donor.state, pair.own.state);
        transfer.tamper = [&change](std::size_t number, Message& answer) {
            auto message = decode_transfer_answer(answer);
            if (number == 1) {
                change(*message);
                answer = encode(*message);
            }
        };
        EXPECT_FALSE(transfer.run());
        return transfer.error().value_or(TransferError{}).problem;
    };
    EXPECT_EQ(run([](auto& message) { message.head.question = 99; }), TransferProblem::kNotAsked);
    EXPECT_EQ(run([](auto& message) { ++message.snapshot.index; }),
              TransferProblem::kOtherSnapshot);
    EXPECT_EQ(run([](auto& message) { message.answer = SnapshotIs{}; }),
              TransferProblem::kOtherKind);
}

TEST(TransferSafety, QuestionsForWhatIsNotThereAreErrors) {
    Pair pair;
    const TransferDonor donor(kDonor, transfer_snapshot(pair.donor.state, 1));
    const auto problem = [&donor](TransferQuestion question) {
        const TransferHead head{{kAsker, Life{5}, 1}, kDonor, 1};
        const auto answer = donor.answer(encode(TransferAsked{head, std::move(question)}));
        EXPECT_FALSE(answer.has_value());
        return answer ? TransferProblem{} : answer.error().problem;
    };
    EXPECT_EQ(problem(AskEntries{{Inode{9999}}}), TransferProblem::kNotThere);
    EXPECT_EQ(problem(AskBlocks{{{pair.donor.inode("large"), 99}}}), TransferProblem::kNotThere);
    EXPECT_EQ(problem(AskBlocks{{{Inode{9999}, 0}}}), TransferProblem::kNotThere);
    EXPECT_EQ(problem(AskRest{RestKind::kRecords, 9999, 0}), TransferProblem::kNotThere);
    EXPECT_EQ(problem(AskRest{RestKind::kFloors, 0, 0}), TransferProblem::kNotThere);
    EXPECT_EQ(problem(AskRest{RestKind::kParts, 0, 9999}), TransferProblem::kNotThere);
    Replica many;
    AskEntries all;
    for (int i = 0; i < 300; ++i) {
        many.create("f" + std::to_string(i));
        all.inodes.push_back(many.inode("f" + std::to_string(i)));
    }
    const TransferDonor large(kDonor, transfer_snapshot(many.state, 1));
    const TransferHead head{{kAsker, Life{5}, 1}, kDonor, 1};
    EXPECT_EQ(large.answer(encode(TransferAsked{head, all})).error().problem,
              TransferProblem::kTooMuch);
}

// Bugs of a receiver, planted behind its checks: the last digest finds them.
TEST(TransferSafety, PlantedBugsDoNotPassTheLastDigest) {
    Pair pair;
    Transfer transfer(pair.donor.state, pair.own.state);
    ASSERT_TRUE(transfer.run());
    const Image good = transfer.receiver().image();
    ASSERT_TRUE(pair.own.state.adopt(good).has_value());
    const auto problem = [&pair](const Image& image) {
        const auto next = pair.own.state.adopt(image);
        EXPECT_FALSE(next.has_value());
        return next ? ImageProblem{} : next.error().problem;
    };
    ASSERT_EQ(good.gone.size(), 2U);
    Image bad = good;
    bad.gone.clear();
    EXPECT_EQ(problem(bad), ImageProblem::kDigest);
    bad = good;
    bad.entries.erase(bad.entries.begin() + 1);
    EXPECT_EQ(problem(bad), ImageProblem::kDigest);
    bad = good;
    ++bad.limits.inodes_max;
    EXPECT_EQ(problem(bad), ImageProblem::kDigest);
    bad = good;
    bad.parts.pop_back();
    EXPECT_EQ(problem(bad), ImageProblem::kDigest);
    bad = good;
    Entry shifted = *bad.entries.back();  // large2, its blocks one place further
    auto blocks = shifted.content.blocks();
    std::swap(blocks[3], blocks[4]);
    shifted.content = Content(shifted.content.size() + kBlockBytes, blocks);
    bad.entries.back() = sealed(shifted);
    EXPECT_EQ(problem(bad), ImageProblem::kDigest);
}

}  // namespace
}  // namespace cfs
