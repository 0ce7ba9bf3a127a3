// Sealing: whole frames authenticated and encrypted, so that nothing of a stranger is ever parsed.
//
// No socket, clock or file inside: time and randomness are arguments, so that the simulator runs
// the same seal. One seal per node, shared by all of its links.
//
// Nonces. Each life of a node draws a 128-bit salt; key = KDF(cluster key, node, salt), nonce = a
// counter from 1. No stored state can roll this back.
//
// Freshness. A receiver takes frames of a session only after the session answered a random
// challenge that this life of the receiver drew; then each counter once, above the counter of the
// answer. So no frame that any life of any node ever took is taken again. The cost is one round
// trip at the first frame of a new session, which is dropped; the ring repeats its joins.
//
// Two live sessions of one node id (a cloned disk) are never mixed: the later one to prove itself
// counts, the other is refused for good and reported.
//
// Sources: properties.md C1 to C10; decision 0003 has the threat model and the reasons.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "totem/core/frame.h"
#include "totem/core/types.h"
#include "totem/net/replay_window.h"
#include "totem/net/seal_key.h"

namespace totem::net {

// A sealed frame: this header in clear, the frame encrypted, the tag.
//   0 u16 magic "QS"   2 u8 version   3 u8 flags   4 u32 key id   8 u32 sender   12 u64 counter
//   20 u8[16] session salt                                        (little-endian)
inline constexpr std::size_t kSealHeaderBytes = 36;
inline constexpr std::size_t kSealBytes = kSealHeaderBytes + kTagBytes;

// Where the seal gets salts and challenges from: the operating system, or the simulator's seed.
class RandomSource {
  public:
    RandomSource() = default;
    RandomSource(const RandomSource&) = delete;
    RandomSource& operator=(const RandomSource&) = delete;
    RandomSource(RandomSource&&) = delete;
    RandomSource& operator=(RandomSource&&) = delete;
    virtual ~RandomSource() = default;

    virtual void fill(std::span<std::byte> out) = 0;
};
[[nodiscard]] RandomSource& system_random();

// What became of a frame that arrived. Everything but kAccepted leaves no trace in the ring.
enum class Verdict : std::uint8_t {
    kAccepted,
    kHandshake,      // authentic; between the seals only
    kUnproven,       // authentic, of a session that must prove first that it lives
    kReplayed,       // this counter was taken before, or is too old
    kForged,         // not sealed by who it says, or for another node, link or cluster
    kUnknownKey,     // sealed with a key that is not (or no longer) ours, or a suite we cannot do
    kUnknownSender,  // names a node that is not in the node list, or not where it came from
    kOwnId,          // names this node: reflected, or a second node with our id
    kMalformed,      // not a sealed frame at all
};
inline constexpr std::size_t kVerdicts = 9;

// News for the administrator; at most one per frame.
struct SealEvent {
    enum class Kind : std::uint8_t {
        kSessionStarted,  // `node` proved a session that was not known: it started, or we did
        kDuplicateId,     // two live sessions carry the id `node`; at most one report per minute
        kOtherKey,        // frames from the address of `node` name a key that this node has not
                          // got, so who made them is not known; at most one report per minute
    };
    Kind kind{};
    NodeId node = kNoNode;
};

class PacketSeal {
  public:
    // Old and new, during a rotation.
    static constexpr std::size_t kKeysMax = 2;

    struct Config {
        NodeId self = kNoNode;
        bool aes = true;  // use AES where processors compute it; off is for tests
    };

    // `keys` as for set_keys(). `pool` and `random` must outlive the seal.
    PacketSeal(const Config& config, std::vector<ClusterKey> keys, FramePool& pool,
               RandomSource& random);

    // The node list, with or without this node. Sessions of nodes that stay are kept.
    void set_nodes(std::span<const NodeId> nodes);
    // The keys that are accepted, at most kKeysMax; the first is sent with. Rotation (C5): {old,
    // new} everywhere, then {new, old} everywhere, then {new}.
    void set_keys(std::vector<ClusterKey> keys);

    // `head` then `body` as one sealed frame for node `to`, kNoNode for everyone.
    [[nodiscard]] FrameRef seal(LinkId link, NodeId to, std::span<const std::byte> head,
                                std::span<const std::byte> body);

    struct Opened {
        Verdict verdict = Verdict::kMalformed;
        NodeId sender = kNoNode;  // as claimed, unless the verdict says that it is authentic
        FrameRef frame;           // plain; only with kAccepted
        FrameRef reply;  // when not empty: to be sent to `sender` over the same link as it is
        std::optional<SealEvent> event;
    };
    // Decrypts in place: `frame` must not be shared. `source`: the node that the list has at the
    // address where the frame came from, kNoNode when that says nothing. Each node seals what it
    // sends, so no other name can be right, and a second node with an id disturbs nobody.
    [[nodiscard]] Opened open(Instant now, LinkId link, FrameRef frame, NodeId source = kNoNode);

    // Frames opened, by verdict.
    [[nodiscard]] std::uint64_t count(Verdict verdict) const {
        return counts_.at(static_cast<std::size_t>(verdict));
    }

  private:
    using Nonce = std::array<std::byte, 16>;
    struct Header;
    struct Hello;

    struct Challenge {
        Nonce nonce{};
        Instant made;
        Instant sent;
    };
    struct Retired {
        SessionSalt salt{};
        std::optional<Instant> reported;
    };
    // Everything that is kept about a node of the list; nothing is kept about any other.
    struct Peer {
        NodeId node = kNoNode;
        bool proven = false;
        bool lacks_aes = false;
        SessionSalt salt{};
        std::array<SessionKey, kKeysMax> keys;
        ReplayWindow window;
        std::optional<Challenge> challenge;
        std::array<Retired, 8> retired{};
        std::size_t retired_count = 0;
        std::optional<Instant> other_key_reported;
    };

    struct Arrival {
        Instant now;
        LinkId link{};
        NodeId source = kNoNode;
    };

    [[nodiscard]] Peer* find(NodeId node);
    [[nodiscard]] std::optional<std::size_t> key_index(KeyId id) const;
    void derive_keys(Peer& peer);
    [[nodiscard]] bool all_have_aes() const;
    [[nodiscard]] FrameRef seal_with(const Header& header, LinkId link, NodeId to,
                                     std::span<const std::byte> head,
                                     std::span<const std::byte> body);
    // Null, and the verdict, when it cannot be the one it says.
    [[nodiscard]] Peer* sender_of(const Arrival& at, const Header& header, Opened& opened);
    void examine(const Arrival& at, FrameRef& frame, Opened& opened);
    static void report_other_key(const Arrival& at, Peer& peer, Opened& opened);
    [[nodiscard]] bool authentic(const Header& header, LinkId link, const SessionKey& key,
                                 std::span<std::byte> frame) const;
    void on_hello(const Arrival& at, Peer& peer, const Header& header, const Hello& hello,
                  Opened& opened);
    void on_unproven(const Arrival& at, Peer& peer, const Header& header, Opened& opened);
    [[nodiscard]] static Retired* find_retired(Peer& peer, const SessionSalt& salt);
    void prove(Instant now, Peer& peer, const Header& header, Opened& opened);
    [[nodiscard]] const Nonce& challenge(Instant now, Peer& peer);
    [[nodiscard]] FrameRef hello(LinkId link, NodeId to, const Hello& content);

    Config config_;
    FramePool& pool_;
    RandomSource& random_;
    std::vector<ClusterKey> keys_;
    std::vector<Peer> peers_;  // ascending
    bool aes_ = false;         // sent with: we can, and nobody is known to lack it

    SessionSalt salt_{};
    SessionKey own_key_;
    std::uint64_t counter_ = 0;
    SessionKey scratch_;  // of sessions that are not proven
    std::array<std::uint64_t, kVerdicts> counts_{};
};

}  // namespace totem::net
