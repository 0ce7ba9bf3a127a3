// seal_bench: what sealing costs per frame, and what choosing the cipher is worth.
//
//   seal_bench
//
// First the ciphers of libsodium alone, then the seal as a link uses it, for frames of a token's,
// a middling and a full size; last what a refused frame costs. Nanoseconds per frame, the least of
// many short runs, because this runs beside other work; compare lines of one run only.
#include <array>
#include <chrono>
#include <cstdio>
#include <limits>
#include <vector>

#include <sodium.h>

#include "totem/net/packet_seal.h"

namespace {

using totem::FramePool;
using totem::FrameRef;
using totem::LinkId;
using totem::NodeId;
using totem::net::ClusterKey;
using totem::net::PacketSeal;
using Clock = std::chrono::steady_clock;

constexpr std::array<std::size_t, 3> kSizes{73, 500, 1420};

template <typename Work>
double cost(Work work) {
    constexpr int kRuns = 300;
    constexpr int kPerRun = 200;
    double least = std::numeric_limits<double>::max();
    for (int run = 0; run < kRuns; ++run) {
        const auto start = Clock::now();
        for (int i = 0; i < kPerRun; ++i) {
            work();
        }
        const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
        least = std::min(least, spent.count() / kPerRun);
    }
    return least;
}

void print(const char* what, std::size_t size, double nanoseconds) {
    std::printf("%-32s %5zu bytes %8.0f ns\n", what, size, nanoseconds);
}

void measure_ciphers(std::size_t size) {
    std::vector<unsigned char> text(size + 16);
    const std::vector<unsigned char> key(32, 1);
    const std::vector<unsigned char> nonce(24, 2);
    const std::vector<unsigned char> header(41, 3);
    print("xchacha20-poly1305 encrypt", size, cost([&] {
              crypto_aead_xchacha20poly1305_ietf_encrypt(text.data(), nullptr, text.data(), size,
                                                         header.data(), header.size(), nullptr,
                                                         nonce.data(), key.data());
          }));
    print("chacha20-poly1305 encrypt", size, cost([&] {
              crypto_aead_chacha20poly1305_ietf_encrypt(text.data(), nullptr, text.data(), size,
                                                        header.data(), header.size(), nullptr,
                                                        nonce.data(), key.data());
          }));
    if (crypto_aead_aes256gcm_is_available() == 1) {
        crypto_aead_aes256gcm_state state;
        crypto_aead_aes256gcm_beforenm(&state, key.data());
        print("aes256-gcm encrypt", size, cost([&] {
                  crypto_aead_aes256gcm_encrypt_afternm(text.data(), nullptr, text.data(), size,
                                                        header.data(), header.size(), nullptr,
                                                        nonce.data(), &state);
              }));
    }
}

// Two nodes that know each other, and a frame that never changes.
class Pair {
  public:
    explicit Pair(bool aes)
        : one_({NodeId{1}, aes}, key(), pool_, totem::net::system_random()),
          two_({NodeId{2}, aes}, key(), pool_, totem::net::system_random()) {
        one_.set_nodes(std::array{NodeId{1}, NodeId{2}});
        two_.set_nodes(std::array{NodeId{1}, NodeId{2}});
        // First frame, challenge, answer with a challenge in return, answer.
        FrameRef frame = two_.open({}, kLink, seal(1)).reply;
        frame = one_.open({}, kLink, pool_.copy(frame.bytes())).reply;
        frame = two_.open({}, kLink, pool_.copy(frame.bytes())).reply;
        static_cast<void>(one_.open({}, kLink, pool_.copy(frame.bytes())));
    }

    void measure(const char* name, std::size_t size) {
        const double sealing = cost([&] { static_cast<void>(seal(size)); });
        const double both = cost([&] { static_cast<void>(two_.open({}, kLink, seal(size))); });
        print((std::string(name) + ": seal").c_str(), size, sealing);
        print((std::string(name) + ": open").c_str(), size, both - sealing);
        const FrameRef forged = seal(size);
        const std::vector<std::byte> good(forged.bytes().begin(), forged.bytes().end());
        for (const auto& [what, offset] :
             {std::pair{"forged", good.size() - 1}, {"forged session", std::size_t{20}}}) {
            std::vector<std::byte> bad = good;
            bad[offset] ^= std::byte{1};
            print((std::string(name) + ": refuse " + what).c_str(), size,
                  cost([&] { static_cast<void>(two_.open({}, kLink, pool_.copy(bad))); }));
        }
    }

  private:
    static constexpr LinkId kLink{0};

    static std::vector<ClusterKey> key() {
        std::vector<ClusterKey> keys;
        keys.emplace_back(std::vector<std::byte>(128, std::byte{7}), "bench");
        return keys;
    }
    FrameRef seal(std::size_t size) {
        return one_.seal(kLink, totem::kNoNode, {}, std::span(text_).first(size));
    }

    FramePool pool_;
    std::vector<std::byte> text_ = std::vector<std::byte>(2000, std::byte{5});
    PacketSeal one_;
    PacketSeal two_;
};

}  // namespace

int main() {
    if (sodium_init() < 0) {
        return 1;
    }
    for (const std::size_t size : kSizes) {
        measure_ciphers(size);
    }
    Pair aes(true);
    Pair chacha(false);
    for (const std::size_t size : kSizes) {
        aes.measure("seal, aes", size);
        chacha.measure("seal, chacha", size);
    }
    return 0;
}
