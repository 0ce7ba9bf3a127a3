#include "totem/net/packet_seal.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <sodium.h>

#include "totem/core/check.h"

namespace totem::net {

namespace {

constexpr std::uint16_t kMagic = 0x5351;  // "QS"; no other dialect begins so (wire.md 2.2)
constexpr std::uint8_t kVersion = 1;

// An answer may take this long; then a new challenge is drawn.
constexpr Duration kChallengeLife = std::chrono::seconds(2);
// A node is not challenged more often than this, whatever arrives in its name.
constexpr Duration kChallengeGap = std::chrono::milliseconds(10);
constexpr Duration kReportGap = std::chrono::minutes(1);

template <typename Unsigned>
void put(std::span<std::byte> bytes, std::size_t offset, Unsigned value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
        bytes[offset + i] = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
    }
}

template <typename Unsigned>
[[nodiscard]] Unsigned get(std::span<const std::byte> bytes, std::size_t offset) {
    Unsigned value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) {
        value = static_cast<Unsigned>(
            value |
            static_cast<Unsigned>(std::to_integer<std::uint64_t>(bytes[offset + i]) << (8 * i)));
    }
    return value;
}

class SystemRandom final : public RandomSource {
  public:
    void fill(std::span<std::byte> out) override { randombytes_buf(out.data(), out.size()); }
};

}  // namespace

RandomSource& system_random() {
    static SystemRandom source;
    return source;
}

// ---- formats ----------------------------------------------------------------------------------

struct PacketSeal::Header {
    bool unicast = false;
    bool hello = false;
    Suite suite = Suite::kChaCha20Poly1305;
    KeyId key{};
    NodeId sender = kNoNode;
    std::uint64_t counter = 0;
    SessionSalt salt{};

    enum Flag : std::uint8_t { kUnicast = 1, kHello = 2, kAes = 4, kKnownFlags = 7 };

    void write(std::span<std::byte> bytes) const {
        const unsigned flags = (unicast ? unsigned{kUnicast} : 0U) |
                               (hello ? unsigned{kHello} : 0U) |
                               (suite == Suite::kAes256Gcm ? unsigned{kAes} : 0U);
        put(bytes, 0, kMagic);
        put(bytes, 2, kVersion);
        put(bytes, 3, static_cast<std::uint8_t>(flags));
        put(bytes, 4, static_cast<std::uint32_t>(key));
        put(bytes, 8, raw(sender));
        put(bytes, 12, counter);
        std::ranges::copy(salt, bytes.subspan(20).begin());
    }

    [[nodiscard]] static std::optional<Header> read(std::span<const std::byte> bytes) {
        if (bytes.size() <= kSealBytes || get<std::uint16_t>(bytes, 0) != kMagic ||
            get<std::uint8_t>(bytes, 2) != kVersion) {
            return std::nullopt;
        }
        const auto flags = get<std::uint8_t>(bytes, 3);
        if ((flags & ~unsigned{kKnownFlags}) != 0) {
            return std::nullopt;
        }
        Header header;
        header.unicast = (flags & unsigned{kUnicast}) != 0;
        header.hello = (flags & unsigned{kHello}) != 0;
        header.suite = (flags & unsigned{kAes}) != 0 ? Suite::kAes256Gcm : Suite::kChaCha20Poly1305;
        header.key = static_cast<KeyId>(get<std::uint32_t>(bytes, 4));
        header.sender = static_cast<NodeId>(get<std::uint32_t>(bytes, 8));
        header.counter = get<std::uint64_t>(bytes, 12);
        std::ranges::copy(bytes.subspan(20, header.salt.size()), header.salt.begin());
        return header;
    }
};

// What seals say to each other: "here is the number you drew" and "prove that you live with this
// one"; all zero is neither.
struct PacketSeal::Hello {
    Nonce echo{};
    Nonce challenge{};
    bool lacks_aes = false;

    static constexpr std::size_t kBytes = 36;

    void write(std::span<std::byte> bytes) const {
        std::ranges::copy(echo, bytes.begin());
        std::ranges::copy(challenge, bytes.subspan(16).begin());
        put(bytes, 32, std::uint32_t{lacks_aes ? 1U : 0U});
    }
    [[nodiscard]] static Hello read(std::span<const std::byte> bytes) {
        Hello hello;
        std::ranges::copy(bytes.first(16), hello.echo.begin());
        std::ranges::copy(bytes.subspan(16, 16), hello.challenge.begin());
        hello.lacks_aes = (get<std::uint32_t>(bytes, 32) & 1U) != 0;
        return hello;
    }
};

namespace {

// Authenticated with each frame: the header, whom it is for and the network it travels on (C4).
constexpr std::size_t kAssociatedBytes = kSealHeaderBytes + 5;

[[nodiscard]] std::array<std::byte, kAssociatedBytes> associated_data(
    std::span<const std::byte> header, NodeId to, LinkId link) {
    std::array<std::byte, kAssociatedBytes> data{};
    std::ranges::copy(header.first(kSealHeaderBytes), data.begin());
    put(std::span(data), kSealHeaderBytes, raw(to));
    put(std::span(data), kSealHeaderBytes + 4, static_cast<std::uint8_t>(link));
    return data;
}

}  // namespace

// ---- setting up -------------------------------------------------------------------------------

PacketSeal::PacketSeal(const Config& config, std::vector<ClusterKey> keys, FramePool& pool,
                       RandomSource& random)
    : config_{config.self, config.aes && available(Suite::kAes256Gcm)},
      pool_(pool),
      random_(random),
      aes_(config_.aes) {
    random_.fill(salt_);
    set_keys(std::move(keys));
}

void PacketSeal::set_nodes(std::span<const NodeId> nodes) {
    std::erase_if(peers_,
                  [&](const Peer& peer) { return std::ranges::count(nodes, peer.node) == 0; });
    for (const NodeId node : nodes) {
        if (node != config_.self && find(node) == nullptr) {
            const auto place = std::ranges::lower_bound(peers_, node, {}, &Peer::node);
            peers_.emplace(place)->node = node;
        }
    }
    aes_ = all_have_aes();
}

void PacketSeal::set_keys(std::vector<ClusterKey> keys) {
    TOTEM_CHECK(!keys.empty() && keys.size() <= kKeysMax);
    keys_ = std::move(keys);
    own_key_.derive(keys_.front(), config_.self, salt_);
    for (Peer& peer : peers_) {
        derive_keys(peer);
    }
}

void PacketSeal::derive_keys(Peer& peer) {
    if (!peer.proven) {
        return;
    }
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        peer.keys.at(i).derive(keys_[i], peer.node, peer.salt);
    }
}

PacketSeal::Peer* PacketSeal::find(NodeId node) {
    const auto place = std::ranges::lower_bound(peers_, node, {}, &Peer::node);
    return place != peers_.end() && place->node == node ? &*place : nullptr;
}

std::optional<std::size_t> PacketSeal::key_index(KeyId id) const {
    const auto found = std::ranges::find(keys_, id, &ClusterKey::id);
    if (found == keys_.end()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - keys_.begin());
}

// Whoever takes frames of ours has challenged us, and so has told us before whether it can do AES.
bool PacketSeal::all_have_aes() const {
    return config_.aes && std::ranges::none_of(peers_, &Peer::lacks_aes);
}

// ---- sealing ----------------------------------------------------------------------------------

FrameRef PacketSeal::seal(LinkId link, NodeId to, std::span<const std::byte> head,
                          std::span<const std::byte> body) {
    Header header;
    header.suite = aes_ ? Suite::kAes256Gcm : Suite::kChaCha20Poly1305;
    return seal_with(header, link, to, head, body);
}

FrameRef PacketSeal::seal_with(const Header& header, LinkId link, NodeId to,
                               std::span<const std::byte> head, std::span<const std::byte> body) {
    Header full = header;
    full.unicast = to != kNoNode;
    full.key = keys_.front().id();
    full.sender = config_.self;
    full.counter = ++counter_;
    full.salt = salt_;

    FrameRef frame = pool_.allocate(kSealBytes + head.size() + body.size());
    const std::span<std::byte> bytes = frame.writable();
    full.write(bytes);
    const std::span<std::byte> text = bytes.subspan(kSealHeaderBytes);
    std::ranges::copy(head, text.begin());
    std::ranges::copy(body, text.subspan(head.size()).begin());
    const auto associated = associated_data(bytes, to, link);
    own_key_.encrypt({full.suite, full.counter, associated}, text);
    return frame;
}

FrameRef PacketSeal::hello(LinkId link, NodeId to, const Hello& content) {
    std::array<std::byte, Hello::kBytes> bytes{};
    content.write(bytes);
    Header header;  // always the suite that every node can do
    header.hello = true;
    return seal_with(header, link, to, bytes, {});
}

// ---- opening ----------------------------------------------------------------------------------

PacketSeal::Opened PacketSeal::open(Instant now, LinkId link, FrameRef frame, NodeId source) {
    Opened opened;
    examine({now, link, source}, frame, opened);
    ++counts_.at(static_cast<std::size_t>(opened.verdict));
    return opened;
}

PacketSeal::Peer* PacketSeal::sender_of(const Arrival& at, const Header& header, Opened& opened) {
    opened.sender = header.sender;
    if (header.sender == config_.self) {
        opened.verdict = Verdict::kOwnId;
        return nullptr;
    }
    Peer* peer = find(header.sender);
    if (peer == nullptr || (at.source != kNoNode && at.source != header.sender)) {
        opened.verdict = Verdict::kUnknownSender;
        return nullptr;
    }
    return peer;
}

// Cheap refusals first; nothing is changed before the frame is authentic.
void PacketSeal::examine(const Arrival& at, FrameRef& frame, Opened& opened) {
    const std::optional<Header> header = Header::read(frame.bytes());
    if (!header) {
        return;
    }
    Peer* peer = sender_of(at, *header, opened);
    if (peer == nullptr) {
        return;
    }
    const std::optional<std::size_t> key = key_index(header->key);
    if (!key || (header->suite == Suite::kAes256Gcm && !config_.aes)) {
        opened.verdict = Verdict::kUnknownKey;
        if (!key) {
            report_other_key(at, *peer, opened);
        }
        return;
    }
    const bool proven = peer->proven && peer->salt == header->salt;
    if (proven && peer->window.taken(header->counter)) {
        opened.verdict = Verdict::kReplayed;
        return;
    }
    if (!proven) {
        scratch_.derive(keys_[*key], header->sender, header->salt);
    }
    if (!authentic(*header, at.link, proven ? peer->keys.at(*key) : scratch_, frame.writable())) {
        opened.verdict = Verdict::kForged;
        return;
    }
    if (proven) {
        peer->window.take(header->counter);
    }
    const FrameRef text = frame.slice(kSealHeaderBytes, frame.size() - kSealBytes);
    if (header->hello) {
        opened.verdict = text.size() == Hello::kBytes ? Verdict::kHandshake : Verdict::kMalformed;
        if (opened.verdict == Verdict::kHandshake) {
            on_hello(at, *peer, *header, Hello::read(text.bytes()), opened);
        }
    } else if (proven) {
        opened.verdict = Verdict::kAccepted;
        opened.frame = text;
    } else {
        opened.verdict = Verdict::kUnproven;
        on_unproven(at, *peer, *header, opened);
    }
}

void PacketSeal::report_other_key(const Arrival& at, Peer& peer, Opened& opened) {
    const auto& reported = peer.other_key_reported;
    if (at.source != kNoNode && (!reported || at.now - *reported >= kReportGap)) {
        peer.other_key_reported = at.now;
        opened.event = SealEvent{SealEvent::Kind::kOtherKey, peer.node};
    }
}

bool PacketSeal::authentic(const Header& header, LinkId link, const SessionKey& key,
                           std::span<std::byte> frame) const {
    const NodeId to = header.unicast ? config_.self : kNoNode;
    const auto associated = associated_data(frame, to, link);
    return key.decrypt({header.suite, header.counter, associated}, frame.subspan(kSealHeaderBytes));
}

// ---- freshness --------------------------------------------------------------------------------

void PacketSeal::on_hello(const Arrival& at, Peer& peer, const Header& header, const Hello& hello,
                          Opened& opened) {
    const bool fresh = peer.challenge && at.now - peer.challenge->made < kChallengeLife &&
                       hello.echo == peer.challenge->nonce;
    if (fresh) {
        peer.challenge.reset();
        peer.lacks_aes = hello.lacks_aes;
        aes_ = all_have_aes();
        prove(at.now, peer, header, opened);
    }
    if (hello.challenge == Nonce{}) {
        return;
    }
    // Answered whoever asks with our key: an old question that is replayed gets an answer that
    // nobody waits for. We ask in return when we do not know the session; an answer asks no more.
    Hello answer;
    answer.echo = hello.challenge;
    answer.lacks_aes = !config_.aes;
    if (!peer.proven || peer.salt != header.salt) {
        answer.challenge = challenge(at.now, peer);
    }
    opened.reply = this->hello(at.link, peer.node, answer);
}

void PacketSeal::on_unproven(const Arrival& at, Peer& peer, const Header& header, Opened& opened) {
    if (peer.challenge && at.now - peer.challenge->sent < kChallengeGap) {
        return;
    }
    const Retired* retired = find_retired(peer, header.salt);
    if (retired != nullptr && retired->reported && at.now - *retired->reported < kReportGap) {
        return;  // known to live, and refused
    }
    Hello question;
    question.challenge = challenge(at.now, peer);
    question.lacks_aes = !config_.aes;
    opened.reply = hello(at.link, peer.node, question);
}

// The challenge that is open for this node; one at a time, so that answers on their way stay good.
const PacketSeal::Nonce& PacketSeal::challenge(Instant now, Peer& peer) {
    if (!peer.challenge || now - peer.challenge->made >= kChallengeLife) {
        peer.challenge = Challenge{{}, now, now};
        random_.fill(peer.challenge->nonce);
    }
    peer.challenge->sent = now;
    return peer.challenge->nonce;
}

PacketSeal::Retired* PacketSeal::find_retired(Peer& peer, const SessionSalt& salt) {
    const auto known =
        std::span(peer.retired).first(std::min(peer.retired_count, peer.retired.size()));
    const auto found = std::ranges::find(known, salt, &Retired::salt);
    return found == known.end() ? nullptr : &*found;
}

// The session of `header` answered a fresh challenge.
void PacketSeal::prove(Instant now, Peer& peer, const Header& header, Opened& opened) {
    if (peer.proven && peer.salt == header.salt) {
        return;
    }
    if (Retired* retired = find_retired(peer, header.salt)) {
        // It lives though another one took its place: two nodes with one id.
        if (!retired->reported || now - *retired->reported >= kReportGap) {
            retired->reported = now;
            opened.event = SealEvent{SealEvent::Kind::kDuplicateId, peer.node};
        }
        return;
    }
    if (peer.proven) {
        peer.retired.at(peer.retired_count++ % peer.retired.size()) = {peer.salt, std::nullopt};
    }
    peer.proven = true;
    peer.salt = header.salt;
    // What the session sent before its proof may be old, so it counts as taken.
    peer.window.reset(header.counter);
    derive_keys(peer);
    opened.event = SealEvent{SealEvent::Kind::kSessionStarted, peer.node};
}

}  // namespace totem::net
