#include "totem/group/capabilities.h"

#include <algorithm>

#include "totem/core/byte_io.h"
#include "totem/group/messages.h"

namespace totem::group {

std::array<std::byte, kCapabilitiesBodyBytes> encode_capabilities(std::uint64_t features) {
    std::array<std::byte, kCapabilitiesBodyBytes> body{};
    ByteWriter writer(body);
    writer.u32(kCapabilitiesFormat);
    writer.u32(0);
    writer.u64(features);
    return body;
}

void Capabilities::begin(std::span<const NodeId> members) {
    members_.clear();
    for (const NodeId node : members) {
        members_.push_back({node, false, 0});
    }
}

void Capabilities::on_announce(NodeId sender, std::span<const std::byte> message) {
    const auto member = std::ranges::find(members_, sender, &Member::node);
    if (member == members_.end() || message.size() < kServiceHeaderBytes + kCapabilitiesBodyBytes) {
        return;
    }
    ByteReader reader(message.subspan(kServiceHeaderBytes));
    const std::uint32_t format = reader.u32();
    reader.skip(4);
    member->announced = true;
    member->features = format == kCapabilitiesFormat ? reader.u64() : 0;
}

std::uint64_t Capabilities::common() const noexcept {
    std::uint64_t features = members_.empty() ? 0 : kOwnFeatures;
    for (const Member& member : members_) {
        features &= member.announced ? member.features : 0;
    }
    return features;
}

void Capabilities::hash(StateHash& into) const {
    for (const Member& member : members_) {
        into.add(member.node).add(std::uint64_t{member.announced}).add(member.features);
    }
}

}  // namespace totem::group
