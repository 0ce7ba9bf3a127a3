#include "sim/frame_rules.h"

#include <algorithm>

#include "sim/random.h"

namespace sim {

namespace {

using totem::FrameType;
using totem::Snapshot;
using totem::State;

bool in_ring(const Snapshot& node) {
    return node.state == State::kOperational || node.state == State::kRecovery;
}

constexpr FrameRule kMalformed{Reach::kNothing, "M15", "malformed frame"};

FrameRule rule_for_token(const Receiver& receiver, totem::Bytes frame) {
    const Snapshot& node = *receiver.snapshot;
    const auto token = totem::decode_orf_token(frame);
    if (!token) {
        return kMalformed;
    }
    if (!in_ring(node) || !(token->ring == node.ring)) {
        return {Reach::kNothing, "M9", "token of another ring"};
    }
    if (Seq{token->token_seq} <= node.token_seq) {
        return {Reach::kNothing, "R1", "repeated token"};
    }
    return {};
}

FrameRule rule_for_data(const Receiver& receiver, totem::Bytes frame) {
    const Snapshot& node = *receiver.snapshot;
    const auto header = totem::decode_data_header(frame);
    if (!header) {
        return kMalformed;
    }
    const bool own = in_ring(node) && header->ring == node.ring;
    const bool left = node.state == State::kGather && header->ring == node.installed_ring;
    if (own || left) {
        return {};
    }
    const bool forming = node.state == State::kCommit || node.state == State::kRecovery;
    return {forming ? Reach::kNothing : Reach::kNoOrder, "M9", "message of another ring"};
}

FrameRule rule_for_commit(const Receiver& receiver, totem::Bytes frame) {
    const Snapshot& node = *receiver.snapshot;
    const auto token = totem::decode_commit_token(frame);
    if (!token) {
        return kMalformed;
    }
    const bool starts = node.representative && !receiver.originated;
    if (node.state == State::kOperational || (node.state == State::kRecovery && !starts)) {
        return {Reach::kNothing, "M5", "commit token that came too late"};
    }
    if (node.state != State::kGather && !(token->ring == node.ring)) {
        return {Reach::kNothing, "M9", "commit token of another ring"};
    }
    return {};
}

bool is_member(const Receiver& receiver, NodeId node) {
    std::uint32_t index = 0;
    return index_of(node, kNodesMax, index) && (receiver.members & mask_of(index)) != 0;
}

FrameRule rule_for_join(const Receiver& receiver, totem::Bytes frame) {
    const Snapshot& node = *receiver.snapshot;
    const auto join = totem::decode_join(frame);
    if (!join) {
        return kMalformed;
    }
    const bool member = is_member(receiver, join->system_from);
    const bool accuses = join->from != totem::kNoNode && join->failed.contains(receiver.self);
    if (node.state == State::kGather && accuses && !member) {
        return {Reach::kNoState, "L6", "join of a stranger that excludes its receiver"};
    }
    if (node.state != State::kOperational) {
        return {};
    }
    if (accuses) {
        return {Reach::kNoState, "M6", "join that fails its receiver"};
    }
    if (member && join->ring_seq < node.ring.seq) {
        return {Reach::kNoState, "M6", "join of a member's past"};
    }
    const bool splits = std::ranges::any_of(
        join->failed, [&receiver](NodeId failed) { return is_member(receiver, failed); });
    if (!member && splits) {
        return {Reach::kNoState, "L6", "join of a stranger that excludes a member"};
    }
    return {};
}

FrameRule rule_for_merge(const Receiver& receiver, totem::Bytes frame) {
    const auto message = totem::decode_merge_detect(frame);
    if (!message) {
        return kMalformed;
    }
    if (message->from != message->system_from || message->system_from == receiver.self) {
        return {Reach::kNothing, "M15", "merge detection in another's name"};
    }
    return {Reach::kNoOrder, "M9", "merge detection"};
}

FrameRule rule_for_hold_cancel(const Receiver& receiver, totem::Bytes frame) {
    const Snapshot& node = *receiver.snapshot;
    const auto message = totem::decode_hold_cancel(frame);
    if (!message) {
        return kMalformed;
    }
    if (!in_ring(node) || !(message->ring == node.ring)) {
        return {Reach::kNothing, "M9", "hold cancel of another ring"};
    }
    return {};
}

}  // namespace

FrameRule rule_for(const Receiver& receiver, totem::Bytes frame) {
    const auto type = totem::peek_type(frame);
    if (!type) {
        return kMalformed;
    }
    switch (*type) {
        case FrameType::kOrfToken:
            return rule_for_token(receiver, frame);
        case FrameType::kData:
            return rule_for_data(receiver, frame);
        case FrameType::kMergeDetect:
            return rule_for_merge(receiver, frame);
        case FrameType::kJoin:
            return rule_for_join(receiver, frame);
        case FrameType::kCommitToken:
            return rule_for_commit(receiver, frame);
        case FrameType::kHoldCancel:
            return rule_for_hold_cancel(receiver, frame);
    }
    return kMalformed;
}

std::uint64_t protected_hash(Reach reach, const Snapshot& node) {
    std::uint64_t hash =
        combine(totem::raw(node.installed_ring.representative), node.installed_ring.seq);
    for (const Seq seq : {node.released, node.aru, node.high_seq, node.delivered, node.stable}) {
        hash = combine(hash, seq.value);
    }
    if (reach == Reach::kNoState) {
        hash = combine(combine(hash, static_cast<std::uint64_t>(node.state)), node.ring.seq);
    }
    return hash;
}

}  // namespace sim
