// What is wrong with a message of a transfer: who sent it is the culprit.
#pragma once

#include <cstdint>
#include <string>

#include "cfs/core/operation_codec.h"
#include "cfs/core/types.h"

namespace cfs {

enum class TransferProblem : std::uint8_t {
    kMalformed,      // cannot be read; see `decode`
    kNotThere,       // a question for what the snapshot does not have
    kTooMuch,        // a question whose answer has no room in a message
    kNotAsked,       // an answer to no question
    kOtherKind,      // an answer of another kind than its question
    kOtherSnapshot,  // an answer from another state than the first one
    kBadSnapshot,    // a state that cannot be
    kBadRange,       // not the range that was asked for, or not what it was said to amount to
    kBadEntry,       // not the entry that was asked for, or not what its digest says
    kBadBlock,       // not what its digest says
    kBadHistory,     // records or floors out of order, or not ending at the snapshot's position
    kBadParts,       // parts of writes out of order, or more than there may be
};

struct TransferError {
    TransferProblem problem{};
    DecodeError decode{};  // when that is the problem
    Inode inode{};         // the entry's, or the first of the range
    friend bool operator==(const TransferError&, const TransferError&) = default;
};
// One line for people.
[[nodiscard]] std::string to_string(const TransferError& error);

}  // namespace cfs
