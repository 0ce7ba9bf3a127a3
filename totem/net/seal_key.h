// The secrets of a sealed ring: the key file, the cluster key made from it, and the key of one
// sender's session.
//
// All of them live in locked, guarded memory that is wiped when it is given back, and none of them
// is ever printed. Source: config.md 12 (key file), properties.md C6 and C10, decision 0003.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "totem/core/result.h"
#include "totem/core/types.h"

namespace totem::net {

// Bytes in memory of libsodium: not swapped out, between guard pages, wiped at the end. Move only.
class SecretBytes {
  public:
    explicit SecretBytes(std::size_t size);

    [[nodiscard]] std::span<std::byte> bytes() noexcept { return {memory_.get(), size_}; }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return {memory_.get(), size_};
    }

  private:
    struct Free {
        void operator()(std::byte* memory) const noexcept;
    };
    std::unique_ptr<std::byte, Free> memory_;
    std::size_t size_;
};

inline constexpr std::size_t kKeyFileBytesMin = 128;
inline constexpr std::size_t kKeyFileBytesMax = 4096;

// Why there is no key, in the words of the daemon that ours replaces where it has any.
struct KeyError {
    std::string text;
};

// Reads a key file. It must be a regular file of 128 to 4096 bytes that neither group nor others
// can read.
[[nodiscard]] Result<SecretBytes, KeyError> load_key_file(const std::string& path);

// Which cluster key a frame was sealed with; public, for telling old and new apart at a rotation.
enum class KeyId : std::uint32_t {};

// A process lifetime of a sender: 128 random bits drawn at its start.
using SessionSalt = std::array<std::byte, 16>;

// What all nodes of one cluster share. Another cluster name makes another key of the same material,
// so that frames of one cluster are forgeries in every other.
class ClusterKey {
  public:
    // `material`: the content of the key file, or of totem.key.
    ClusterKey(std::span<const std::byte> material, std::string_view cluster_name);

    [[nodiscard]] KeyId id() const noexcept { return id_; }
    // The same key once more, in memory of its own.
    [[nodiscard]] ClusterKey copy() const;

  private:
    ClusterKey();

    friend class SessionKey;
    SecretBytes key_;
    KeyId id_{};
};

// Both are AEADs with a 96-bit nonce and a 128-bit tag. ChaCha20-Poly1305 works everywhere;
// AES-256-GCM only where the processor computes it, and then costs about a third.
enum class Suite : std::uint8_t { kChaCha20Poly1305 = 0, kAes256Gcm = 1 };
[[nodiscard]] bool available(Suite suite);

inline constexpr std::size_t kTagBytes = 16;

// The key of one session of one sender under one cluster key, ready for use with either suite.
class SessionKey {
  public:
    SessionKey();

    // Becomes the key of that session; allocates nothing.
    void derive(const ClusterKey& cluster, NodeId sender, const SessionSalt& salt);

    // `counter` is the nonce: never twice with one session. `associated` is authenticated, not
    // hidden.
    struct Sealing {
        Suite suite = Suite::kChaCha20Poly1305;
        std::uint64_t counter = 0;
        std::span<const std::byte> associated;
    };
    // Encrypts the text in place, which is `text` without its last kTagBytes, and puts the tag
    // there.
    void encrypt(const Sealing& sealing, std::span<std::byte> text) const;
    // The reverse. False, and `text` unchanged, when any bit of anything is not as it was sealed.
    [[nodiscard]] bool decrypt(const Sealing& sealing, std::span<std::byte> text) const;

  private:
    SecretBytes secret_;  // ChaCha key, then the AES key schedule; see Layout
};

}  // namespace totem::net
