#include "cfs/core/messages.h"

#include <type_traits>

#include "cfs/core/fields.h"
#include "totem/core/check.h"
#include "totem/core/hash.h"

namespace cfs {

namespace {

using totem::Result;
using totem::Unexpected;

constexpr std::size_t kHeadBytes = 4;

// Names are numbers on the wire.
template <typename Name>
Name read_name(FieldReader& in) {
    return static_cast<Name>(in.u64());
}
template <typename Name>
void write_name(FieldWriter& out, Name name) {
    out.u64(static_cast<std::uint64_t>(name));
}

std::uint64_t read_count(FieldReader& in) {
    const std::uint64_t count = in.u64();
    in.require(count < kNumberCeiling, DecodeError::kBadRange);
    return count;
}

void add(totem::Hasher& hasher, const Point& point) noexcept {
    hasher.add(point.position.epoch);
    hasher.add(point.position.index);
    for (const std::uint64_t word : point.state.words) {
        hasher.add(word);
    }
}

// One overload per message and direction, field by field in the order of the table.

void write(FieldWriter& out, const Point& value) {
    out.u64(value.position.epoch);
    out.u64(value.position.index);
    for (const std::uint64_t word : value.state.words) {
        out.u64(word);
    }
}
void read(FieldReader& in, Point& value) {
    value.position.epoch = read_count(in);
    value.position.index = read_count(in);
    for (std::uint64_t& word : value.state.words) {
        word = in.u64();
    }
}

void write(FieldWriter& out, const Hello& value) {
    write_name(out, value.view);
    out.u32(value.round);
    out.u64(raw(value.life));
    out.u64(value.promised);
    write(out, value.last);
    write_name(out, value.voting);
    write_name(out, value.override_epoch);
    out.u8(value.branch ? 1 : 0);
}
void read(FieldReader& in, Hello& value) {
    value.view = read_name<ViewName>(in);
    value.round = in.u32();
    value.life = Life{in.u64()};
    value.promised = read_count(in);
    read(in, value.last);
    value.voting = read_name<VotingName>(in);
    value.override_epoch = read_name<EpochName>(in);
    value.branch = in.flag();
}

void write(FieldWriter& out, const Propose& value) {
    write_name(out, value.stage);
    out.u64(value.epoch);
    write(out, value.parent);
    write_name(out, value.voting);
    out.u8(value.override_epoch ? 1 : 0);
}
void read(FieldReader& in, Propose& value) {
    value.stage = read_name<StageName>(in);
    value.epoch = read_count(in);
    in.require(value.epoch != 0, DecodeError::kBadIdentifier);
    read(in, value.parent);
    value.voting = read_name<VotingName>(in);
    value.override_epoch = in.flag();
}

void write(FieldWriter& out, const Promised& value) { write_name(out, value.epoch); }
void read(FieldReader& in, Promised& value) { value.epoch = read_name<EpochName>(in); }

void write(FieldWriter& out, const Operate& value) {
    write_name(out, value.epoch);
    out.bytes(value.operation);
}
void read(FieldReader& in, Operate& value) {
    value.epoch = read_name<EpochName>(in);
    in.require(in.left() <= kOperationBytesMax, DecodeError::kTooLong);
    value.operation = in.view(in.left());
}

void write(FieldWriter& out, const Progress& value) {
    write_name(out, value.epoch);
    out.u64(value.received);
    out.u64(value.chain);
    out.u64(value.durable);
}
void read(FieldReader& in, Progress& value) {
    value.epoch = read_name<EpochName>(in);
    value.received = read_count(in);
    value.chain = in.u64();
    value.durable = in.u64();
    in.require(value.durable <= value.received, DecodeError::kBadRange);
}

void write(FieldWriter& out, const Conflict& value) {
    write_name(out, value.stage);
    out.u32(totem::raw(value.other));
}
void read(FieldReader& in, Conflict& value) {
    value.stage = read_name<StageName>(in);
    value.other = NodeId{in.u32()};
    in.require(value.other != totem::kNoNode, DecodeError::kBadIdentifier);
}

void write(FieldWriter& out, const Transfer& value) {
    TOTEM_CHECK(value.bytes.size() <= kCarriedBytesMax);
    out.bytes(value.bytes);
}
void read(FieldReader& in, Transfer& value) {
    in.require(in.left() <= kCarriedBytesMax, DecodeError::kTooLong);
    value.bytes = in.view(in.left());
}

// Kinds on the wire are the places in Message, counted from 1: new ones are added at its end only.
template <std::size_t kind = 0>
void read_kind(FieldReader& in, std::size_t wanted, Message& message) {
    if constexpr (kind == std::variant_size_v<Message>) {
        in.require(false, DecodeError::kUnknownKind);
    } else if (kind == wanted) {
        read(in, message.emplace<kind>());
    } else {
        read_kind<kind + 1>(in, wanted, message);
    }
}

void read_format(FieldReader& in) {
    const std::uint8_t format = in.u8();
    in.require(format != 0, DecodeError::kUnknownFormat);
    in.require(format <= kMessageFormat, DecodeError::kNewerFormat);
}

}  // namespace

VotingName name_of(const Voting& voting) noexcept {
    totem::Hasher hasher;
    for (const Voter& each : voting.voters) {
        hasher.add(each.node);
        hasher.add(std::uint64_t{each.votes});
    }
    hasher.add(voting.tie_break);
    hasher.add(std::uint64_t{voting.expected});
    return VotingName{hasher.value()};
}

StageName name_of(ViewName view, std::uint32_t round) noexcept {
    totem::Hasher hasher;
    hasher.add(static_cast<std::uint64_t>(view));
    hasher.add(std::uint64_t{round});
    return StageName{hasher.value()};
}

EpochName name_of(const Propose& proposal, NodeId proposer) noexcept {
    totem::Hasher hasher;
    hasher.add(static_cast<std::uint64_t>(proposal.stage));
    hasher.add(proposal.epoch);
    add(hasher, proposal.parent);
    hasher.add(static_cast<std::uint64_t>(proposal.voting));
    hasher.add(std::uint64_t{proposal.override_epoch ? 1U : 0U});
    hasher.add(proposer);
    return EpochName{hasher.value() | 1U};  // 0 is no epoch's
}

std::vector<std::byte> encode(const Message& message) {
    std::vector<std::byte> bytes;
    FieldWriter out(bytes);
    out.u8(kMessageFormat);
    out.u8(static_cast<std::uint8_t>(message.index() + 1));
    out.number(std::uint16_t{0});
    std::visit([&](const auto& value) { write(out, value); }, message);
    return bytes;
}

Result<Message, DecodeError> decode_message(Bytes bytes) {
    if (bytes.size() < kHeadBytes) {
        return Unexpected{DecodeError::kTooShort};
    }
    FieldReader in(bytes);
    read_format(in);
    const std::size_t kind = in.u8();
    in.require(kind != 0, DecodeError::kUnknownKind);
    in.require(in.number<std::uint16_t>() == 0, DecodeError::kBadFlag);
    Message message;
    if (!in.error()) {
        read_kind(in, kind - 1, message);
    }
    in.require(in.left() == 0, DecodeError::kTrailingBytes);
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return message;
}

std::vector<std::byte> encode(const PromiseRecord& record) {
    std::vector<std::byte> bytes;
    FieldWriter out(bytes);
    out.u8(kMessageFormat);
    out.u8(record.override_epoch ? 1 : 0);
    out.u8(record.branch ? 1 : 0);
    write_name(out, record.epoch);
    if (record.branch) {
        write(out, *record.branch);
    }
    return bytes;
}

Result<PromiseRecord, DecodeError> decode_promise_record(Bytes bytes) {
    PromiseRecord record;
    if (bytes.empty()) {
        return record;
    }
    FieldReader in(bytes);
    read_format(in);
    record.override_epoch = in.flag();
    const bool branch = in.flag();
    record.epoch = read_name<EpochName>(in);
    if (branch) {
        read(in, record.branch.emplace());
    }
    in.require(in.left() == 0, DecodeError::kTrailingBytes);
    if (in.error()) {
        return Unexpected{*in.error()};
    }
    return record;
}

}  // namespace cfs
