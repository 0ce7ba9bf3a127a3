#include "cfs/core/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

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

using Words = std::array<std::uint64_t, 16>;

// Mixes four words, which are known when this is compiled, so that they stay in registers.
template <std::size_t a, std::size_t b, std::size_t c, std::size_t d>
inline void mix(Words& v, std::uint64_t x, std::uint64_t y) noexcept {
    v[a] += v[b] + x;
    v[d] = std::rotr(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = std::rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 63);
}

// The order is known when this is compiled too.
template <std::size_t round>
inline void mix_round(Words& v, const Words& message) noexcept {
    constexpr auto kRow = kOrder[round % kOrder.size()];
    mix<0, 4, 8, 12>(v, message[kRow[0]], message[kRow[1]]);
    mix<1, 5, 9, 13>(v, message[kRow[2]], message[kRow[3]]);
    mix<2, 6, 10, 14>(v, message[kRow[4]], message[kRow[5]]);
    mix<3, 7, 11, 15>(v, message[kRow[6]], message[kRow[7]]);
    mix<0, 5, 10, 15>(v, message[kRow[8]], message[kRow[9]]);
    mix<1, 6, 11, 12>(v, message[kRow[10]], message[kRow[11]]);
    mix<2, 7, 8, 13>(v, message[kRow[12]], message[kRow[13]]);
    mix<3, 4, 9, 14>(v, message[kRow[14]], message[kRow[15]]);
}

template <std::size_t... rounds>
inline void mix_rounds(Words& v, const Words& message,
                       std::index_sequence<rounds...> /*all*/) noexcept {
    (mix_round<rounds>(v, message), ...);
}

}  // namespace

Hasher::Hasher() noexcept : state_(kStart) {
    // Parameters: no key, sequential, 32 bytes out (RFC 7693, section 2.5).
    state_[0] ^= 0x01010000U ^ kDigestBytes;
}

void Hasher::compress(bool last) noexcept {
    Words message{};
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(message.data(), block_.data(), kBlock);
    Words v{};
    std::copy(state_.begin(), state_.end(), v.begin());
    std::copy(kStart.begin(), kStart.end(), v.begin() + 8);
    v[12] ^= hashed_;
    if (last) {
        v[14] = ~v[14];
    }
    mix_rounds(v, message, std::make_index_sequence<kRounds>{});
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
