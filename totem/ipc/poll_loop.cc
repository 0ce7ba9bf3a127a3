#include "totem/ipc/poll_loop.h"

#include <algorithm>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

#include "totem/ipc/lost_memory.h"

namespace totem::ipc {

namespace {

[[nodiscard]] bool listens(int fd) {
    int yes = 0;
    socklen_t size = sizeof yes;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}

}  // namespace

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
    Entry entry{watch, next_generation_++};
    entry.listens = listens(watch.fd);
    entry.stranger = accepting_;
    entries_.push_back(entry);
    polled_.push_back({});
    refresh(entries_.size() - 1);
    progress_ = true;
    if (accepting_) {
        bound_strangers();
    }
}

void PollLoop::bound_strangers() {
    const auto strange = [](const Entry& entry) { return entry.generation != 0 && entry.stranger; };
    if (std::ranges::count_if(entries_, strange) > kStrangersMax) {
        const auto oldest = std::ranges::find_if(entries_, strange);
        oldest->stranger = false;
        ::shutdown(oldest->watch.fd, SHUT_RDWR);  // libqb reads the end, and closes it
    }
}

bool PollLoop::modify(const Watch& watch) {
    const std::size_t index = find(watch.fd);
    if (index == entries_.size()) {
        return false;
    }
    progress_ = progress_ || entries_[index].watch.events != watch.events;
    entries_[index].watch = watch;
    modified_ = true;
    if ((watch.events & POLLOUT) != 0) {
        take_back(entries_[index]);
    }
    return true;
}

bool PollLoop::remove(int fd) {
    const std::size_t index = find(fd);
    if (index == entries_.size()) {
        return false;
    }
    take_back(entries_[index]);
    entries_[index].generation = 0;
    modified_ = true;  // polled_ may be in use by the thread that waits
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
    const bool left_out = entry.resting || entry.lent || entry.generation == 0;
    const short events = left_out ? static_cast<short>(0) : entry.watch.events;
    polled_[index] = {left_out ? -1 : entry.watch.fd, events, 0};
    resting_writers_ = resting_writers_ || (entry.resting && (entry.watch.events & POLLOUT) != 0);
}

int PollLoop::prepare(int timeout) {
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
    return timeout;
}

void PollLoop::wait(int prepared) { ready_ = ::poll(polled_.data(), polled_.size(), prepared); }

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
    polled_[index].revents = 0;
    if (!dispatch_one(index, revents)) {
        return;
    }
    Entry& entry = entries_[index];
    if (closed_.at(static_cast<std::size_t>(entry.watch.lane)) && !progress_) {
        entry.resting = true;
        refresh(index);
    }
}

bool PollLoop::dispatch_one(std::size_t index, short revents) {
    // A copy: the callback may add descriptors, which moves the entries.
    const Entry called = entries_[index];
    progress_ = false;
    served_ = called.watch.fd;
    announced_ = -1;
    accepting_ = called.listens;
    int result = 0;
    const bool survived = survives(
        [&] { result = called.watch.dispatch(called.watch.fd, revents, called.watch.data); });
    accepting_ = false;
    if (!survived) {
        lost_.push_back(called.watch.data);
        return false;
    }
    if (removed_any_) {
        watch_again_for_lost_memory();  // libqb removes what it closes
    }
    if (entries_[index].generation != called.generation) {
        return false;
    }
    if (result < 0) {
        remove(called.watch.fd);
    }
    return result >= 0;
}

// ---- what is lent
// ---------------------------------------------------------------------------------

void PollLoop::lend(const void* data) {
    for (Entry& entry : entries_) {
        const bool writes = (entry.watch.events & POLLOUT) != 0;
        if (entry.generation != 0 && entry.watch.data == data && !writes && !entry.lent) {
            entry.lent = lent_.add(entry.watch.fd);
            modified_ = true;
        }
    }
}

void PollLoop::take_back(Entry& entry) {
    if (std::exchange(entry.lent, false)) {
        lent_.remove(entry.watch.fd);
        modified_ = true;
    }
}

void PollLoop::take_back(const void* data) {
    for (Entry& entry : entries_) {
        if (entry.watch.data == data) {
            take_back(entry);
        }
    }
}

void PollLoop::take_back_all() {
    for (Entry& entry : entries_) {
        take_back(entry);
    }
}

void* PollLoop::data_of_lent(int fd) const {
    const std::size_t index = find(fd);
    return index != entries_.size() && entries_[index].lent ? entries_[index].watch.data : nullptr;
}

PollLoop::Served PollLoop::serve_lent(int fd) {
    one_only_ = true;
    const bool goes_on = dispatch_one(find(fd), POLLIN);
    one_only_ = false;
    if (!goes_on || announced_ < 0) {
        return Served::kNothing;
    }
    return announced_ == 0 ? Served::kOne : Served::kMoreAnnounced;
}

bool PollLoop::next_is_announced() noexcept {
    if (announced_ < 0 && ::ioctl(served_, FIONREAD, &announced_) != 0) {
        announced_ = 0;
    }
    return --announced_ > 0 && !one_only_;
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
