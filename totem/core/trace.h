// Traces: what a step did, as typed values, for logs, scripts, statistics and coverage.
//
// A core builds a trace only when the mask asks for its kind, so an untraced run pays one test.
#pragma once

#include <cstddef>
#include <cstdint>

#include "totem/core/types.h"

namespace totem {

// The four states of the membership protocol (totem.md section 4).
enum class State : std::uint8_t { kOperational, kGather, kCommit, kRecovery };

// Why GATHER was entered; the numbers are those that corosync logs (totem.md section 4).
enum class GatherReason : std::uint8_t {
    kConsensusTimeout = 0,
    kTokenLostOperational = 2,
    kConsensusExpired = 3,
    kTokenLostCommit = 4,
    kTokenLostRecovery = 5,
    kFailedToReceive = 6,
    kForeignMessageOperational = 7,
    kForeignMessageGather = 8,
    kMergeOperational = 9,
    kMergeGather = 10,
    kJoinChangedLists = 11,
    kJoinOperational = 12,
    kJoinCommit = 13,
    kJoinRecovery = 14,
    kInterfaceChange = 15,
    kForced = 16,  // ours: asked for by an administrator
};

enum class TraceKind : std::uint8_t {
    kState,               // a = old State, b = new State, c = GatherReason when gathering
    kFrameRejected,       // a = FrameType or 255, b = reason (codec.h DecodeError), peer = claimed
                          // sender
    kTokenReceived,       // a = seq, b = token_seq, c = aru
    kTokenSent,           // a = seq, b = token_seq, c = aru, peer = successor
    kTokenDropped,        // a = token_seq, b = why (TokenDrop)
    kTokenHeld,           // the representative keeps the idle token
    kTokenRetransmitted,  // a = token_seq
    kOriginated,          // a = seq
    kRetransmitted,       // a = seq
    kRequested,           // a = seq, asked for on the token
    kReleased,            // a = seq: forgotten up to and including it
    kJoinSent,            // a = size of proc set, b = size of fail set
    kJoinReceived,        // peer = sender, a = ring_seq
    kFailed,              // peer entered the fail set, a = why (FailCause)
    kCommitSent,          // a = memb_index, peer = successor
    kCommitReceived,      // a = memb_index, peer = sender
    kRecoveryQueued,      // a = number of old messages queued for recovery
    kInstalled,           // ring installed; a = members
    kMergeDetectSent,
    kHoldCancelSent,
    kPersistWaited,  // a commit token waits for stable storage, a = ring seq
    kLeft,           // peer announced that it leaves
    kPaused,  // the process did not run: a step was late by a, more than the b that is allowed; ns
};

enum class FailCause : std::uint8_t {
    kNoConsensus,
    kToldByMember,
    kAccusesMe,
    kCannotReceive,
    kLeaves
};
enum class TokenDrop : std::uint8_t { kWrongState, kOtherRing, kRepeated };
inline constexpr std::size_t kTokenDrops = 3;
// Why a frame that could be decoded was refused; follows the values of DecodeError.
enum class FrameRefusal : std::uint8_t {
    kImpersonates = 64,  // names this node, or two different nodes, as its sender
    kNotAMember,         // a message or token of this ring from outside it
    kBeyondWindow,       // a message number that flow control forbids
    kImplausible,        // a token or ring number that no correct member sends
    kLate,               // a copy from a ring that this node has left
};
inline constexpr std::size_t kFirstFrameRefusal = 64;
inline constexpr std::size_t kFrameRefusals = 5;

struct Trace {
    TraceKind kind{};
    NodeId peer = kNoNode;
    RingId ring;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
};

// A set of kinds.
using TraceMask = std::uint64_t;
inline constexpr TraceMask kTraceAll = ~TraceMask{0};
[[nodiscard]] constexpr TraceMask trace_bit(TraceKind kind) noexcept {
    return TraceMask{1} << static_cast<unsigned>(kind);
}

}  // namespace totem
