#include "cfs/core/replica_wishes.h"

#include <algorithm>
#include <utility>

namespace cfs {

void Wishes::add(Wish wish) {
    bytes_ += wish.operation.size();
    wishes_.push_back(std::move(wish));
}

Wish* Wishes::find(std::uint64_t number) {
    const auto found = std::ranges::lower_bound(wishes_, number, {},
                                                [](const Wish& wish) { return wish.id.number; });
    return found != wishes_.end() && found->id.number == number ? &*found : nullptr;
}

void Wishes::begin_epoch() {
    for (Wish& wish : wishes_) {
        wish.out.reset();
        wish.turn = 0;
        wish.outcome.reset();
        wish.forgotten = false;
    }
}

}  // namespace cfs
