// What the parts of Server share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cfs/fuse/server.h"

namespace cfs {

// The kernel may take attributes for true so long without asking again. Every look at a path asks
// for them anyway (names are not cached), so this spares only the second question about the same
// thing within one system call; what changes is told besides.
inline constexpr double kAttributeSeconds = 0.02;

// s, wall clock.
[[nodiscard]] std::uint64_t wall_clock() noexcept;

struct Server::Names {
    std::string name{};
    std::string new_name{};
};

struct Server::Found {
    EntryRef entry{};  // null: there is no such inode
    bool removed = false;
    ViewRef view{};
    std::shared_ptr<OpenFile> file{};  // when it is open
};

// A wish whose change is made of names that it owns: make(names) gives the change.
template <typename Make, typename NamesType>
[[nodiscard]] Wish wish_of(NamesType names, Make&& make) {
    auto owner = std::make_shared<const NamesType>(std::move(names));
    Wish wish{wall_clock(), {}, owner};
    wish.change = make(*owner);
    return wish;
}

}  // namespace cfs
