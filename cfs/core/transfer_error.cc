#include "cfs/core/transfer_error.h"

namespace cfs {

std::string to_string(const TransferError& error) {
    const std::string inode = std::to_string(raw(error.inode));
    switch (error.problem) {
        case TransferProblem::kMalformed:
            return std::string("a message that cannot be read: ") + to_string(error.decode);
        case TransferProblem::kNotThere:
            return "a question for what is not there, at inode " + inode;
        case TransferProblem::kTooMuch:
            return "a question for more than a message has room for";
        case TransferProblem::kNotAsked:
            return "an answer to a question that was not asked";
        case TransferProblem::kOtherKind:
            return "an answer to another question";
        case TransferProblem::kOtherSnapshot:
            return "an answer from another state than the first one";
        case TransferProblem::kBadSnapshot:
            return "a state that cannot be";
        case TransferProblem::kBadRange:
            return "the inodes from " + inode + " on are not what they were said to be";
        case TransferProblem::kBadEntry:
            return "inode " + inode + " is not what its digest says";
        case TransferProblem::kBadBlock:
            return "a block of inode " + inode + " is not what its digest says";
        case TransferProblem::kBadHistory:
            return "the history is none";
        case TransferProblem::kBadParts:
            return "the parts of writes are none";
    }
    return "unknown";
}

}  // namespace cfs
