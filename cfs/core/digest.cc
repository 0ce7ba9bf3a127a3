#include "cfs/core/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cfs {

namespace {

constexpr std::array<std::uint64_t, 8> kStart{
    0x6A09E667F3BCC908U, 0xBB67AE8584CAA73BU, 0x3C6EF372FE94F82BU, 0xA54FF53A5F1D36F1U,
    0x510E527FADE682D1U, 0x9B05688C2B3E6C1FU, 0x1F83D9ABFB41BD6BU, 0x5BE0CD19137E2179U};

// RFC 7693, section 2.7; rounds 10 and 11 use rows 0 and 1 again.
constexpr std::array<std::array<std::uint8_t, 16>, 10> kOrder{{
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}};
constexpr std::size_t kRounds = 12;

// The four words that one mixing works on, as indices.
struct Lane {
    std::size_t a, b, c, d;
};
constexpr std::array<Lane, 8> kLanes{{{0, 4, 8, 12},
                                      {1, 5, 9, 13},
                                      {2, 6, 10, 14},
                                      {3, 7, 11, 15},
                                      {0, 5, 10, 15},
                                      {1, 6, 11, 12},
                                      {2, 7, 8, 13},
                                      {3, 4, 9, 14}}};

using Words = std::array<std::uint64_t, 16>;

inline void mix(Words& v, const Lane& lane, std::uint64_t x, std::uint64_t y) noexcept {
    v[lane.a] += v[lane.b] + x;
    v[lane.d] = std::rotr(v[lane.d] ^ v[lane.a], 32);
    v[lane.c] += v[lane.d];
    v[lane.b] = std::rotr(v[lane.b] ^ v[lane.c], 24);
    v[lane.a] += v[lane.b] + y;
    v[lane.d] = std::rotr(v[lane.d] ^ v[lane.a], 16);
    v[lane.c] += v[lane.d];
    v[lane.b] = std::rotr(v[lane.b] ^ v[lane.c], 63);
}

std::uint64_t load(const std::byte* from) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(value); ++i) {
        value |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    }
    return value;
}

}  // namespace

Hasher::Hasher() noexcept : state_(kStart) {
    // Parameters: no key, sequential, 32 bytes out (RFC 7693, section 2.5).
    state_[0] ^= 0x01010000U ^ kDigestBytes;
}

void Hasher::compress(bool last) noexcept {
    Words message{};
    for (std::size_t i = 0; i < message.size(); ++i) {
        message[i] = load(block_.data() + 8 * i);
    }
    Words v{};
    std::copy(state_.begin(), state_.end(), v.begin());
    std::copy(kStart.begin(), kStart.end(), v.begin() + 8);
    v[12] ^= hashed_;
    if (last) {
        v[14] = ~v[14];
    }
    for (std::size_t round = 0; round < kRounds; ++round) {
        const auto& order = kOrder[round % kOrder.size()];
        for (std::size_t i = 0; i < kLanes.size(); ++i) {
            mix(v, kLanes[i], message[order[2 * i]], message[order[2 * i + 1]]);
        }
    }
    for (std::size_t i = 0; i < state_.size(); ++i) {
        state_[i] ^= v[i] ^ v[i + 8];
    }
}

Hasher& Hasher::bytes(std::span<const std::byte> data) noexcept {
    while (!data.empty()) {
        // A full block waits until more comes: the last one is compressed differently.
        if (filled_ == kBlock) {
            hashed_ += kBlock;
            compress(false);
            filled_ = 0;
        }
        const std::size_t part = std::min(kBlock - filled_, data.size());
        std::memcpy(block_.data() + filled_, data.data(), part);
        filled_ += part;
        data = data.subspan(part);
    }
    return *this;
}

Hasher& Hasher::number(std::uint64_t value) noexcept {
    std::array<std::byte, sizeof(value)> raw{};
    for (std::size_t i = 0; i < raw.size(); ++i) {
        raw[i] = static_cast<std::byte>((value >> (8 * i)) & 0xFFU);
    }
    return bytes(raw);
}

Hasher& Hasher::text(std::string_view value) noexcept {
    number(value.size());
    return bytes(std::as_bytes(std::span(value.data(), value.size())));
}

Hasher& Hasher::digest(const Digest& value) noexcept {
    for (const std::uint64_t word : value.words) {
        number(word);
    }
    return *this;
}

Digest Hasher::finish() noexcept {
    hashed_ += filled_;
    std::fill(block_.begin() + static_cast<std::ptrdiff_t>(filled_), block_.end(), std::byte{0});
    compress(true);
    Digest digest;
    std::copy(state_.begin(), state_.begin() + 4, digest.words.begin());
    return digest;
}

}  // namespace cfs
