// BLAKE2b-256 against known values; sums.
#include "cfs/core/digest.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

std::string hex(const Digest& digest) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint64_t word : digest.words) {
        for (unsigned i = 0; i < 8; ++i) {
            const auto byte = static_cast<unsigned>((word >> (8 * i)) & 0xFFU);
            text += kDigits[byte >> 4U];
            text += kDigits[byte & 15U];
        }
    }
    return text;
}

std::string hashed(const std::string& text) {
    return hex(Hasher{}.bytes(testing::bytes_of(text)).finish());
}

// From Python's hashlib.blake2b(data, digest_size=32).
TEST(Digest, KnownValues) {
    EXPECT_EQ(hashed(""), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    EXPECT_EQ(hashed("abc"), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    EXPECT_EQ(hashed(std::string(128, 'a')),
              "ae2aa48507885c4c950fb809b2076f959cde9f8ea6da260d9a3587df33dac450");
    EXPECT_EQ(hashed(std::string(129, 'a')),
              "2f64744a6de0d2c0b56e64cf6e29a5aaa255010d415d51c75ccc82f73dccd865");
    EXPECT_EQ(hashed(std::string(1000, 'a')),
              "e00b0ddbf1e2cdaf5c898e1a5e8826ea3a2c339bcf2a478da2e5fca9ff126672");
}

TEST(Digest, PiecesDoNotMatter) {
    const std::string text(1000, 'a');
    Hasher hasher;
    for (std::size_t at = 0, size = 1; at < text.size(); at += size, size = size * 3 + 1) {
        hasher.bytes(testing::bytes_of(text.substr(at, size)));
    }
    EXPECT_EQ(hex(hasher.finish()), hashed(text));
}

TEST(Digest, SumsForgetOrderAndUndo) {
    const Digest a = Hasher{}.number(1).finish();
    const Digest b = Hasher{}.number(2).finish();
    EXPECT_EQ(a + b, b + a);
    Digest sum = a + b;
    sum -= a;
    EXPECT_EQ(sum, b);
    EXPECT_NE(a, b);
}

}  // namespace
}  // namespace cfs
