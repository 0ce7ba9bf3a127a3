// Messages of a transfer as bytes: the table of docs/replication.md, and whatever else may arrive.
//
// tests/data/transfer is the seed corpus: one message of each kind, written from the table and not
// by the encoder.
#include "cfs/core/transfer_codec.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cfs/replica.h"
#include "tests/support/frames.h"

namespace cfs {
namespace {

using frames::Frame;

constexpr std::size_t kQuestions = std::variant_size_v<TransferQuestion>;
constexpr std::size_t kAnswers = std::variant_size_v<TransferAnswer>;
constexpr std::size_t kHead = 32;
constexpr std::size_t kBody = kHead + 16;  // of an answer

std::vector<Frame> corpus() { return frames::corpus("transfer/messages"); }

// Of a question or an answer; absent if it decodes.
std::optional<DecodeError> error_of(const Frame& bytes) {
    const auto peek = peek_transfer(bytes);
    if (!peek) {
        EXPECT_EQ(decode_transfer_answer(bytes).error(), peek.error());
        EXPECT_EQ(decode_transfer_question(bytes).error(), peek.error());
        return peek.error();
    }
    if (peek->is_question) {
        const auto message = decode_transfer_question(bytes);
        return message ? std::nullopt : std::optional(message.error());
    }
    const auto message = decode_transfer_answer(bytes);
    return message ? std::nullopt : std::optional(message.error());
}

Frame encoded_again(const Frame& bytes) {
    return peek_transfer(bytes)->is_question ? encode(*decode_transfer_question(bytes))
                                             : encode(*decode_transfer_answer(bytes));
}

class TransferCorpus : public ::testing::Test {
  protected:
    template <typename Kind>
    const Kind& question(std::size_t line) {
        bytes_ = corpus().at(line);
        asked_ = *decode_transfer_question(bytes_);
        EXPECT_EQ(asked_.head, head());
        return std::get<Kind>(asked_.question);
    }
    template <typename Kind>
    const Kind& answer(std::size_t line) {
        bytes_ = corpus().at(line);
        answered_ = *decode_transfer_answer(bytes_);
        EXPECT_EQ(answered_.head, head());
        EXPECT_EQ(answered_.snapshot, (Position{5, 70}));
        return std::get<Kind>(answered_.answer);
    }
    static TransferHead head() { return {{NodeId{9}, Life{0x0102030405060708U}, 3}, NodeId{4}, 1}; }
    static Digest digest(std::uint64_t first) { return {{first, first + 1, first + 2, first + 3}}; }

  private:
    Frame bytes_;
    TransferAsked asked_;
    TransferAnswered answered_;
};

TEST_F(TransferCorpus, HasEveryKindAndEncodesToItself) {
    std::vector<bool> seen(kQuestions + kAnswers);
    for (const Frame& bytes : corpus()) {
        ASSERT_EQ(error_of(bytes), std::nullopt);
        EXPECT_EQ(encoded_again(bytes), bytes);
        EXPECT_EQ(peek_transfer(bytes)->head, head());
        if (peek_transfer(bytes)->is_question) {
            seen[decode_transfer_question(bytes)->question.index()] = true;
        } else {
            seen[kQuestions + decode_transfer_answer(bytes)->answer.index()] = true;
        }
    }
    EXPECT_EQ(seen, std::vector<bool>(seen.size(), true));
}

TEST_F(TransferCorpus, QuestionsMeanWhatTheTableSays) {
    EXPECT_EQ(question<AskRanges>(1).ranges[0], (InodeRange{Inode{0}, Inode{100}}));
    EXPECT_EQ(question<AskRanges>(1).ranges[1], (InodeRange{Inode{200}, Inode{201}}));
    EXPECT_EQ(question<AskEntries>(2).inodes, (std::vector<Inode>{Inode{0}, Inode{7}}));
    EXPECT_EQ(question<AskBlocks>(3).blocks[1], (BlockName{Inode{7}, 4095}));
    EXPECT_EQ(question<AskRest>(4).kind, RestKind::kParts);
    EXPECT_EQ(question<AskRest>(4).number, 2U);
    EXPECT_EQ(question<AskRest>(4).offset, 300U);
}

TEST_F(TransferCorpus, AnswersMeanWhatTheTableSays) {
    const SnapshotIs expected{17, digest(1), 80, {3, 1000, digest(5)}, Limits{}, 70, 2, 1};
    EXPECT_EQ(answer<SnapshotIs>(5), expected);
    const RangesAre& ranges = answer<RangesAre>(6);
    ASSERT_EQ(ranges.ranges.size(), 3U);
    EXPECT_TRUE(ranges.ranges[0].listed.empty() && ranges.ranges[0].shares.empty());
    EXPECT_EQ(ranges.ranges[1].listed[0].digest, digest(9));
    EXPECT_EQ(ranges.ranges[2].shares[1], (Summary{9, 0, digest(2)}));
    const EntriesAre& entries = answer<EntriesAre>(7);
    ASSERT_EQ(entries.entries.size(), 3U);
    EXPECT_TRUE(entries.entries[0].entry.is_directory());
    EXPECT_EQ(entries.entries[1].entry.name, "a\n\xFF");
    EXPECT_EQ(entries.entries[1].blocks[0].bytes.size(), 3U);
    EXPECT_EQ(entries.entries[2].digests[1].number, 4U);
    EXPECT_EQ(answer<BlocksAre>(8).blocks[1].size(), 1U);
    const Record& record = answer<RecordsAre>(9).records.at(0);
    EXPECT_EQ(record.outcome, (Outcome{Errno::kExists, Inode{9}, 80}));
    EXPECT_EQ(record.subject, "/a -> /b");
    EXPECT_EQ(record.id.number, 5U);
    EXPECT_EQ(answer<FloorsAre>(10).floors[0], (Floor{NodeId{2}, Life{42}, 6, 12}));
    EXPECT_EQ(answer<PartsAre>(11).pieces[0].offset, 3U);
    EXPECT_EQ(answer<PartsAre>(11).pieces[1].sequence, 1U);
}

// ---- what is refused ----------------------------------------------------------------------------

std::optional<DecodeError> changed(std::size_t line, std::size_t at, int value) {
    Frame bytes = corpus().at(line);
    bytes.at(at) = static_cast<std::byte>(value);
    return error_of(bytes);
}

TEST(TransferCodec, HeadIsChecked) {
    EXPECT_EQ(error_of({}), DecodeError::kTooShort);
    EXPECT_EQ(changed(0, 0, 0), DecodeError::kUnknownFormat);
    EXPECT_EQ(changed(0, 0, 2), DecodeError::kNewerFormat);
    EXPECT_EQ(changed(0, 1, 0), DecodeError::kUnknownKind);
    EXPECT_EQ(changed(0, 1, 6), DecodeError::kUnknownKind);
    EXPECT_EQ(changed(5, 1, 24), DecodeError::kUnknownKind);
    EXPECT_EQ(changed(0, 2, 1), DecodeError::kBadFlag);
    EXPECT_EQ(changed(0, 4, 0), DecodeError::kBadIdentifier);   // asker
    EXPECT_EQ(changed(0, 16, 0), DecodeError::kBadIdentifier);  // number
    EXPECT_EQ(changed(0, 24, 0), DecodeError::kBadIdentifier);  // donor
    EXPECT_EQ(changed(0, 28, 0), DecodeError::kBadIdentifier);  // question
    Frame long_one = corpus()[5];
    long_one.resize(kTransferBytesMax + 1);
    EXPECT_EQ(error_of(long_one), DecodeError::kTooLong);
}

TEST(TransferCodec, EveryCutIsTooShort) {
    for (const Frame& whole : corpus()) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Frame cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(error_of(cut), DecodeError::kTooShort) << size;
        }
        Frame longer = whole;
        longer.push_back(std::byte{0});
        EXPECT_EQ(error_of(longer), DecodeError::kTrailingBytes);
    }
}

TEST(TransferCodec, ListsAreChecked) {
    EXPECT_EQ(changed(1, kHead, 0), DecodeError::kBadCount);         // of ranges
    EXPECT_EQ(changed(1, kHead + 3, 0xFF), DecodeError::kTooShort);  // too many for the bytes
    EXPECT_EQ(changed(1, kHead + 12, 0), DecodeError::kBadRange);    // empty
    EXPECT_EQ(changed(1, kHead + 12, 201), DecodeError::kBadRange);  // overlaps the next
    EXPECT_EQ(changed(2, kHead + 12, 0), DecodeError::kBadOrder);    // an inode twice
    EXPECT_EQ(changed(3, kHead + 4, 8), DecodeError::kBadOrder);     // blocks
    EXPECT_EQ(changed(6, kBody + 5, 65), DecodeError::kBadCount);    // listed
    EXPECT_EQ(changed(6, kBody + 55, 17), DecodeError::kBadCount);   // shares
    EXPECT_EQ(changed(6, kBody + 55, 0), DecodeError::kBadCount);
    AskBlocks many;
    AskRanges ranges;
    for (std::uint16_t i = 0; i <= kRangesPerQuestion; ++i) {
        many.blocks.push_back({Inode{1}, i});
        ranges.ranges.push_back({Inode{i}, Inode{i + std::uint64_t{1}}});
    }
    const TransferHead head{{NodeId{9}, Life{1}, 1}, NodeId{4}, 1};
    EXPECT_EQ(error_of(encode(TransferAsked{head, many})), DecodeError::kBadCount);
    EXPECT_EQ(error_of(encode(TransferAsked{head, ranges})), DecodeError::kBadCount);
}

TEST(TransferCodec, FieldsAreChecked) {
    EXPECT_EQ(changed(4, kHead, 0), DecodeError::kUnknownKind);  // of the rest
    EXPECT_EQ(changed(4, kHead, 4), DecodeError::kUnknownKind);
    EXPECT_EQ(changed(4, kHead, 1), DecodeError::kBadRange);  // records have no offset
    const std::size_t limits = kBody + 8 + 32 + 8 + 48;
    EXPECT_EQ(changed(5, limits + 7, 1), DecodeError::kBadLimits);
    const std::size_t entry = kBody + 4;
    EXPECT_EQ(changed(7, entry + 36, 5), DecodeError::kUnknownKind);  // type
    EXPECT_EQ(changed(7, entry + 38, 5), DecodeError::kBadName);
    EXPECT_EQ(changed(7, entry + 39, 1), DecodeError::kBadRange);  // a directory has no size
    EXPECT_EQ(changed(7, entry + 47, 1), DecodeError::kBadCount);  // nor blocks
    const std::size_t file = entry + 49 + 50;                      // its count of blocks
    EXPECT_EQ(changed(7, file, 2), DecodeError::kBadCount);
    EXPECT_EQ(changed(7, file + 2, 1), DecodeError::kBadRange);  // a block beyond the end
    EXPECT_EQ(changed(7, file + 4, 0), DecodeError::kBadRange);  // an empty one
    EXPECT_EQ(changed(9, kBody + 4 + 16, 0), DecodeError::kBadIdentifier);
    EXPECT_EQ(changed(9, kBody + 4 + 36, 15), DecodeError::kUnknownKind);
    EXPECT_EQ(changed(9, kBody + 4 + 45, 99), DecodeError::kUnknownKind);  // no error that we have
    EXPECT_EQ(changed(11, kBody + 4 + 28, 9), DecodeError::kBadRange);     // past the part's end
    EXPECT_EQ(changed(11, kBody + 4 + 32, 0), DecodeError::kBadRange);     // no bytes
}

TEST(TransferCodec, SharesCoverTheirRange) {
    for (const std::uint64_t width : {1U, 15U, 16U, 17U, 65U, 100000U}) {
        const InodeRange range{Inode{5}, Inode{5 + width}};
        const auto shares = shares_of(range);
        EXPECT_LE(shares.size(), kShares);
        Inode at = range.from;
        for (const InodeRange& share : shares) {
            EXPECT_EQ(share.from, at);
            EXPECT_LT(share.from, share.to);
            at = share.to;
        }
        EXPECT_EQ(at, range.to);
    }
}

// Whatever decodes has that one encoding.
TEST(TransferCodec, Fuzz) {
    frames::Random random(20261128);
    const auto seeds = corpus();
    std::size_t decoded = 0;
    for (int i = 0; i < 200000; ++i) {
        const Frame bytes = frames::mutated(seeds[random.below(seeds.size())], random);
        if (error_of(bytes)) {
            continue;
        }
        ++decoded;
        ASSERT_EQ(encoded_again(bytes), bytes);
    }
    EXPECT_GT(decoded, 20000U);
}

}  // namespace
}  // namespace cfs
