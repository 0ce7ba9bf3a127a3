// What a writer reads while its writes are in the buffer, on their way, and back.
#include "cfs/fuse/write_buffer.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::bytes_of;

Content content_of(const std::string& text) {
    const auto data = bytes_of(text);
    return text.empty() ? Content{} : Content{}.written({{0, data}});
}

std::string read_all(const WriteBuffer& buffer, const Content& file) {
    std::string text(buffer.size_over(file.size()), '?');
    const std::size_t count =
        buffer.read(file, 0, std::as_writable_bytes(std::span(text.data(), text.size())));
    EXPECT_EQ(count, text.size());
    return text;
}

void write(WriteBuffer& buffer, std::uint64_t offset, const std::string& text) {
    buffer.write(offset, bytes_of(text));
}

std::string text_of(const std::vector<std::byte>& bytes) {
    std::string text;
    for (const std::byte one : bytes) {
        text += static_cast<char>(one);
    }
    return text;
}

TEST(WriteBuffer, LiesOverTheFile) {
    WriteBuffer buffer;
    const Content file = content_of("0123456789");
    EXPECT_FALSE(buffer.dirty());
    write(buffer, 2, "ab");
    EXPECT_EQ(read_all(buffer, file), "01ab456789");
    write(buffer, 12, "cd");
    EXPECT_EQ(read_all(buffer, file), std::string("01ab456789\0\0cd", 14));
    std::string middle(4, '?');
    EXPECT_EQ(buffer.read(file, 3, std::as_writable_bytes(std::span(middle.data(), 4))), 4U);
    EXPECT_EQ(middle, "b456");
    EXPECT_EQ(buffer.read(file, 14, std::as_writable_bytes(std::span(middle.data(), 4))), 0U);
}

TEST(WriteBuffer, RangesThatTouchBecomeOne) {
    WriteBuffer buffer;
    write(buffer, 10, "cc");
    write(buffer, 0, "aa");
    write(buffer, 20, "ee");
    write(buffer, 2, "bbbbbbbbb");  // reaches into the second
    auto taken = buffer.take(std::nullopt);
    ASSERT_EQ(taken->size(), 2U);
    EXPECT_EQ(text_of(taken->begin()->second), "aabbbbbbbbbc");
    EXPECT_EQ(taken->rbegin()->first, 20U);
    buffer.finished(false);
    write(buffer, 5, "x");
    write(buffer, 0, "0123456789");  // covers it
    taken = buffer.take(std::nullopt);
    ASSERT_EQ(taken->size(), 1U);
    EXPECT_EQ(text_of(taken->begin()->second), "0123456789");
}

TEST(WriteBuffer, WhatIsOnItsWayStaysVisible) {
    WriteBuffer buffer;
    const Content file = content_of("....");
    write(buffer, 0, "ab");
    static_cast<void>(buffer.take(std::nullopt));
    EXPECT_FALSE(buffer.dirty());
    EXPECT_TRUE(buffer.sending());
    EXPECT_EQ(read_all(buffer, file), "ab..");
    write(buffer, 1, "XY");
    EXPECT_EQ(read_all(buffer, file), "aXY.");
    buffer.finished(false);
    EXPECT_EQ(read_all(buffer, content_of("ab..")), "aXY.");
}

TEST(WriteBuffer, WhatIsKeptLiesBelowWhatWasWrittenSince) {
    WriteBuffer buffer;
    write(buffer, 0, "abcd");
    static_cast<void>(buffer.take(std::nullopt));
    write(buffer, 2, "XY");
    buffer.finished(true);
    EXPECT_EQ(read_all(buffer, Content{}), "abXY");
    EXPECT_EQ(text_of(buffer.take(std::nullopt)->begin()->second), "abXY");
    buffer.finished(false);
    EXPECT_FALSE(buffer.dirty());
}

TEST(WriteBuffer, AppendsGoWhereTheFileEndsThen) {
    WriteBuffer buffer;
    buffer.append(3, bytes_of("one"));
    buffer.append(3, bytes_of("two"));
    EXPECT_EQ(buffer.size_over(3), 9U);
    const auto taken = buffer.take(100);
    ASSERT_EQ(taken->size(), 1U);
    EXPECT_EQ(taken->begin()->first, 100U);
    EXPECT_EQ(text_of(taken->begin()->second), "onetwo");
}

TEST(WriteBuffer, PartsAreWhatOneMessageHolds) {
    WriteBuffer buffer;
    const std::string large(kOperationDataMax + 1, 'x');
    write(buffer, 5, large);
    write(buffer, 900000, "tail");
    const auto taken = buffer.take(std::nullopt);
    const auto parts = WriteBuffer::parts(*taken);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(parts[0].size(), 1U);
    EXPECT_EQ(parts[0][0].data.size(), kOperationDataMax);
    ASSERT_EQ(parts[1].size(), 2U);
    EXPECT_EQ(parts[1][0].offset, 5U + kOperationDataMax);
    EXPECT_EQ(parts[1][0].data.size(), 1U);
    EXPECT_EQ(parts[1][1].offset, 900000U);
    buffer.finished(false);

    for (std::uint64_t i = 0; i < 1200; ++i) {  // as many small ranges as no message holds
        write(buffer, i * 10, "y");
    }
    std::size_t ranges = 0;
    for (const Ranges& part : WriteBuffer::parts(*buffer.take(std::nullopt))) {
        EXPECT_LE(part.size(), 512U);
        ranges += part.size();
    }
    EXPECT_EQ(ranges, 1200U);
}

// Against a string: any order of writes, takes and answers.
TEST(WriteBuffer, AgreesWithAString) {
    std::mt19937 random(20261128);
    const auto draw = [&random](std::uint32_t below) { return random() % below; };
    for (int walk = 0; walk < 200; ++walk) {
        WriteBuffer buffer;
        std::string stored;
        std::string seen;
        for (int step = 0; step < 60; ++step) {
            if (draw(5) == 0 && buffer.sending()) {
                const bool keep = draw(2) == 0;
                if (!keep) {
                    Content file = content_of(stored);
                    for (const auto& part : WriteBuffer::parts(buffer.on_its_way())) {
                        file = file.written(part);
                    }
                    stored = testing::text_of(file);
                }
                buffer.finished(keep);
            } else if (draw(5) == 0 && buffer.dirty() && !buffer.sending()) {
                static_cast<void>(buffer.take(std::nullopt));
            } else {
                const std::uint64_t offset = draw(40);
                const std::string text(1 + draw(12), static_cast<char>('a' + draw(26)));
                write(buffer, offset, text);
                seen.resize(std::max<std::size_t>(seen.size(), offset + text.size()));
                seen.replace(offset, text.size(), text);
            }
            ASSERT_EQ(read_all(buffer, content_of(stored)), seen) << walk << ' ' << step;
        }
    }
}

}  // namespace
}  // namespace cfs
