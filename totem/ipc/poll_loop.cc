#include "totem/ipc/poll_loop.h"

#include <algorithm>
#include <sys/ioctl.h>
#include <utility>

#include "totem/ipc/lost_memory.h"

namespace totem::ipc {

PollLoop::PollLoop() { watch_for_lost_memory(); }

std::vector<void*> PollLoop::take_lost() { return std::exchange(lost_, {}); }

std::size_t PollLoop::find(int fd) const {
    std::size_t index = 0;
    while (index < entries_.size() &&
           (entries_[index].generation == 0 || entries_[index].watch.fd != fd)) {
        ++index;
    }
    return index;
}

void PollLoop::add(const Watch& watch) {
    remove(watch.fd);
    entries_.push_back({watch, next_generation_++, false});
    polled_.push_back({});
    refresh(entries_.size() - 1);
    progress_ = true;
}

bool PollLoop::modify(const Watch& watch) {
    const std::size_t index = find(watch.fd);
    if (index == entries_.size()) {
        return false;
    }
    progress_ = progress_ || entries_[index].watch.events != watch.events;
    entries_[index].watch = watch;
    modified_ = true;
    return true;
}

bool PollLoop::remove(int fd) {
    const std::size_t index = find(fd);
    if (index == entries_.size()) {
        return false;
    }
    entries_[index].generation = 0;
    polled_[index].fd = -1;
    removed_any_ = true;
    progress_ = true;
    return true;
}

void PollLoop::add_job(qb_loop_job_dispatch_fn run, void* data) { jobs_.push_back({run, data}); }

void PollLoop::set_gate(Lane lane, bool closed) {
    closed_.at(static_cast<std::size_t>(lane)) = closed;
    for (std::size_t i = 0; i < entries_.size() && !closed; ++i) {
        if (entries_[i].watch.lane == lane && entries_[i].resting) {
            entries_[i].resting = false;
            refresh(i);
        }
    }
}

void PollLoop::refresh(std::size_t index) {
    const Entry& entry = entries_[index];
    const short events = entry.resting ? static_cast<short>(0) : entry.watch.events;
    polled_[index] = {entry.resting ? -1 : entry.watch.fd, events, 0};
    resting_writers_ = resting_writers_ || (entry.resting && (entry.watch.events & POLLOUT) != 0);
}

void PollLoop::wait(int timeout) {
    if (std::exchange(modified_, false)) {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            refresh(i);
        }
    }
    if (!jobs_.empty()) {
        timeout = 0;
    } else if (resting_writers_) {
        timeout = timeout < 0 ? kRestMs : std::min(timeout, kRestMs);
    }
    ready_ = ::poll(polled_.data(), polled_.size(), timeout);
}

void PollLoop::dispatch() {
    if (resting_writers_) {
        resting_writers_ = false;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (entries_[i].resting && (entries_[i].watch.events & POLLOUT) != 0) {
                entries_[i].resting = false;
                refresh(i);
            }
        }
    }
    run_jobs();
    const std::size_t count = ready_ > 0 ? polled_.size() : 0;  // what is added now waits a round
    for (std::size_t i = 0; i < count; ++i) {
        if (entries_[i].generation != 0 && polled_[i].revents != 0) {
            call(i, polled_[i].revents);
        }
    }
    sweep();
}

void PollLoop::run_jobs() {
    const std::vector<Job> due = std::exchange(jobs_, {});
    for (const Job& job : due) {
        job.run(job.data);
        watch_again_for_lost_memory();
    }
}

void PollLoop::call(std::size_t index, short revents) {
    // A copy: the callback may add descriptors, which moves the entries.
    const Entry called = entries_[index];
    polled_[index].revents = 0;
    progress_ = false;
    served_ = called.watch.fd;
    announced_ = -1;
    int result = 0;
    if (!survives(
            [&] { result = called.watch.dispatch(called.watch.fd, revents, called.watch.data); })) {
        lost_.push_back(called.watch.data);
        return;
    }
    if (removed_any_) {
        watch_again_for_lost_memory();  // libqb removes what it closes
    }
    Entry& entry = entries_[index];
    if (entry.generation != called.generation) {
        return;
    }
    if (result < 0) {
        remove(called.watch.fd);
        return;
    }
    if (closed_.at(static_cast<std::size_t>(entry.watch.lane)) && !progress_) {
        entry.resting = true;
        refresh(index);
    }
}

bool PollLoop::next_is_announced() noexcept {
    if (announced_ < 0 && ::ioctl(served_, FIONREAD, &announced_) != 0) {
        announced_ = 0;
    }
    return --announced_ > 0;
}

void PollLoop::sweep() {
    if (!removed_any_) {
        return;
    }
    removed_any_ = false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].generation != 0) {
            entries_[kept] = entries_[i];
            polled_[kept] = polled_[i];
            ++kept;
        }
    }
    entries_.resize(kept);
    polled_.resize(kept);
}

}  // namespace totem::ipc
