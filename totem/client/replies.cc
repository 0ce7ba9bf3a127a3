// Replies and events from bytes (ipc.md 7 to 11).
#include <algorithm>

#include "totem/client/messages.h"

namespace totem::client {

namespace {

constexpr std::size_t kHeaderBytes = 24;

std::string_view text_at(ByteView bytes, std::size_t offset, std::size_t size) {
    const ByteView part = bytes.subspan(offset, size);
    return {reinterpret_cast<const char*>(part.data()), part.size()};  // NOLINT(*-reinterpret-cast)
}

// A cpg name at `offset`: u32 length, padding, 128 bytes.
Decoded<std::string_view> group_at(ByteView bytes, std::size_t offset) {
    const std::uint32_t size = u32_field(bytes, offset);
    if (size > kGroupNameMax || !has_field(bytes, offset + 8, kGroupNameMax)) {
        return Unexpected<Malformed>{"group name too long"};
    }
    return text_at(bytes, offset + 8, size);
}

// Takes lists of fixed-size entries one after the other, never beyond the end.
class Tail {
  public:
    Tail(ByteView bytes, std::size_t offset) : bytes_(bytes), at_(offset) {}

    [[nodiscard]] bool take_nodes(std::uint32_t count, std::vector<NodeId>& nodes) {
        if (!fits(count, sizeof(std::uint32_t))) {
            return false;
        }
        for (std::uint32_t i = 0; i < count; ++i, at_ += sizeof(std::uint32_t)) {
            nodes.push_back(NodeId{u32_field(bytes_, at_)});
        }
        return true;
    }
    [[nodiscard]] bool take_changes(std::uint32_t count, std::vector<Change>& changes) {
        constexpr std::size_t kAddress = 24;
        if (!fits(count, kAddress)) {
            return false;
        }
        for (std::uint32_t i = 0; i < count; ++i, at_ += kAddress) {
            changes.push_back({{NodeId{u32_field(bytes_, at_)}, u32_field(bytes_, at_ + 8)},
                               Reason{u32_field(bytes_, at_ + 16)}});
        }
        return true;
    }

  private:
    [[nodiscard]] bool fits(std::uint32_t count, std::size_t entry) const {
        return at_ <= bytes_.size() && count <= (bytes_.size() - at_) / entry;
    }

    ByteView bytes_;
    std::size_t at_;
};

Decoded<CpgEvent> decode_membership(ByteView event) {
    constexpr std::size_t kFixed = 184;
    const auto group = group_at(event, 24);
    if (!group) {
        return Unexpected<Malformed>{group.error()};
    }
    GroupMembership membership;
    membership.group = *group;
    std::vector<Change> members;
    Tail tail(event, kFixed);
    // The counts stand in the order members, joined, left; the lists members, left, joined.
    if (!tail.take_changes(u32_field(event, 160), members) ||
        !tail.take_changes(u32_field(event, 176), membership.left) ||
        !tail.take_changes(u32_field(event, 168), membership.joined)) {
        return Unexpected<Malformed>{"group membership too short"};
    }
    for (const Change& member : members) {
        membership.members.push_back(member.process);
    }
    return CpgEvent{std::move(membership)};
}

Decoded<CpgEvent> decode_message(ByteView event) {
    constexpr std::size_t kFixed = 184;
    const auto group = group_at(event, 24);
    const std::uint32_t size = u32_field(event, 160);
    if (!group || !has_field(event, kFixed, size)) {
        return Unexpected<Malformed>{"group message too short"};
    }
    return CpgEvent{GroupMessage{*group,
                                 {NodeId{u32_field(event, 168)}, u32_field(event, 176)},
                                 event.subspan(kFixed, size)}};
}

Decoded<CpgEvent> decode_message_part(ByteView event) {
    constexpr std::size_t kFixed = 200;
    const auto group = group_at(event, 24);
    const std::uint32_t size = u32_field(event, 168);
    if (!group || !has_field(event, kFixed, size)) {
        return Unexpected<Malformed>{"part of a group message too short"};
    }
    return CpgEvent{GroupMessagePart{*group,
                                     {NodeId{u32_field(event, 176)}, u32_field(event, 184)},
                                     u32_field(event, 160),
                                     u32_field(event, 192),
                                     event.subspan(kFixed, size)}};
}

Decoded<CpgEvent> decode_ring_membership(ByteView event) {
    constexpr std::size_t kFixed = 44;
    RingMembership membership{ring_field(event, 24), {}};
    if (!Tail(event, kFixed).take_nodes(u32_field(event, 40), membership.members)) {
        return Unexpected<Malformed>{"ring membership too short"};
    }
    return CpgEvent{std::move(membership)};
}

// The reply is a whole one, of at least `bytes`, and says OK.
Decoded<Header> expect_ok(ByteView reply, std::size_t bytes) {
    const auto header = decode_header(reply);
    if (!header) {
        return header;
    }
    if (header->error != Error::kOk || reply.size() < bytes) {
        return Unexpected<Malformed>{"not a complete reply that says OK"};
    }
    return header;
}

}  // namespace

Decoded<Header> decode_header(ByteView message) {
    if (message.size() < kHeaderBytes || u32_field(message, 8) > message.size()) {
        return Unexpected<Malformed>{"message too short for its header"};
    }
    return Header{u32_field(message, 0), Error{u32_field(message, 16)}};
}

Decoded<NodeId> decode_local_get(ByteView reply) {
    constexpr std::size_t kBytes = 32;
    if (const auto header = expect_ok(reply, kBytes); !header) {
        return Unexpected<Malformed>{header.error()};
    }
    return NodeId{u32_field(reply, 24)};
}

Decoded<std::vector<Process>> decode_membership_get(ByteView reply) {
    constexpr std::size_t kBytes = 9248;
    if (const auto header = expect_ok(reply, kBytes); !header) {
        return Unexpected<Malformed>{header.error()};
    }
    std::vector<Change> members;
    if (!Tail(reply, 32).take_changes(u32_field(reply, 24), members)) {
        return Unexpected<Malformed>{"group membership too short"};
    }
    std::vector<Process> processes;
    processes.reserve(members.size());
    for (const Change& member : members) {
        processes.push_back(member.process);
    }
    return processes;
}

Decoded<std::uint32_t> decode_quorum_number(ByteView reply) {
    constexpr std::size_t kBytes = 32;
    if (const auto header = expect_ok(reply, kBytes); !header) {
        return Unexpected<Malformed>{header.error()};
    }
    return u32_field(reply, 24);
}

Decoded<VoteInfo> decode_vote_info(ByteView reply) {
    constexpr std::size_t kBytes = 320;
    constexpr std::size_t kName = 60;
    constexpr std::size_t kNameBytes = 255;
    if (const auto header = expect_ok(reply, kBytes); !header) {
        return Unexpected<Malformed>{header.error()};
    }
    VoteInfo info;
    info.node = NodeId{u32_field(reply, 24)};
    info.state = u32_field(reply, 28);
    info.votes = u32_field(reply, 32);
    info.expected_votes = u32_field(reply, 36);
    info.highest_expected = u32_field(reply, 40);
    info.total_votes = u32_field(reply, 44);
    info.quorum = u32_field(reply, 48);
    info.flags = u32_field(reply, 52);
    info.device_votes = u32_field(reply, 56);
    const std::string_view name = text_at(reply, kName, kNameBytes);
    info.device_name = name.substr(0, name.find('\0'));
    return info;
}

Decoded<CmapValue> decode_cmap_get(ByteView reply) {
    constexpr std::size_t kFixed = 40;
    if (const auto header = expect_ok(reply, kFixed); !header) {
        return Unexpected<Malformed>{header.error()};
    }
    const auto size = field<std::uint64_t>(reply, 24);
    // A request that asked for the length only is answered without the value.
    const bool whole = size <= reply.size() - kFixed;
    return CmapValue{field<std::uint8_t>(reply, 32),
                     whole ? reply.subspan(kFixed, static_cast<std::size_t>(size)) : ByteView{}};
}

Decoded<std::uint64_t> decode_cmap_track_add(ByteView reply) {
    constexpr std::size_t kBytes = 32;
    if (const auto header = expect_ok(reply, kBytes); !header) {
        return Unexpected<Malformed>{header.error()};
    }
    return field<std::uint64_t>(reply, 24);
}

Decoded<CpgEvent> decode_cpg_event(ByteView event) {
    const auto header = decode_header(event);
    if (!header) {
        return Unexpected<Malformed>{header.error()};
    }
    switch (header->id) {
        case 4:
            return decode_membership(event);
        case 5:
            return decode_message(event);
        case 13:
            return decode_ring_membership(event);
        case 17:
            return decode_message_part(event);
        default:
            return Unexpected<Malformed>{"unknown event of cpg"};
    }
}

Decoded<QuorumEvent> decode_quorum_event(ByteView event) {
    constexpr std::size_t kQuorumFixed = 52;
    constexpr std::size_t kNodelistFixed = 60;
    const auto header = decode_header(event);
    if (header && header->id == 6) {
        QuorumNotification quorum{u32_field(event, 24) != 0, ring_field(event, 32), {}};
        if (Tail(event, kQuorumFixed).take_nodes(u32_field(event, 48), quorum.members)) {
            return QuorumEvent{std::move(quorum)};
        }
    }
    if (header && header->id == 7) {
        NodelistNotification list{ring_field(event, 24), {}, {}, {}};
        Tail tail(event, kNodelistFixed);
        if (tail.take_nodes(u32_field(event, 40), list.members) &&
            tail.take_nodes(u32_field(event, 48), list.joined) &&
            tail.take_nodes(u32_field(event, 56), list.left)) {
            return QuorumEvent{std::move(list)};
        }
    }
    return Unexpected<Malformed>{"unknown or short event of quorum"};
}

Decoded<KeyChange> decode_cmap_event(ByteView event) {
    constexpr std::size_t kFixed = 336;
    constexpr std::size_t kKeyMax = 255;
    const auto header = decode_header(event);
    const auto key_size = field<std::uint16_t>(event, 32);
    if (!header || header->id != 9 || event.size() < kFixed || key_size > kKeyMax) {
        return Unexpected<Malformed>{"unknown or short event of cmap"};
    }
    const auto now_size = field<std::uint64_t>(event, 320);
    const auto before_size = field<std::uint64_t>(event, 328);
    const std::size_t left = event.size() - kFixed;
    if (now_size > left || before_size > left - now_size) {
        return Unexpected<Malformed>{"event of cmap too short for its values"};
    }
    const ByteView values = event.subspan(kFixed);
    KeyChange change;
    change.instance = field<std::uint64_t>(event, 24);
    change.key = text_at(event, 40, key_size);
    change.what = u32_field(event, 296);
    change.now = {field<std::uint8_t>(event, 304), values.first(now_size)};
    change.before = {field<std::uint8_t>(event, 312), values.subspan(now_size, before_size)};
    return change;
}

}  // namespace totem::client
