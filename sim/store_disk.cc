#include "sim/store_disk.h"

#include <algorithm>
#include <chrono>

#include "sim/random.h"
#include "totem/core/check.h"

namespace sim {

namespace {

cfs::StoreFailed failure(cfs::StoreErrorKind kind, const char* text) {
    return {cfs::StoreError{kind, text}};
}

}  // namespace

cfs::Store::Loaded StoreDisk::open() {
    commit_.reset();
    due_.reset();
    broken_ = false;
    return fold(log_);
}

void StoreDisk::commit(Instant now, cfs::Batch batch, Takes takes) {
    TOTEM_CHECK(!busy());
    commit_ = Commit{.batch = std::make_shared<const cfs::Batch>(std::move(batch)),
                     .refused = full_,
                     .sync = takes.sync};
    due_ = now + takes.write;
}

void StoreDisk::heal(Instant now) {
    constexpr std::chrono::milliseconds kSoon{1};
    full_ = false;
    failure_.reset();
    if (due_) {
        due_ = std::min(*due_, now + kSoon);
        commit_->sync = std::min<Duration>(commit_->sync, kSoon);
    }
}

std::optional<StoreDisk::Answer> StoreDisk::settle(Instant now) {
    while (due_ && *due_ <= now) {
        if (commit_->written || commit_->refused || broken_) {
            due_.reset();
            return end_commit();
        }
        log_.push_back(commit_->batch);
        commit_->written = true;
        due_ = *due_ + commit_->sync;
    }
    return std::nullopt;
}

StoreDisk::Answer StoreDisk::end_commit() {
    const Commit ended = std::move(*commit_);
    commit_.reset();
    if (broken_) {
        return failure(cfs::StoreErrorKind::kFailed, "failed before");
    }
    if (ended.refused) {
        return failure(cfs::StoreErrorKind::kNoSpace, "no space left");
    }
    if (failure_) {
        broken_ = true;
        if (chance(std::exchange(failure_, std::nullopt).value_or(0), 500)) {
            log_.pop_back();
        }
        return failure(cfs::StoreErrorKind::kFailed, "input/output error");
    }
    durable_ = log_.size();
    return cfs::Stored{ended.batch->adoption ? "backup" : ""};
}

void StoreDisk::cut_power(std::size_t kept) {
    log_.resize(std::min(log_.size(), durable_ + kept));
    durable_ = log_.size();
}

void StoreDisk::crash(DiskFate fate, const StoreDisk& other, std::uint64_t h) {
    commit_.reset();
    due_.reset();
    broken_ = false;
    switch (fate) {
        case DiskFate::kKept:
            return;
        case DiskFate::kPowerCut:
            cut_power(chance(h, 500) ? log_.size() : 0);
            break;
        case DiskFate::kLost:
            log_.clear();
            break;
        case DiskFate::kRestored:
        case DiskFate::kRolledBack:
            log_.resize(log_.empty() ? 0 : below(h, static_cast<std::uint32_t>(log_.size())));
            break;
        case DiskFate::kCloned:
            log_ = StoreLog(other.log_);
            break;
    }
    durable_ = log_.size();
}

std::vector<std::pair<std::uint64_t, const cfs::Aside*>> StoreDisk::asides() const {
    auto asides = asides_of(log_);
    std::erase_if(asides, [this](const auto& aside) {
        return std::ranges::find(dropped_, aside.first) != dropped_.end();
    });
    return asides;
}

}  // namespace sim
