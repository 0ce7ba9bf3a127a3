// Requests of the kernel that wait for an answer of the cluster.
//
// Each is answered once: by its completion, or by close() when the mount ends. A completion that
// comes later finds nothing and says nothing.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "cfs/fuse/low_level.h"

namespace cfs {

enum class Ticket : std::uint64_t {};

class Pending {
  public:
    [[nodiscard]] Ticket add(fuse_req_t request) {
        const std::lock_guard lock(mutex_);
        const Ticket ticket{++last_};
        if (closed_ != 0) {
            fuse_reply_err(request, closed_);
        } else {
            waiting_.emplace(ticket, request);
        }
        return ticket;
    }

    // Calls reply(request), unless it was answered. The session outlives the call: close() waits.
    template <typename Reply>
    void answer(Ticket ticket, Reply&& reply) {
        const std::lock_guard lock(mutex_);
        const auto found = waiting_.find(ticket);
        if (found != waiting_.end()) {
            reply(found->second);
            waiting_.erase(found);
        }
    }
    void answer_error(Ticket ticket, int error) {
        answer(ticket, [error](fuse_req_t request) { fuse_reply_err(request, error); });
    }

    // Answers all, and whatever is added later, with this error.
    void close(int error) {
        const std::lock_guard lock(mutex_);
        closed_ = error;
        for (const auto& [ticket, request] : waiting_) {
            fuse_reply_err(request, error);
        }
        waiting_.clear();
    }

  private:
    std::mutex mutex_;
    std::map<Ticket, fuse_req_t> waiting_;
    std::uint64_t last_ = 0;
    int closed_ = 0;
};

}  // namespace cfs
