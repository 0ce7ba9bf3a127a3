#include "votequorum/core/messages.h"

#include "totem/group/struct_io.h"

namespace votequorum {

using totem::NodeId;
using totem::Result;
using totem::Unexpected;
using totem::group::StructReader;
using totem::group::StructWriter;

namespace {

constexpr std::size_t kMessageBytes = 32;

}  // namespace

Body encode(const Nodeinfo& message) {
    Body body{};
    StructWriter writer(body);
    writer.u32(0, raw(message.node));
    writer.u32(4, message.votes);
    writer.u32(8, message.expected_votes);
    writer.u32(12, message.flags);
    return body;
}

Body encode(const Reconfigure& message) {
    Body body{};
    StructWriter writer(body);
    writer.u32(0, raw(message.node));
    writer.u32(4, message.value);
    writer.u8(8, static_cast<std::uint8_t>(message.parameter));
    return body;
}

Result<Nodeinfo, std::string_view> decode_nodeinfo(std::span<const std::byte> message) {
    if (message.size() != kMessageBytes) {
        return Unexpected<std::string_view>{"nodeinfo is not of 32 bytes"};
    }
    const StructReader reader(message);
    return Nodeinfo{NodeId{reader.u32(16)}, reader.u32(20), reader.u32(24), reader.u32(28)};
}

Result<Reconfigure, std::string_view> decode_reconfigure(std::span<const std::byte> message) {
    if (message.size() != kMessageBytes) {
        return Unexpected<std::string_view>{"reconfigure is not of 32 bytes"};
    }
    const StructReader reader(message);
    const std::uint8_t parameter = reader.u8(24);
    if (parameter < 1 || parameter > 3) {
        return Unexpected<std::string_view>{"reconfigure of an unknown parameter"};
    }
    const Reconfigure value{NodeId{reader.u32(16)}, reader.u32(20),
                            Reconfigure::Parameter{parameter}};
    if (value.parameter == Reconfigure::Parameter::kExpectedVotes && value.value == 0) {
        return Unexpected<std::string_view>{"reconfigure to no expected votes"};
    }
    return value;
}

}  // namespace votequorum
