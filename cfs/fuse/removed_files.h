// The files that were removed last, for whoever found one by its name just before and opens it
// just after: it then reads the old content, as if it had been a little faster.
//
// Without this a file that is replaced by rename all the time could not always be opened: the
// kernel looks a name up and opens what it found in two requests, and tries again only once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "cfs/core/entry.h"

namespace cfs {

class RemovedFiles {
  public:
    void add(const EntryRef& entry) {
        entries_.push_back(entry);
        bytes_ += entry->content.size();
        while (entries_.size() > kEntriesMax || bytes_ > kBytesMax) {
            bytes_ -= entries_.front()->content.size();
            entries_.pop_front();
        }
    }
    // Null when it is not known any more.
    [[nodiscard]] EntryRef find(Inode inode) const {
        const auto found =
            std::find_if(entries_.rbegin(), entries_.rend(),
                         [&](const EntryRef& entry) { return entry->inode == inode; });
        return found == entries_.rend() ? nullptr : *found;
    }

  private:
    static constexpr std::size_t kEntriesMax = 64;
    static constexpr std::uint64_t kBytesMax = std::uint64_t{8} << 20U;

    std::deque<EntryRef> entries_;
    std::uint64_t bytes_ = 0;
};

}  // namespace cfs
