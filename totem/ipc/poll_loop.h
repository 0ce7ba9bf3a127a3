// The event loop under libqb's server: descriptors, one-shot jobs, and gates.
//
// What libqb expects of a foreign loop, and where it bites, is ipc.md 3: level-triggered readiness;
// a callback may remove its descriptor and add the same number again with another function; a
// negative result gives the descriptor up; and while a service is told to read nothing its
// descriptors stay readable. For the last one descriptors belong to a lane whose gate can be
// closed: a callback that gets nothing done behind a closed gate is not asked about input again
// until the gate opens.
//
// libqb waits for ever for the first word of whoever connects, and any user of the host may: the
// loop lets only so many be silent, and hangs up on the oldest for each one more, so that nobody
// can take all of the daemon's descriptors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <poll.h>
#include <vector>

#include <qb/qbipcs.h>

#include "totem/ipc/lane.h"
#include "totem/ipc/lent_set.h"

namespace totem::ipc {

class PollLoop {
  public:
    PollLoop();

    struct Watch {
        int fd = -1;
        short events = 0;
        Lane lane = Lane::kLocal;
        void* data = nullptr;
        qb_ipcs_dispatch_fn_t dispatch = nullptr;
    };

    void add(const Watch& watch);
    // False: this descriptor is not watched.
    bool modify(const Watch& watch);
    bool remove(int fd);
    // Run once, in the next round.
    void add_job(qb_loop_job_dispatch_fn run, void* data);

    void set_gate(Lane lane, bool closed);
    // A callback tells that it got something done; see above.
    void note_progress() noexcept { progress_ = true; }
    // A callback took a request of the descriptor that is being served. False: there is no byte of
    // its client for another one. libqb then reads as many bytes as there were requests, and waits
    // for those that are missing as long as the client likes.
    [[nodiscard]] bool next_is_announced() noexcept;

    // The data of callbacks that were left because a client's memory was gone (lost_memory.h): what
    // they served must be closed. Cleared by the call.
    [[nodiscard]] std::vector<void*> take_lost();

    // One round: prepares to wait up to `timeout` milliseconds (-1: for ever), waits for anything
    // as long as that says, then calls what is due. During the wait alone another thread may serve
    // what is lent and call modify() and take_back(), which the next round regards.
    [[nodiscard]] int prepare(int timeout);
    void wait(int prepared);
    void dispatch();
    // Something is left to the next round.
    [[nodiscard]] bool changed() const noexcept {
        return modified_ || removed_any_ || !jobs_.empty() || !lost_.empty();
    }

    // A descriptor that is lent is waited for by another thread, which serves it when it can; here
    // nobody looks at it until it is taken back. Both name it by the data of its callback. One that
    // has something to write is not lent, and is taken back by itself.
    void lend(const void* data);
    void take_back(const void* data);
    void take_back_all();
    [[nodiscard]] LentSet& lent() noexcept { return lent_; }
    [[nodiscard]] void* data_of_lent(int fd) const;  // null: it is not lent
    enum class Served : std::uint8_t { kOne, kMoreAnnounced, kNothing };
    // Calls its callback, which gets to take one request only.
    [[nodiscard]] Served serve_lent(int fd);

  private:
    struct Entry {
        Watch watch;
        std::uint64_t generation = 0;  // 0: removed, to be swept
        bool resting = false;          // got nothing done behind a closed gate
        bool lent = false;
        bool listens = false;   // whoever connects is added while its callback runs
        bool stranger = false;  // connected, and has not said who it is
    };
    struct Job {
        qb_loop_job_dispatch_fn run;
        void* data;
    };

    // Closes the oldest of too many strangers.
    void bound_strangers();
    void run_jobs();
    void call(std::size_t index, short revents);
    // False: it gave up its descriptor, or is gone.
    bool dispatch_one(std::size_t index, short revents);
    void take_back(Entry& entry);
    void refresh(std::size_t index);
    void sweep();
    [[nodiscard]] std::size_t find(int fd) const;

    static constexpr std::ptrdiff_t kStrangersMax = 64;
    static constexpr int kRestMs =
        2;  // how long a resting descriptor that must write is left alone

    LentSet lent_;
    std::vector<Entry> entries_;
    std::vector<pollfd> polled_;  // parallel to entries_
    std::vector<Job> jobs_;
    std::vector<void*> lost_;
    std::array<bool, kLanes> closed_{};
    std::uint64_t next_generation_ = 1;
    bool progress_ = false;
    bool one_only_ = false;   // the callback that runs is to take one request only
    bool accepting_ = false;  // the callback that runs is that of a socket that listens
    int served_ = -1;         // the descriptor whose callback runs
    int announced_ = -1;  // bytes that lie there for requests not yet taken; -1: not counted yet
    bool removed_any_ = false;
    bool modified_ = false;
    int ready_ = 0;  // descriptors that the last wait found ready
    bool resting_writers_ = false;
};

}  // namespace totem::ipc
