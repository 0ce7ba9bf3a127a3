// What replicas say to each other, and what each of them keeps of its promise, as bytes.
//
// Little-endian, one encoding per message, a format version first. Decoding trusts nothing: it
// checks form; whether a message means anything here and now is the replica's business.
//
// Source: docs/replication.md, which has the table of bytes and says what each message is for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "cfs/core/digest.h"
#include "cfs/core/operation.h"
#include "cfs/core/operation_codec.h"
#include "cfs/core/types.h"
#include "cfs/core/voting.h"
#include "totem/core/result.h"

namespace cfs {

inline constexpr std::uint8_t kMessageFormat = 1;
// Epochs and positions beyond it are taken for damage: nothing counts that far.
inline constexpr std::uint64_t kNumberCeiling = std::uint64_t{1} << 62U;
// Of one transfer message; a piece of state and its head.
inline constexpr std::size_t kCarriedBytesMax = std::size_t{512} * 1024;

// Names of what replicas refer to: digests of 64 bits over what they name.
enum class ViewName : std::uint64_t {};   // ring and members
enum class StageName : std::uint64_t {};  // a view's how-many-th exchange
enum class EpochName : std::uint64_t {};  // a proposal: stage, number, parent, votes, proposer
enum class VotingName : std::uint64_t {};
[[nodiscard]] VotingName name_of(const Voting& voting) noexcept;
[[nodiscard]] StageName name_of(ViewName view, std::uint32_t round) noexcept;

// A point of the one order: a position and the digest of the state there.
struct Point {
    Position position;
    Digest state;
    friend bool operator==(const Point&, const Point&) = default;
};

// "This is what I have." Of a round above the present one: "let us begin again."
struct Hello {
    ViewName view{};
    std::uint32_t round = 0;
    Life life{};
    std::uint64_t promised = 0;  // no epoch up to it
    Point last;                  // where a branch began, if there is one
    VotingName voting{};         // of this member's configuration
    EpochName override_epoch{};  // promised last, by lowered votes; 0: it was not
    bool branch = false;         // written in local mode since `last`: cannot propose
    friend bool operator==(const Hello&, const Hello&) = default;
};

struct Propose {
    StageName stage{};
    std::uint64_t epoch = 0;
    Point parent;
    VotingName voting{};
    bool override_epoch = false;
    friend bool operator==(const Propose&, const Propose&) = default;
};
[[nodiscard]] EpochName name_of(const Propose& proposal, NodeId proposer) noexcept;

struct Promised {
    EpochName epoch{};
    friend bool operator==(const Promised&, const Promised&) = default;
};

struct Operate {
    EpochName epoch{};
    Bytes operation;  // as operation_codec.h has it
};

struct Progress {
    EpochName epoch{};
    std::uint64_t received = 0;  // turns
    std::uint64_t chain = 0;     // over the operation ids of these
    std::uint64_t durable = 0;   // turns
    friend bool operator==(const Progress&, const Progress&) = default;
};

// "What `other` has cannot come from one order with what I have."
struct Conflict {
    StageName stage{};
    NodeId other = totem::kNoNode;
    friend bool operator==(const Conflict&, const Conflict&) = default;
};

// A question or answer of a state transfer, which says itself whose it is.
struct Transfer {
    Bytes bytes;
};

using Message = std::variant<Hello, Propose, Promised, Operate, Progress, Conflict, Transfer>;

[[nodiscard]] std::vector<std::byte> encode(const Message& message);
// Views in the result point into `bytes`.
[[nodiscard]] totem::Result<Message, DecodeError> decode_message(Bytes bytes);

// What a replica must not forget besides the number of its promise (Promise::record).
struct PromiseRecord {
    EpochName epoch{};
    bool override_epoch = false;
    std::optional<Point> branch;  // where local mode began to write on a cluster's history
    friend bool operator==(const PromiseRecord&, const PromiseRecord&) = default;
};
[[nodiscard]] std::vector<std::byte> encode(const PromiseRecord& record);
// No bytes at all are the record of who never promised.
[[nodiscard]] totem::Result<PromiseRecord, DecodeError> decode_promise_record(Bytes bytes);

}  // namespace cfs
