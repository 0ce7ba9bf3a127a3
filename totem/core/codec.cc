#include "totem/core/codec.h"

#include "totem/core/byte_io.h"

namespace totem {
namespace {

constexpr std::uint16_t kMagic = 0xC070;
constexpr std::uint16_t kMagicSwapped = 0x70C0;
constexpr std::uint8_t kVersion = 3;
constexpr std::uint8_t kEncapsulatedRecovery = 1;
constexpr std::uint8_t kEncapsulatedNormal = 2;

constexpr std::size_t kOrfTokenBytes = 57;
constexpr std::size_t kRtrEntryBytes = 16;
constexpr std::size_t kMergeDetectBytes = 29;
constexpr std::size_t kJoinBytes = 33;
constexpr std::size_t kCommitTokenBytes = 41;
constexpr std::size_t kNodeBytes = 4;
constexpr std::size_t kCommitEntryBytes = 24;
constexpr std::size_t kHoldCancelBytes = 25;

struct Header {
    FrameType type{};
    std::uint8_t encapsulated = 0;
    NodeId from = kNoNode;
};

Result<Header, DecodeError> read_header(Bytes frame) {
    if (frame.size() < kFrameHeaderBytes) {
        return Unexpected{DecodeError::kTooShort};
    }
    ByteReader in(frame);
    const std::uint16_t magic = in.u16();
    if (magic != kMagic) {
        return Unexpected{magic == kMagicSwapped ? DecodeError::kOtherEndian
                                                 : DecodeError::kWrongMagic};
    }
    if (in.u8() != kVersion) {
        return Unexpected{DecodeError::kWrongVersion};
    }
    const std::uint8_t type = in.u8();
    if (type > static_cast<std::uint8_t>(FrameType::kHoldCancel)) {
        return Unexpected{DecodeError::kUnknownType};
    }
    Header header;
    header.type = static_cast<FrameType>(type);
    header.encapsulated = in.u8();
    header.from = in.node();
    return header;
}

// The header of a frame of `type` with at least `bytes` bytes, whose sender is named unless
// `nobody_allowed`.
Result<Header, DecodeError> expect(Bytes frame, FrameType type, std::size_t bytes,
                                   bool nobody_allowed = false) {
    auto header = read_header(frame);
    if (!header) {
        return header;
    }
    if (header->type != type) {
        return Unexpected{DecodeError::kUnknownType};
    }
    if (frame.size() < bytes) {
        return Unexpected{DecodeError::kTooShort};
    }
    if (header->from == kNoNode && !nobody_allowed) {
        return Unexpected{DecodeError::kZeroNode};
    }
    return header;
}

void write_header(ByteWriter& out, FrameType type, std::uint8_t encapsulated, NodeId from) {
    out.u16(kMagic);
    out.u8(kVersion);
    out.u8(static_cast<std::uint8_t>(type));
    out.u8(encapsulated);
    out.node(from);
    out.node(kNoNode);  // target_nodeid: meaningless, sent as 0
}

// Reads `count` node ids that must form a set. The bytes are known to be there.
Result<NodeList, DecodeError> read_nodes(ByteReader& in, std::uint32_t count) {
    NodeList nodes;
    for (std::uint32_t i = 0; i < count; ++i) {
        const NodeId node = in.node();
        if (node == kNoNode) {
            return Unexpected{DecodeError::kZeroNode};
        }
        if (!nodes.insert(node)) {
            return Unexpected{DecodeError::kDuplicateNode};
        }
    }
    return nodes;
}

ByteReader body_of(Bytes frame) {
    ByteReader in(frame);
    in.skip(kFrameHeaderBytes);
    return in;
}

}  // namespace

const char* to_string(DecodeError error) noexcept {
    switch (error) {
        case DecodeError::kTooShort:
            return "too short for its fields";
        case DecodeError::kTrailingBytes:
            return "longer than its fields";
        case DecodeError::kWrongMagic:
            return "not a corosync 3 frame";
        case DecodeError::kOtherEndian:
            return "from a sender of the other byte order";
        case DecodeError::kWrongVersion:
            return "unknown frame version";
        case DecodeError::kUnknownType:
            return "unknown frame type";
        case DecodeError::kBadEncapsulation:
            return "bad encapsulation field";
        case DecodeError::kTooMany:
            return "a count above the limit";
        case DecodeError::kZeroNode:
            return "node id 0";
        case DecodeError::kDuplicateNode:
            return "a node named twice";
        case DecodeError::kBadIndex:
            return "index or order of members wrong";
    }
    return "unknown error";
}

Result<FrameType, DecodeError> peek_type(Bytes frame) {
    const auto header = read_header(frame);
    if (!header) {
        return Unexpected{header.error()};
    }
    return header->type;
}

NodeId claimed_sender(Bytes frame) noexcept {
    constexpr std::size_t kNodeAt = 5;
    if (frame.size() < kNodeAt + kNodeBytes) {
        return kNoNode;
    }
    return ByteReader(frame.subspan(kNodeAt)).node();
}

Result<OrfToken, DecodeError> decode_orf_token(Bytes frame) {
    const auto header = expect(frame, FrameType::kOrfToken, kOrfTokenBytes);
    if (!header) {
        return Unexpected{header.error()};
    }
    ByteReader in = body_of(frame);
    OrfToken token;
    token.from = header->from;
    token.seq = in.seq();
    token.token_seq = in.u32();
    token.aru = in.seq();
    token.aru_addr = in.node();
    token.ring = in.ring();
    token.backlog = in.u32();
    token.fcc = in.u32();
    token.retrans_flg = in.u32() != 0;
    const std::uint32_t count = in.u32();
    if (count > kRtrEntriesMax) {
        return Unexpected{DecodeError::kTooMany};
    }
    if (in.left() < count * kRtrEntryBytes) {
        return Unexpected{DecodeError::kTooShort};
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        RtrEntry entry;
        entry.ring = in.ring();
        entry.seq = in.seq();
        token.rtr.push_back(entry);
    }
    return token;
}

Result<DataHeader, DecodeError> decode_data_header(Bytes frame) {
    const auto header = expect(frame, FrameType::kData, kDataHeaderBytes);
    if (!header) {
        return Unexpected{header.error()};
    }
    if (header->encapsulated != kEncapsulatedRecovery &&
        header->encapsulated != kEncapsulatedNormal) {
        return Unexpected{DecodeError::kBadEncapsulation};
    }
    ByteReader in = body_of(frame);
    DataHeader data;
    data.from = header->from;
    data.encapsulated = header->encapsulated == kEncapsulatedRecovery;
    data.system_from = in.node();
    data.seq = in.seq();
    data.this_seqno = static_cast<std::int32_t>(in.u32());
    data.ring = in.ring();
    in.skip(kNodeBytes);  // node_id, always 0
    // Whatever is not "safe" is agreed: peers send 0 or 1 and ignore the field (totem.md 5.8).
    data.guarantee = in.u32() == static_cast<std::uint32_t>(Guarantee::kSafe) ? Guarantee::kSafe
                                                                              : Guarantee::kAgreed;
    if (data.system_from == kNoNode) {
        return Unexpected{DecodeError::kZeroNode};
    }
    return data;
}

Result<MergeDetect, DecodeError> decode_merge_detect(Bytes frame) {
    const auto header = expect(frame, FrameType::kMergeDetect, kMergeDetectBytes);
    if (!header) {
        return Unexpected{header.error()};
    }
    ByteReader in = body_of(frame);
    MergeDetect message;
    message.from = header->from;
    message.system_from = in.node();
    message.ring = in.ring();
    if (message.system_from == kNoNode) {
        return Unexpected{DecodeError::kZeroNode};
    }
    return message;
}

Result<Join, DecodeError> decode_join(Bytes frame) {
    const auto header = expect(frame, FrameType::kJoin, kJoinBytes, true);
    if (!header) {
        return Unexpected{header.error()};
    }
    ByteReader in = body_of(frame);
    Join join;
    join.from = header->from;
    join.system_from = in.node();
    if (join.system_from == kNoNode) {
        return Unexpected{DecodeError::kZeroNode};
    }
    const std::uint32_t proc_count = in.u32();
    const std::uint32_t failed_count = in.u32();
    join.ring_seq = in.u64();
    if (proc_count > kProcessorsMax || failed_count > kProcessorsMax) {
        return Unexpected{DecodeError::kTooMany};
    }
    // Bytes behind the lists are tolerated, as every deployed peer does (wire.md 3.4).
    if (in.left() < kNodeBytes * (std::size_t{proc_count} + failed_count)) {
        return Unexpected{DecodeError::kTooShort};
    }
    auto proc = read_nodes(in, proc_count);
    if (!proc) {
        return Unexpected{proc.error()};
    }
    auto failed = read_nodes(in, failed_count);
    if (!failed) {
        return Unexpected{failed.error()};
    }
    join.proc = *proc;
    join.failed = *failed;
    return join;
}

Result<CommitToken, DecodeError> decode_commit_token(Bytes frame) {
    const auto header = expect(frame, FrameType::kCommitToken, kCommitTokenBytes);
    if (!header) {
        return Unexpected{header.error()};
    }
    ByteReader in = body_of(frame);
    CommitToken token;
    token.from = header->from;
    token.token_seq = in.u32();
    token.ring = in.ring();
    token.retrans_flg = in.u32() != 0;
    token.memb_index = in.u32();
    const std::uint32_t count = in.u32();
    if (count > kProcessorsMax) {
        return Unexpected{DecodeError::kTooMany};
    }
    if (in.left() < count * (kNodeBytes + kCommitEntryBytes)) {
        return Unexpected{DecodeError::kTooShort};
    }
    if (count == 0 || token.memb_index > count) {
        return Unexpected{DecodeError::kBadIndex};
    }
    auto addresses = read_nodes(in, count);
    if (!addresses) {
        return Unexpected{addresses.error()};
    }
    token.addresses = *addresses;
    if (!std::ranges::is_sorted(token.addresses.view())) {
        return Unexpected{DecodeError::kBadIndex};
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        CommitEntry entry;
        entry.ring = in.ring();
        entry.aru = in.seq();
        entry.high_delivered = in.seq();
        entry.received_flg = in.u32() != 0;
        token.entries.push_back(entry);
    }
    return token;
}

Result<HoldCancel, DecodeError> decode_hold_cancel(Bytes frame) {
    const auto header = expect(frame, FrameType::kHoldCancel, kHoldCancelBytes);
    if (!header) {
        return Unexpected{header.error()};
    }
    ByteReader in = body_of(frame);
    HoldCancel message;
    message.from = header->from;
    message.ring = in.ring();
    return message;
}

FrameRef encode(FramePool& pool, const OrfToken& token) {
    FrameRef frame = pool.allocate(kOrfTokenBytes + kRtrEntryBytes * token.rtr.size());
    ByteWriter out(frame.writable());
    write_header(out, FrameType::kOrfToken, 0, token.from);
    out.seq(token.seq);
    out.u32(token.token_seq);
    out.seq(token.aru);
    out.node(token.aru_addr);
    out.ring(token.ring);
    out.u32(token.backlog);
    out.u32(token.fcc);
    out.u32(token.retrans_flg ? 1 : 0);
    out.u32(static_cast<std::uint32_t>(token.rtr.size()));
    for (const RtrEntry& entry : token.rtr) {
        out.ring(entry.ring);
        out.seq(entry.seq);
    }
    return frame;
}

FrameRef encode(FramePool& pool, const MergeDetect& message) {
    FrameRef frame = pool.allocate(kMergeDetectBytes);
    ByteWriter out(frame.writable());
    write_header(out, FrameType::kMergeDetect, 0, message.from);
    out.node(message.system_from);
    out.ring(message.ring);
    return frame;
}

FrameRef encode(FramePool& pool, const Join& join) {
    FrameRef frame =
        pool.allocate(kJoinBytes + kNodeBytes * (join.proc.size() + join.failed.size()));
    ByteWriter out(frame.writable());
    write_header(out, FrameType::kJoin, 0, join.from);
    out.node(join.system_from);
    out.u32(static_cast<std::uint32_t>(join.proc.size()));
    out.u32(static_cast<std::uint32_t>(join.failed.size()));
    out.u64(join.ring_seq);
    for (const NodeId node : join.proc) {
        out.node(node);
    }
    for (const NodeId node : join.failed) {
        out.node(node);
    }
    return frame;
}

FrameRef encode(FramePool& pool, const CommitToken& token) {
    TOTEM_CHECK(token.entries.size() == token.addresses.size());
    FrameRef frame = pool.allocate(kCommitTokenBytes +
                                   (kNodeBytes + kCommitEntryBytes) * token.addresses.size());
    ByteWriter out(frame.writable());
    write_header(out, FrameType::kCommitToken, 0, token.from);
    out.u32(token.token_seq);
    out.ring(token.ring);
    out.u32(token.retrans_flg ? 1 : 0);
    out.u32(token.memb_index);
    out.u32(static_cast<std::uint32_t>(token.addresses.size()));
    for (const NodeId node : token.addresses) {
        out.node(node);
    }
    for (const CommitEntry& entry : token.entries) {
        out.ring(entry.ring);
        out.seq(entry.aru);
        out.seq(entry.high_delivered);
        out.u32(entry.received_flg ? 1 : 0);
    }
    return frame;
}

FrameRef encode(FramePool& pool, const HoldCancel& message) {
    FrameRef frame = pool.allocate(kHoldCancelBytes);
    ByteWriter out(frame.writable());
    write_header(out, FrameType::kHoldCancel, 0, message.from);
    out.ring(message.ring);
    return frame;
}

void encode_data_header(const DataHeader& header, std::span<std::byte, kDataHeaderBytes> bytes) {
    ByteWriter out(bytes);
    write_header(out, FrameType::kData,
                 header.encapsulated ? kEncapsulatedRecovery : kEncapsulatedNormal, header.from);
    out.node(header.system_from);
    out.seq(header.seq);
    out.u32(static_cast<std::uint32_t>(header.this_seqno));
    out.ring(header.ring);
    out.node(kNoNode);  // node_id: always 0
    out.u32(static_cast<std::uint32_t>(header.guarantee));
}

}  // namespace totem
