// Operations to bytes and back. Little-endian, one format version, nothing optional: an operation
// has exactly one encoding, and what decodes encodes to the same bytes again (docs/files.md has the
// table).
//
// Decoding trusts nothing. It checks form only, lengths, counts, orders; what the tree thinks of an
// operation (names, limits, what exists) is decided when it is applied, equally on every replica.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cfs/core/operation.h"
#include "totem/core/result.h"

namespace cfs {

inline constexpr std::uint8_t kOperationFormat = 1;
// No operation has more bytes: header, two names or the head of the ranges, then data.
inline constexpr std::size_t kOperationBytesMax = kOperationDataMax + std::size_t{8} * 1024;

enum class DecodeError : std::uint8_t {
    kTooShort,
    kTooLong,
    kTrailingBytes,
    kNewerFormat,    // written by a later version of ours
    kUnknownFormat,  // version 0
    kUnknownKind,
    kBadFlag,        // a flag that is neither 0 nor 1, or a filler that is not 0
    kBadName,        // a name above kNameBytesCeiling
    kBadRange,       // empty, out of order, overlapping, or past 2^64
    kBadIdentifier,  // node 0 or number 0
    kBadLimits,      // beyond the ceilings
    kBadCount,       // a list that is empty or too long
    kBadOrder,       // a list that is not ascending
};

[[nodiscard]] const char* to_string(DecodeError error) noexcept;

// Appends. What the operation breaks of the rules above is a bug of its maker (checked).
void encode(const Operation& operation, std::vector<std::byte>& out);

// Views in the result point into `bytes`.
[[nodiscard]] totem::Result<Operation, DecodeError> decode_operation(Bytes bytes);

// The data of a chunk alone, as it is kept until its write is committed.
void encode(const Ranges& ranges, std::vector<std::byte>& out);
[[nodiscard]] totem::Result<Ranges, DecodeError> decode_ranges(Bytes bytes);

}  // namespace cfs
