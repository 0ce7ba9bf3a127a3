// The frames of the ring as values, and their bytes (wire.md sections 2 and 3).
//
// Decoding trusts nothing: every length and count is checked against the bytes that are there and
// against the protocol's limits before it is used, and what is wrong comes back as a DecodeError.
// Encoding writes zero into the fields that have no meaning here (target_nodeid, node_id).
// Only little-endian peers exist in practice (totem.md 9.12): a swapped magic has its own error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "totem/core/fixed_vector.h"
#include "totem/core/frame.h"
#include "totem/core/node_list.h"
#include "totem/core/result.h"
#include "totem/core/types.h"

namespace totem {

inline constexpr std::size_t kFrameHeaderBytes = 13;
inline constexpr std::size_t kDataHeaderBytes = 45;
inline constexpr std::size_t kRtrEntriesMax = 30;

enum class FrameType : std::uint8_t {
    kOrfToken = 0,
    kData = 1,
    kMergeDetect = 2,
    kJoin = 3,
    kCommitToken = 4,
    kHoldCancel = 5,
};

enum class DecodeError : std::uint8_t {
    kTooShort,          // fewer bytes than the fields or the counts need
    kTrailingBytes,     // more bytes than the frame can have
    kWrongMagic,        // not a frame of corosync 3
    kOtherEndian,       // a big-endian sender
    kWrongVersion,      // not version 3
    kUnknownType,       // type above 5, or not the one asked for
    kBadEncapsulation,  // the field is neither 1 nor 2 on a multicast
    kTooMany,           // a count above the protocol's limit
    kZeroNode,          // node id 0 where a node must be named
    kDuplicateNode,     // a set names a node twice
    kBadIndex,          // memb_index beyond the number of entries, or addresses not ascending
};

[[nodiscard]] const char* to_string(DecodeError error) noexcept;

// A request for message `seq` of `ring` to be sent again.
struct RtrEntry {
    RingId ring;
    Seq seq;
    friend bool operator==(const RtrEntry&, const RtrEntry&) = default;
};

// The regular token (wire.md 3.1).
struct OrfToken {
    NodeId from = kNoNode;  // who forwarded this copy
    Seq seq;
    std::uint32_t token_seq = 0;
    Seq aru;
    NodeId aru_addr = kNoNode;
    RingId ring;
    std::uint32_t backlog = 0;
    std::uint32_t fcc = 0;
    bool retrans_flg = false;
    FixedVector<RtrEntry, kRtrEntriesMax> rtr;
    friend bool operator==(const OrfToken&, const OrfToken&) = default;
};

// Header of a multicast (wire.md 3.2); the data follow it.
struct DataHeader {
    NodeId from = kNoNode;  // the originator, also in a copy that another node sends again
    bool encapsulated = false;
    NodeId system_from = kNoNode;
    Seq seq;
    std::int32_t this_seqno = 0;
    RingId ring;
    Guarantee guarantee = Guarantee::kAgreed;
    friend bool operator==(const DataHeader&, const DataHeader&) = default;
};

struct MergeDetect {
    NodeId from = kNoNode;
    NodeId system_from = kNoNode;
    RingId ring;
    friend bool operator==(const MergeDetect&, const MergeDetect&) = default;
};

// wire.md 3.4. `from` kNoNode announces that `system_from` leaves.
struct Join {
    NodeId from = kNoNode;
    NodeId system_from = kNoNode;
    std::uint64_t ring_seq = 0;
    NodeList proc;
    NodeList failed;
    friend bool operator==(const Join&, const Join&) = default;
};

// What one member writes into the commit token about the ring it comes from.
struct CommitEntry {
    RingId ring;
    Seq aru;
    Seq high_delivered;
    bool received_flg = false;
    friend bool operator==(const CommitEntry&, const CommitEntry&) = default;
};

// wire.md 3.5. Large (some 12 KB): passed by reference, never kept in a hot structure.
struct CommitToken {
    NodeId from = kNoNode;
    std::uint32_t token_seq = 0;
    RingId ring;
    bool retrans_flg = false;
    std::uint32_t memb_index = 0;                      // 0..addresses.size()
    NodeList addresses;                                // ascending
    FixedVector<CommitEntry, kProcessorsMax> entries;  // as many as addresses
    friend bool operator==(const CommitToken&, const CommitToken&) = default;
};

struct HoldCancel {
    NodeId from = kNoNode;
    RingId ring;
    friend bool operator==(const HoldCancel&, const HoldCancel&) = default;
};

using Bytes = std::span<const std::byte>;

// The type of a frame with a valid 13-byte header.
[[nodiscard]] Result<FrameType, DecodeError> peek_type(Bytes frame);
// The node that a frame claims to come from; kNoNode when it is too short to say.
[[nodiscard]] NodeId claimed_sender(Bytes frame) noexcept;

[[nodiscard]] Result<OrfToken, DecodeError> decode_orf_token(Bytes frame);
[[nodiscard]] Result<DataHeader, DecodeError> decode_data_header(Bytes frame);
[[nodiscard]] Result<MergeDetect, DecodeError> decode_merge_detect(Bytes frame);
[[nodiscard]] Result<Join, DecodeError> decode_join(Bytes frame);
[[nodiscard]] Result<CommitToken, DecodeError> decode_commit_token(Bytes frame);
[[nodiscard]] Result<HoldCancel, DecodeError> decode_hold_cancel(Bytes frame);

[[nodiscard]] FrameRef encode(FramePool& pool, const OrfToken& token);
[[nodiscard]] FrameRef encode(FramePool& pool, const MergeDetect& message);
[[nodiscard]] FrameRef encode(FramePool& pool, const Join& join);
[[nodiscard]] FrameRef encode(FramePool& pool, const CommitToken& token);
[[nodiscard]] FrameRef encode(FramePool& pool, const HoldCancel& message);
void encode_data_header(const DataHeader& header, std::span<std::byte, kDataHeaderBytes> bytes);

}  // namespace totem
