#include "cfs/fuse/refusal.h"

#include <cerrno>

namespace cfs {

int errno_of(const Done& done) noexcept {
    switch (done.refusal) {
        case Refusal::kNone:
            return static_cast<int>(done.outcome.error);
        case Refusal::kNotWritable:
            return EACCES;
        case Refusal::kBusy:
            return EBUSY;
        case Refusal::kDiskFull:
            return ENOSPC;
        case Refusal::kUncertain:
            return ETIMEDOUT;
    }
    return EIO;
}

bool may_be_repeated(const Done& done) noexcept {
    return done.refusal == Refusal::kNotWritable || done.refusal == Refusal::kBusy ||
           done.refusal == Refusal::kDiskFull;
}

}  // namespace cfs
