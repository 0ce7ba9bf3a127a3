// Operations as bytes: the table of docs/files.md, and whatever else may arrive.
//
// tests/data/operations is the seed corpus: one operation of each kind, written from the table and
// not by the encoder.
#include "cfs/core/operation_codec.h"

#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cfs/replica.h"
#include "tests/support/frames.h"

namespace cfs {
namespace {

using frames::Frame;

std::vector<Frame> corpus() { return frames::corpus("operations/operations"); }

Frame encoded(const Operation& operation) {
    Frame bytes;
    encode(operation, bytes);
    return bytes;
}

template <typename Kind>
Kind decoded(std::size_t line) {
    const Frame bytes = corpus().at(line);
    const auto operation = decode_operation(bytes);
    EXPECT_TRUE(operation.has_value()) << to_string(operation.error());
    EXPECT_EQ(operation->id, (OperationId{NodeId{2}, Life{0x0102030405060708U}, 5}));
    EXPECT_EQ(operation->time, 1700000000U);
    return std::get<Kind>(operation->change);
}

// Whole, so that names and data may be looked at.
class Corpus : public ::testing::Test {
  protected:
    template <typename Kind>
    const Kind& change(std::size_t line) {
        bytes_ = corpus().at(line);
        auto operation = decode_operation(bytes_);
        EXPECT_TRUE(operation.has_value());
        operation_ = std::move(*operation);
        return std::get<Kind>(operation_.change);
    }

  private:
    Frame bytes_;
    Operation operation_;
};

TEST_F(Corpus, HasEveryKindAndEncodesToItself) {
    std::vector<bool> seen(std::variant_size_v<Change>);
    for (const Frame& bytes : corpus()) {
        const auto operation = decode_operation(bytes);
        ASSERT_TRUE(operation.has_value()) << to_string(operation.error());
        seen[operation->change.index()] = true;
        EXPECT_EQ(encoded(*operation), bytes);
    }
    EXPECT_EQ(seen, std::vector<bool>(seen.size(), true));
}

TEST_F(Corpus, MeansWhatTheTableSays) {
    EXPECT_EQ(change<Create>(0).parent, Inode{3});
    EXPECT_EQ(change<Create>(0).name, "file");
    EXPECT_TRUE(change<Create>(0).exclusive);
    EXPECT_EQ(change<Create>(1).name, "a\n\xFF");
    EXPECT_FALSE(change<Create>(1).exclusive);
    EXPECT_EQ(change<MakeDirectory>(2).name, "nodes");
    const Write& write = change<Write>(3);
    ASSERT_EQ(write.ranges.size(), 3U);
    EXPECT_EQ(write.ranges[2].offset, std::uint64_t{1} << 33U);
    EXPECT_EQ(write.ranges[0].data.size(), 3U);
    EXPECT_EQ(decoded<Truncate>(4).size, std::uint64_t{1} << 32U);
    const Rename& rename = change<Rename>(5);
    EXPECT_EQ(rename.name, "tmp");
    EXPECT_EQ(rename.new_parent, Inode{4});
    EXPECT_EQ(rename.new_name, "100.conf");
    EXPECT_EQ(change<Unlink>(6).name, "100.conf");
    EXPECT_EQ(change<RemoveDirectory>(7).name, "lxc");
    EXPECT_EQ(decoded<SetTime>(8).mtime, 1U);
    EXPECT_EQ(decoded<RequestUnlock>(9).version, 12U);
    EXPECT_EQ(decoded<Unlock>(10).inode, Inode{9});
    EXPECT_EQ(decoded<Chunk>(11).sequence, 1U);
    EXPECT_EQ(decoded<CommitChunks>(12).count, 2U);
    EXPECT_EQ(decoded<DiscardChunks>(13).node, NodeId{3});
    EXPECT_EQ(decoded<DiscardChunks>(13).kept, Life{42});
    EXPECT_EQ(decoded<SetLimits>(14).limits, Limits{});
}

// ---- what is refused ----------------------------------------------------------------------------

DecodeError error_of(const Frame& bytes) {
    const auto operation = decode_operation(bytes);
    EXPECT_FALSE(operation.has_value());
    return operation.has_value() ? DecodeError{} : operation.error();
}

Frame changed(std::size_t line, std::size_t at, int value) {
    Frame bytes = corpus().at(line);
    bytes.at(at) = static_cast<std::byte>(value);
    return bytes;
}

constexpr std::size_t kHeader = 32;

TEST(OperationCodec, HeaderIsChecked) {
    EXPECT_EQ(error_of({}), DecodeError::kTooShort);
    EXPECT_EQ(error_of(changed(0, 0, 0)), DecodeError::kUnknownFormat);
    EXPECT_EQ(error_of(changed(0, 0, 2)), DecodeError::kNewerFormat);
    EXPECT_EQ(error_of(changed(0, 1, 0)), DecodeError::kUnknownKind);
    EXPECT_EQ(error_of(changed(0, 1, 15)), DecodeError::kUnknownKind);
    EXPECT_EQ(error_of(changed(0, 2, 1)), DecodeError::kBadFlag);
    EXPECT_EQ(error_of(changed(0, 4, 0)), DecodeError::kBadIdentifier);   // node
    EXPECT_EQ(error_of(changed(0, 16, 0)), DecodeError::kBadIdentifier);  // number
    EXPECT_EQ(error_of(Frame(kOperationBytesMax + 1)), DecodeError::kTooLong);
}

TEST(OperationCodec, EveryCutIsTooShort) {
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

TEST(OperationCodec, FieldsAreChecked) {
    EXPECT_EQ(error_of(changed(0, corpus()[0].size() - 1, 2)), DecodeError::kBadFlag);
    EXPECT_EQ(error_of(changed(0, kHeader + 9, 0xFF)), DecodeError::kBadName);
    EXPECT_EQ(error_of(changed(13, kHeader, 0)), DecodeError::kBadIdentifier);
    EXPECT_EQ(error_of(changed(14, kHeader + 7, 1)), DecodeError::kBadLimits);
    const std::size_t ranges = kHeader + 8;
    EXPECT_EQ(error_of(changed(3, ranges, 0)), DecodeError::kBadRange);         // none
    EXPECT_EQ(error_of(changed(3, ranges + 3, 0xFF)), DecodeError::kTooShort);  // too many
    EXPECT_EQ(error_of(changed(3, ranges + 4, 1)), DecodeError::kBadRange);     // overlaps the next
    EXPECT_EQ(error_of(changed(3, ranges + 12, 0)), DecodeError::kBadRange);    // empty
    Frame wraps = corpus()[11];
    for (std::size_t i = 0; i < 8; ++i) {
        wraps[kHeader + 16 + i] = std::byte{0xFF};
    }
    EXPECT_EQ(error_of(wraps), DecodeError::kBadRange);
}

TEST(OperationCodec, RangesAlone) {
    const auto data = testing::bytes_of("abc");
    Frame bytes;
    encode(Ranges{{7, data}}, bytes);
    const auto ranges = decode_ranges(bytes);
    ASSERT_TRUE(ranges.has_value());
    EXPECT_EQ(ranges->front().offset, 7U);
    bytes.push_back(std::byte{0});
    EXPECT_EQ(decode_ranges(bytes).error(), DecodeError::kTrailingBytes);
}

// Whatever decodes has that one encoding, and can be applied without harm: refused or done.
TEST(OperationCodec, Fuzz) {
    frames::Random random(20261122);
    const auto seeds = corpus();
    testing::Replica fs;
    fs.mkdirs("priv/lock/x");
    fs.put("f", "text");
    std::size_t decoded_count = 0;
    for (int i = 0; i < 200000; ++i) {
        const Frame bytes = frames::mutated(seeds[random.below(seeds.size())], random);
        const auto operation = decode_operation(bytes);
        if (!operation) {
            continue;
        }
        ++decoded_count;
        ASSERT_EQ(encoded(*operation), bytes);
        static_cast<void>(fs.state.apply(1, *operation));
        if (fs.state.position().index % 1000 == 0) {
            static_cast<void>(fs.state.take_batch());
        }
    }
    EXPECT_GT(decoded_count, 20000U);
    EXPECT_TRUE(load(testing::image_of(fs.state)).has_value());
}

}  // namespace
}  // namespace cfs
