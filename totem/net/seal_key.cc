#include "totem/net/seal_key.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "totem/core/check.h"
#include "totem/net/file_descriptor.h"

namespace totem::net {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
// NOLINTBEGIN(misc-redundant-expression): the constants are equal, which is what is asserted
static_assert(kKeyBytes == crypto_aead_chacha20poly1305_IETF_KEYBYTES &&
              kKeyBytes == crypto_aead_aes256gcm_KEYBYTES);
static_assert(kNonceBytes == crypto_aead_chacha20poly1305_IETF_NPUBBYTES &&
              kNonceBytes == crypto_aead_aes256gcm_NPUBBYTES);
static_assert(kTagBytes == crypto_aead_chacha20poly1305_IETF_ABYTES &&
              kTagBytes == crypto_aead_aes256gcm_ABYTES);

// What a session's secret memory holds. The schedule needs its alignment; the size is a multiple of
// it, and libsodium puts the end of its memory on a page's end.
struct Layout {
    std::array<unsigned char, kKeyBytes> chacha;
    std::array<unsigned char, kKeyBytes> aes;
    crypto_aead_aes256gcm_state schedule;
};
static_assert(sizeof(Layout) % alignof(Layout) == 0);
// NOLINTEND(misc-redundant-expression)

Layout& layout(std::span<std::byte> bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return *reinterpret_cast<Layout*>(bytes.data());
}
const Layout& layout(std::span<const std::byte> bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return *reinterpret_cast<const Layout*>(bytes.data());
}

[[nodiscard]] unsigned char* raw(std::byte* bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return reinterpret_cast<unsigned char*>(bytes);
}
[[nodiscard]] const unsigned char* raw(const std::byte* bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return reinterpret_cast<const unsigned char*>(bytes);
}
[[nodiscard]] std::span<const std::byte> text_bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// BLAKE2b of the parts, each preceded by its length so that no two lists hash alike.
void hash(std::span<const std::byte> key, std::span<const std::span<const std::byte>> parts,
          std::span<unsigned char> out) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, raw(key.data()), key.size(), out.size());
    for (const std::span<const std::byte> part : parts) {
        std::array<unsigned char, 4> length{};
        for (std::size_t i = 0; i < length.size(); ++i) {
            length.at(i) = static_cast<unsigned char>(part.size() >> (8 * i));
        }
        crypto_generichash_update(&state, length.data(), length.size());
        crypto_generichash_update(&state, raw(part.data()), part.size());
    }
    crypto_generichash_final(&state, out.data(), out.size());
    sodium_memzero(&state, sizeof state);
}

[[nodiscard]] std::array<unsigned char, kNonceBytes> nonce_of(std::uint64_t counter) {
    std::array<unsigned char, kNonceBytes> nonce{};
    for (std::size_t i = 0; i < 8; ++i) {
        nonce.at(i) = static_cast<unsigned char>(counter >> (8 * i));
    }
    return nonce;
}

// Ready before the first use of the library, whoever comes first.
void start_library() {
    static const bool started = sodium_init() >= 0;
    TOTEM_CHECK(started);
}

}  // namespace

// ---- memory and file --------------------------------------------------------------------------

void SecretBytes::Free::operator()(std::byte* memory) const noexcept { sodium_free(memory); }

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
    start_library();
    memory_.reset(static_cast<std::byte*>(sodium_malloc(size)));
    TOTEM_CHECK(memory_ != nullptr);
    sodium_memzero(memory_.get(), size);
}

Result<SecretBytes, KeyError> load_key_file(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) {
        return Unexpected{KeyError{"Could not open " + path + ": " +
                                   std::strerror(errno)}};  // NOLINT(concurrency-mt-unsafe)
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return Unexpected{KeyError{"Could not read " + path + ": not a regular file."}};
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        std::array<char, 8> mode{};
        std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
        return Unexpected{KeyError{"Key file " + path + " is accessible by group or others (mode " +
                                   mode.data() + "). Run: chmod 0400 " + path}};
    }
    SecretBytes whole(kKeyFileBytesMax + 1);
    std::size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && size < whole.bytes().size()) {
        const std::span<std::byte> room = whole.bytes().subspan(size);
        got = ::read(file.get(), room.data(), room.size());
        size += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    if (got < 0) {
        return Unexpected{KeyError{"Could not read " + path + ": " +
                                   std::strerror(errno)}};  // NOLINT(concurrency-mt-unsafe)
    }
    if (size < kKeyFileBytesMin) {
        return Unexpected{KeyError{"Could only read " + std::to_string(size * 8) +
                                   " bits of minimum " + std::to_string(kKeyFileBytesMin * 8) +
                                   " bits from " + path + "."}};
    }
    if (size > kKeyFileBytesMax) {
        return Unexpected{KeyError{"Key file " + path + " is longer than the maximum of " +
                                   std::to_string(kKeyFileBytesMax * 8) + " bits."}};
    }
    SecretBytes material(size);
    std::ranges::copy(whole.bytes().first(size), material.bytes().begin());
    return material;
}

// ---- keys -------------------------------------------------------------------------------------

ClusterKey::ClusterKey(std::span<const std::byte> material, std::string_view cluster_name)
    : key_(kKeyBytes) {
    const std::array parts{text_bytes(cluster_name), material};
    hash(text_bytes("quorate: cluster key, version 1"), parts,
         {raw(key_.bytes().data()), kKeyBytes});
    std::array<unsigned char, 16> digest{};
    const std::array label{text_bytes("key id")};
    hash(key_.bytes(), label, digest);
    std::uint32_t id = 0;
    for (std::size_t i = 4; i-- > 0;) {
        id = id << 8U | digest.at(i);
    }
    id_ = static_cast<KeyId>(id);
}

ClusterKey::ClusterKey() : key_(kKeyBytes) {}

ClusterKey ClusterKey::copy() const {
    ClusterKey other;
    std::ranges::copy(key_.bytes(), other.key_.bytes().begin());
    other.id_ = id_;
    return other;
}

bool available(Suite suite) {
    start_library();
    return suite == Suite::kChaCha20Poly1305 || crypto_aead_aes256gcm_is_available() == 1;
}

SessionKey::SessionKey() : secret_(sizeof(Layout)) {}

void SessionKey::derive(const ClusterKey& cluster, NodeId sender, const SessionSalt& salt) {
    const std::uint32_t id = totem::raw(sender);
    const std::array<std::byte, 4> sender_bytes{
        static_cast<std::byte>(id), static_cast<std::byte>(id >> 8U),
        static_cast<std::byte>(id >> 16U), static_cast<std::byte>(id >> 24U)};
    Layout& secret = layout(secret_.bytes());
    const std::array<std::span<const std::byte>, 3> parts{text_bytes("session"), sender_bytes,
                                                          salt};
    std::array<unsigned char, 2 * kKeyBytes> both{};
    hash(cluster.key_.bytes(), parts, both);
    std::copy_n(both.begin(), kKeyBytes, secret.chacha.begin());
    std::copy_n(both.begin() + kKeyBytes, kKeyBytes, secret.aes.begin());
    sodium_memzero(both.data(), both.size());
    if (available(Suite::kAes256Gcm)) {
        crypto_aead_aes256gcm_beforenm(&secret.schedule, secret.aes.data());
    }
}

void SessionKey::encrypt(const Sealing& sealing, std::span<std::byte> text) const {
    const auto nonce = nonce_of(sealing.counter);
    const Layout& secret = layout(secret_.bytes());
    unsigned char* in_place = raw(text.data());
    const std::size_t size = text.size() - kTagBytes;
    const unsigned char* associated = raw(sealing.associated.data());
    if (sealing.suite == Suite::kAes256Gcm) {
        crypto_aead_aes256gcm_encrypt_afternm(in_place, nullptr, in_place, size, associated,
                                              sealing.associated.size(), nullptr, nonce.data(),
                                              &secret.schedule);
        return;
    }
    crypto_aead_chacha20poly1305_ietf_encrypt(in_place, nullptr, in_place, size, associated,
                                              sealing.associated.size(), nullptr, nonce.data(),
                                              secret.chacha.data());
}

bool SessionKey::decrypt(const Sealing& sealing, std::span<std::byte> text) const {
    const auto nonce = nonce_of(sealing.counter);
    const Layout& secret = layout(secret_.bytes());
    unsigned char* in_place = raw(text.data());
    const unsigned char* tag =
        in_place +
        (text.size() - kTagBytes);  // NOLINT(cppcoreguidelines-pro-bounds-pointer-arithmetic)
    const std::size_t size = text.size() - kTagBytes;
    const unsigned char* associated = raw(sealing.associated.data());
    if (sealing.suite == Suite::kAes256Gcm) {
        return crypto_aead_aes256gcm_decrypt_detached_afternm(
                   in_place, nullptr, in_place, size, tag, associated, sealing.associated.size(),
                   nonce.data(), &secret.schedule) == 0;
    }
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
               in_place, nullptr, in_place, size, tag, associated, sealing.associated.size(),
               nonce.data(), secret.chacha.data()) == 0;
}

}  // namespace totem::net
