#include "sim/sealed_port.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "sim/random.h"
#include "sim/record.h"
#include "totem/net/packet_seal.h"

namespace sim {

namespace {

class SeededRandom : public totem::net::RandomSource {
  public:
    explicit SeededRandom(std::uint64_t seed) : seed_(seed) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(combine(seed_, ++count_) & 0xFFU);
        }
    }

  private:
    std::uint64_t seed_;
    std::uint64_t count_ = 0;
};

std::vector<totem::net::ClusterKey> keys() {
    std::array<std::byte, totem::net::kKeyFileBytesMin> material{};
    std::ranges::fill(material, std::byte{0x5A});
    std::vector<totem::net::ClusterKey> list;
    list.emplace_back(material, "simulated");
    return list;
}

}  // namespace

struct SealedPort::Parts {
    Parts(const Options& options, Process self, totem::FramePool& pool)
        : random(draw(options.seed, Purpose::kSeal, self.node, self.life)),
          // AES depends on the processor, and a run must not.
          seal({.self = id_of(self.node), .aes = false}, keys(), pool, random) {
        std::vector<totem::NodeId> nodes;
        for (std::uint32_t node = 0; node < options.nodes; ++node) {
            nodes.push_back(id_of(node));
        }
        seal.set_nodes(nodes);
    }

    SeededRandom random;
    totem::net::PacketSeal seal;
};

SealedPort::SealedPort(const Options& options, Process self, totem::FramePool& pool)
    : parts_(std::make_unique<Parts>(options, self, pool)) {}

SealedPort::~SealedPort() = default;

totem::FrameRef SealedPort::seal(totem::NodeId to, std::span<const std::byte> head,
                                 std::span<const std::byte> body) {
    return parts_->seal.seal(totem::LinkId{0}, to, head, body);
}

SealedPort::Opened SealedPort::open(totem::Instant now, totem::FrameRef frame) {
    Opened result;
    const auto bytes = frame.bytes();
    for (const std::byte byte : bytes.first(std::min(bytes.size(), totem::net::kSealHeaderBytes))) {
        result.name = combine(result.name, std::to_integer<std::uint64_t>(byte));
    }
    auto opened = parts_->seal.open(now, totem::LinkId{0}, std::move(frame));
    result.accepted = opened.verdict == totem::net::Verdict::kAccepted;
    result.frame = std::move(opened.frame);
    result.reply = std::move(opened.reply);
    result.sender = opened.sender;
    return result;
}

std::size_t SealedPort::overhead() { return totem::net::kSealBytes; }

}  // namespace sim
