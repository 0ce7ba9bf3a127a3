// The event loop under libqb's server: descriptors, one-shot jobs, and gates.
//
// What libqb expects of a foreign loop, and where it bites, is ipc.md 3: level-triggered readiness;
// a callback may remove its descriptor and add the same number again with another function; a
// negative result gives the descriptor up; and while a service is told to read nothing its
// descriptors stay readable. For the last one descriptors belong to a lane whose gate can be
// closed: a callback that gets nothing done behind a closed gate is not asked about input again
// until the gate opens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <poll.h>
#include <vector>

#include <qb/qbipcs.h>

#include "totem/ipc/lane.h"

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

    // One round: waits up to `timeout` milliseconds (-1: for ever) for anything, then calls what is
    // due. During the wait another thread may call modify(), which the next wait regards.
    void wait(int timeout);
    void dispatch();
    // There was a modify() that no wait has regarded yet.
    [[nodiscard]] bool modified() const noexcept { return modified_; }

  private:
    struct Entry {
        Watch watch;
        std::uint64_t generation = 0;  // 0: removed, to be swept
        bool resting = false;          // got nothing done behind a closed gate
    };
    struct Job {
        qb_loop_job_dispatch_fn run;
        void* data;
    };

    void run_jobs();
    void call(std::size_t index, short revents);
    void refresh(std::size_t index);
    void sweep();
    [[nodiscard]] std::size_t find(int fd) const;

    static constexpr int kRestMs =
        2;  // how long a resting descriptor that must write is left alone

    std::vector<Entry> entries_;
    std::vector<pollfd> polled_;  // parallel to entries_
    std::vector<Job> jobs_;
    std::vector<void*> lost_;
    std::array<bool, kLanes> closed_{};
    std::uint64_t next_generation_ = 1;
    bool progress_ = false;
    int served_ = -1;     // the descriptor whose callback runs
    int announced_ = -1;  // bytes that lie there for requests not yet taken; -1: not counted yet
    bool removed_any_ = false;
    bool modified_ = false;
    int ready_ = 0;  // descriptors that the last wait found ready
    bool resting_writers_ = false;
};

}  // namespace totem::ipc
