#include "cfs/daemon/status_log.h"

namespace cfs {

namespace {

bool passing(const Status& status) {
    if (status.obstacle == Obstacle::kNone) {
        return !status.local && status.synced != status.members;
    }
    return status.obstacle == Obstacle::kExchange;
}

}  // namespace

bool StatusLog::look(Instant now, const Status& status) {
    wake_at_.reset();
    if (!passing(status)) {
        passing_since_.reset();
    } else if (!passing_since_) {
        passing_since_ = now;
    }
    if (!worth_a_line(told_, status)) {
        return false;
    }
    if (passing_since_ && now < *passing_since_ + kPassing) {
        wake_at_ = *passing_since_ + kPassing;
        return false;
    }
    told_ = status;
    return true;
}

}  // namespace cfs
