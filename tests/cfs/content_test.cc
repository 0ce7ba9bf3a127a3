// Content: what reads back, what is shared, and that equal bytes have equal blocks.
#include "cfs/core/content.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::bytes_of;
using testing::text_of;

Content with(const Content& content, std::uint64_t offset, const std::string& text) {
    const auto data = bytes_of(text);
    return content.written({{offset, data}});
}

TEST(Content, StartsEmpty) {
    const Content content;
    EXPECT_EQ(content.size(), 0U);
    EXPECT_TRUE(content.blocks().empty());
}

TEST(Content, WritesReadBackAndGapsAreZeros) {
    const Content content = with(with({}, 3, "def"), 0, "a");
    EXPECT_EQ(text_of(content), std::string("a\0\0def", 6));
}

// cfs.md 11 row 3: growing an empty file, then reading it, crashed the peer.
TEST(Content, AnEmptyFileCanGrow) {
    const Content content = Content{}.resized(100);
    EXPECT_EQ(text_of(content), std::string(100, '\0'));
    EXPECT_EQ(text_of(content.resized(std::uint64_t{1} << 20U)), std::string(1 << 20, '\0'));
    EXPECT_TRUE(content.blocks().empty());
}

TEST(Content, ShrinkForgetsWhatWasCut) {
    const Content content = with({}, 0, "abcdef").resized(2).resized(6);
    EXPECT_EQ(text_of(content), std::string("ab\0\0\0\0", 6));
}

TEST(Content, AcrossBlocks) {
    const std::string text(3 * kBlockBytes, 'x');
    const Content before = with({}, 0, text);
    const Content after = with(before, kBlockBytes - 2, "yyyy");
    std::string expected = text;
    expected.replace(kBlockBytes - 2, 4, "yyyy");
    EXPECT_EQ(text_of(after), expected);
    EXPECT_EQ(text_of(before), text);
    // The untouched block is the same object.
    EXPECT_EQ(after.blocks()[2], before.blocks()[2]);
    EXPECT_NE(after.blocks()[0], before.blocks()[0]);
}

TEST(Content, ManyRangesTogether) {
    const auto a = bytes_of("a");
    const auto b = bytes_of("bb");
    const Content content =
        with({}, 0, std::string(kBlockBytes + 10, '.')).written({{1, a}, {3, b}, {kBlockBytes, b}});
    const std::string text = text_of(content);
    EXPECT_EQ(text.substr(0, 6), ".a.bb.");
    EXPECT_EQ(text.substr(kBlockBytes - 1, 4), ".bb.");
}

TEST(Content, EqualBytesHaveOneForm) {
    const Content grown = with({}, 0, "ab").resized(kBlockBytes * 2);
    const Content written = with(with({}, kBlockBytes * 2 - 1, std::string(1, '\0')), 0, "ab");
    EXPECT_EQ(text_of(grown), text_of(written));
    EXPECT_EQ(grown.digest(), written.digest());
    EXPECT_NE(grown.digest(), grown.resized(kBlockBytes * 2 - 1).digest());
    const Content zeroed = with(with({}, 0, "abc"), 0, std::string(3, '\0'));
    EXPECT_EQ(zeroed.digest(), Content{}.resized(3).digest());
    EXPECT_TRUE(zeroed.blocks().empty());
}

TEST(Content, PlaceOfABlockCounts) {
    const Content first = with(Content{}.resized(3 * kBlockBytes), 0, "x");
    const Content second = with(Content{}.resized(3 * kBlockBytes), kBlockBytes, "x");
    EXPECT_NE(first.digest(), second.digest());
}

TEST(Content, ReadsPartsAndNothingPastTheEnd) {
    const Content content = with({}, 0, "abcdef");
    std::string out(4, '?');
    const auto to = std::as_writable_bytes(std::span(out.data(), out.size()));
    EXPECT_EQ(content.read(4, to), 2U);
    EXPECT_EQ(out, "ef??");
    EXPECT_EQ(content.read(6, to), 0U);
    EXPECT_EQ(content.read(~std::uint64_t{0}, to), 0U);
}

TEST(Content, StoredBlocksMustBeInTheOneForm) {
    const auto block = [](const std::string& text) {
        auto made = std::make_shared<Block>();
        made->bytes = bytes_of(text);
        return BlockRef(made);
    };
    EXPECT_TRUE(Content::well_formed(3, {block("abc")}));
    EXPECT_TRUE(Content::well_formed(kBlockBytes + 1, {nullptr, block("a")}));
    EXPECT_FALSE(Content::well_formed(2, {block("abc")}));
    EXPECT_FALSE(Content::well_formed(9, {block(std::string("a\0", 2))}));
    EXPECT_FALSE(Content::well_formed(9, {nullptr}));
    EXPECT_FALSE(Content::well_formed(9, {block("")}));
    EXPECT_FALSE(
        Content::well_formed(kFileBytesCeiling, {block(std::string(kBlockBytes + 1, 'x'))}));
    EXPECT_FALSE(Content::well_formed(kFileBytesCeiling + 1, {}));
}

}  // namespace
}  // namespace cfs
