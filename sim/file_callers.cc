#include "sim/file_callers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "sim/file_record.h"
#include "sim/random.h"

namespace sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kDirectories = 3;
constexpr std::uint32_t kFiles = 4;
constexpr std::uint32_t kLocks = 2;
// The time between two tries of a probe.
constexpr milliseconds kProbeAgain{200};

std::string numbered(const char* stem, std::uint32_t number) {
    return stem + std::to_string(number);
}

// A directory or file of the few, by number; the root's own are among them.
cfs::Inode some_directory(std::uint64_t h, const cfs::TreeView& tree) {
    const std::uint32_t number = below(h, kDirectories + 1);
    const cfs::EntryRef found =
        number == kDirectories ? nullptr : tree.child(cfs::kRootInode, numbered("d", number));
    return found && found->is_directory() ? found->inode : cfs::kRootInode;
}

}  // namespace

FileCallers::FileCallers(const Options& options, std::uint32_t node)
    : options_(&options),
      node_(node),
      reads_only_((options.files.readers & mask_of(node)) != 0),
      callers_(options.files.callers + 1) {}

void FileCallers::start(Instant now) {
    for (std::uint32_t i = 0; i < callers_.size(); ++i) {
        Caller& caller = callers_[i];
        const std::uint64_t h = draw(options_->seed, Purpose::kFiles, (node_ << 8U) | i, ++acts_);
        caller = {.due = now + options_->files.think * below(h, 1000) / 1000};
    }
}

void FileCallers::probe(Instant now) {
    ++probes_;
    callers_.back().due = now;
}

std::optional<Instant> FileCallers::due() const {
    std::optional<Instant> due;
    for (const Caller& caller : callers_) {
        const bool probes = &caller == &callers_.back();
        if (caller.ticket == 0 && (probes ? !probes_done() : !stopped_)) {
            due = due ? std::min(*due, caller.due) : caller.due;
        }
    }
    return due;
}

std::optional<FileCallers::Act> FileCallers::act(Instant now, const cfs::TreeView& tree) {
    for (std::uint32_t i = 0; i < callers_.size(); ++i) {
        Caller& caller = callers_[i];
        const bool probes = i + 1 == callers_.size();
        if (caller.ticket != 0 || caller.due > now || (probes ? probes_done() : stopped_)) {
            continue;
        }
        const std::uint64_t h = draw(options_->seed, Purpose::kFiles, (node_ << 8U) | i, ++acts_);
        const Latency think{options_->files.think / 8, options_->files.think, Tail::kExponential};
        caller.due = now + std::max(Duration{milliseconds{1}}, sample(think, mix(h)));
        Act act{i, {}};
        std::optional<cfs::Change> change;
        if (probes) {
            change = probe_file();
        } else if (!reads_only_ && chance(mix(h + 1), 700)) {
            change = choose(caller, mix(h + 2), tree);
        }
        if (change) {
            caller.ticket = kTickets * (node_ + 1) + ++tickets_;
            caller.asked = now;
            act.wish = cfs::Submit{caller.ticket, caller.ticket, std::move(*change)};
        }
        return act;
    }
    return std::nullopt;
}

void FileCallers::answered(Instant now, const cfs::Answer& answer) {
    const auto found = std::ranges::find(callers_, answer.ticket, &Caller::ticket);
    if (answer.ticket == 0 || found == callers_.end()) {
        return;
    }
    found->ticket = 0;
    const bool done =
        answer.refusal == cfs::Refusal::kNone && answer.outcome.error == cfs::Errno::kOk;
    if (&*found == &callers_.back()) {
        probes_done_ = done ? probes_ : probes_done_;
        found->due = now + kProbeAgain;
    } else if (found->parts > 0 && done && found->part <= found->parts) {
        found->due = now;
    } else {
        found->parts = 0;
    }
}

std::optional<Instant> FileCallers::oldest_wish() const {
    std::optional<Instant> oldest;
    for (const Caller& caller : callers_) {
        if (caller.ticket != 0) {
            oldest = oldest ? std::min(*oldest, caller.asked) : caller.asked;
        }
    }
    return oldest;
}

cfs::Change FileCallers::probe_file() {
    name_ = numbered("probe", node_);
    return cfs::Create{cfs::kRootInode, name_, false};
}

cfs::Ranges FileCallers::data(std::uint64_t h, std::uint64_t offset, std::uint32_t bytes) {
    // No two writes of a run have the same bytes: the ticket that this wish gets stands in front.
    const std::uint64_t ticket = kTickets * (node_ + 1) + tickets_ + 1;
    data_.assign(std::max<std::size_t>(bytes, sizeof(ticket)), static_cast<std::byte>(h & 0xFFU));
    std::memcpy(data_.data(), &ticket, sizeof(ticket));
    return {{offset, data_}};
}

std::optional<cfs::Change> FileCallers::choose(Caller& caller, std::uint64_t h,
                                               const cfs::TreeView& tree) {
    if (caller.parts > 0) {
        return go_on_writing(caller, h);
    }
    const std::uint32_t what = below(h, 100);
    if (what < 45) {
        return change_file(caller, mix(h), tree);
    }
    if (what < 85) {
        return change_names(mix(h), tree);
    }
    return use_lock(mix(h), tree);
}

cfs::Change FileCallers::change_names(std::uint64_t h, const cfs::TreeView& tree) {
    const cfs::Inode directory = some_directory(mix(h + 1), tree);
    const cfs::Inode other = some_directory(mix(h + 2), tree);
    name_ = numbered("f", below(mix(h + 3), kFiles));
    other_name_ = numbered("f", below(mix(h + 4), kFiles));
    const std::uint32_t what = below(h, 100);
    if (what < 40) {
        return cfs::Create{directory, name_, chance(mix(h + 5), 700)};
    }
    if (what < 65) {
        return cfs::Rename{directory, name_, other, other_name_};
    }
    if (what < 80) {
        return cfs::Unlink{directory, name_};
    }
    name_ = numbered("d", below(mix(h + 6), kDirectories));
    if (what < 93) {
        return cfs::MakeDirectory{cfs::kRootInode, name_};
    }
    return cfs::RemoveDirectory{cfs::kRootInode, name_};
}

std::optional<cfs::Change> FileCallers::change_file(Caller& caller, std::uint64_t h,
                                                    const cfs::TreeView& tree) {
    name_ = numbered("f", below(mix(h + 1), kFiles));
    const cfs::Inode directory = some_directory(mix(h + 2), tree);
    const cfs::EntryRef file = tree.child(directory, name_);
    if (!file || file->is_directory()) {
        return cfs::Create{directory, name_, false};
    }
    const std::uint32_t what = below(h, 100);
    if (what < 15) {
        return cfs::Truncate{file->inode, below(mix(h + 3), 3000)};
    }
    if (what < 20) {
        return cfs::SetTime{file->inode, below(mix(h + 3), 1000)};
    }
    if (what < 30) {
        caller.large = file->inode;
        caller.parts = 2 + below(mix(h + 3), 3);
        caller.part = 0;
        caller.write = ++writes_;
        return go_on_writing(caller, h);
    }
    const std::uint32_t bytes = 8 + (options_->files.bytes_max >> below(mix(h + 4), 6));
    return cfs::Write{file->inode, data(h, below(mix(h + 5), 4) * std::uint64_t{700}, bytes)};
}

cfs::Change FileCallers::go_on_writing(Caller& caller, std::uint64_t h) {
    const std::uint32_t part = caller.part++;
    if (part == caller.parts) {
        return cfs::CommitChunks{caller.large, caller.write, caller.parts};
    }
    const std::uint32_t bytes = 2 * options_->files.bytes_max;
    return cfs::Chunk{caller.write, part, data(h, part * std::uint64_t{bytes}, bytes)};
}

std::optional<cfs::Change> FileCallers::use_lock(std::uint64_t h, const cfs::TreeView& tree) {
    const cfs::EntryRef priv = tree.child(cfs::kRootInode, "priv");
    if (!priv) {
        return cfs::MakeDirectory{cfs::kRootInode, "priv"};
    }
    const cfs::EntryRef locks = tree.child(priv->inode, "lock");
    if (!locks) {
        return cfs::MakeDirectory{priv->inode, "lock"};
    }
    name_ = numbered("l", below(mix(h + 1), kLocks));
    const cfs::EntryRef lock = tree.child(locks->inode, name_);
    if (!lock) {
        return cfs::MakeDirectory{locks->inode, name_};
    }
    switch (below(h, 4)) {
        case 0:
            return cfs::MakeDirectory{locks->inode, name_};
        case 1:
            return cfs::SetTime{lock->inode, lock->mtime + 1};
        case 2:
            return cfs::RequestUnlock{lock->inode, lock->version};
        default:
            return cfs::RemoveDirectory{locks->inode, name_};
    }
}

}  // namespace sim
