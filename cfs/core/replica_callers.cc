#include <algorithm>
#include <utility>

#include "cfs/core/operation_codec.h"
#include "cfs/core/replica_machine.h"
#include "totem/core/check.h"
#include "totem/core/mutant.h"

namespace cfs {

namespace {

// On their way to the group at a time.
constexpr std::size_t kFlightMax = 256;
constexpr std::size_t kFlightBytesMax = std::size_t{4} << 20U;
// This replica's own wishes (unlocks) at a time.
constexpr std::size_t kOwnMax = 64;

}  // namespace

void Replica::Machine::on(const Submit& input) {
    Wish wish;
    wish.ticket = input.ticket;
    wish.since = now_;
    const Obstacle obstacle = this->obstacle();
    if (obstacle != Obstacle::kNone && obstacle != Obstacle::kExchange) {
        answer(wish, obstacle == Obstacle::kDiskFull ? Refusal::kDiskFull : Refusal::kNotWritable);
        return;
    }
    if (wishes_.size() >= options_.wishes_max || wishes_.bytes() > options_.buffered_bytes_max) {
        answer(wish, Refusal::kBusy);
        return;
    }
    wish.id = {options_.node, options_.life, ++number_};
    encode(Operation{wish.id, input.time, input.change}, wish.operation);
    if (options_.local) {
        apply_local(wish);
    }
    wishes_.add(std::move(wish));
}

// Something that this replica wants itself. Nobody waits for it, so it may be dropped.
void Replica::Machine::submit_own(Change change, std::uint64_t time) {
    const auto own =
        std::ranges::count_if(wishes_.all(), [](const Wish& wish) { return !wish.ticket; });
    if (static_cast<std::size_t>(own) >= kOwnMax) {
        return;
    }
    Wish wish;
    wish.since = now_;
    wish.id = {options_.node, options_.life, ++number_};
    encode(Operation{wish.id, time, std::move(change)}, wish.operation);
    wishes_.add(std::move(wish));
}

// Alone, the order is that of the wishes. What is written so on a cluster's history is a branch of
// it, and the store learns where that began together with its first operation.
void Replica::Machine::apply_local(Wish& wish) {
    if (!local_branch_) {
        local_branch_ = here();
    }
    const auto operation = decode_operation(wish.operation);
    TOTEM_CHECK(operation.has_value());
    const std::uint64_t epoch = std::max(promise_.epoch, state_.position().epoch);
    wish.sent = true;
    wish.turn = ++local_turn_;
    wish.outcome = apply(epoch, *operation).outcome;
}

void Replica::Machine::send_wishes() {
    if (options_.local || !writable()) {
        return;
    }
    std::size_t flying = 0;
    std::size_t bytes = 0;
    for (Wish& wish : wishes_.all()) {
        if (wish.turn != 0) {
            continue;
        }
        flying += 1;
        bytes += wish.operation.size();
        if (flying > kFlightMax || (flying > 1 && bytes > kFlightBytesMax)) {
            return;
        }
        if (wish.out && now_ < *wish.out + options_.repeat) {
            want(*wish.out + options_.repeat);
            continue;
        }
        if (wish.sent && TOTEM_MUTANT(retry_applied_twice)) {
            auto operation = decode_operation(wish.operation);
            operation->id.number = wish.id.number = ++number_;
            std::vector<std::byte> again;
            encode(*operation, again);
            wish.operation = std::move(again);
        }
        wish.out = now_;
        wish.sent = true;
        say(Operate{epoch_->name, wish.operation});
        want(now_ + options_.repeat);
    }
}

void Replica::Machine::settle_wishes() {
    const bool counting = epoch_ && epoch_->open && gate();
    if (!counting && !options_.local) {
        return;
    }
    const auto settled = [&](const Wish& wish) {
        if (!wish.outcome) {
            return false;
        }
        if (options_.local) {
            return wish.turn <= local_stored_;
        }
        if (TOTEM_MUTANT(ack_on_delivery)) {
            return true;
        }
        if (TOTEM_MUTANT(ack_without_majority)) {
            return wish.turn <= epoch_->stored;
        }
        return epoch_->turns.settled(wish.turn);
    };
    wishes_.take_if(settled, [&](const Wish& wish) {
        answer(wish, wish.forgotten ? Refusal::kUncertain : Refusal::kNone, *wish.outcome);
    });
}

// No epoch has opened for so long that the caller is told the truth: nobody knows.
void Replica::Machine::expire_wishes() {
    if (options_.local) {
        return;
    }
    const auto end = [&](const Wish& wish) {
        return std::max(wish.since, opened_at_) + options_.uncertain;
    };
    wishes_.take_if([&](const Wish& wish) { return now_ >= end(wish); },
                    [&](const Wish& wish) {
                        answer(wish, wish.sent ? Refusal::kUncertain : Refusal::kNotWritable);
                    });
    if (!wishes_.empty()) {
        want(end(wishes_.all().front()));
    }
}

void Replica::Machine::refuse_unsent() {
    if (wishes_.empty()) {
        return;
    }
    const Obstacle obstacle = this->obstacle();
    if (obstacle == Obstacle::kNone || obstacle == Obstacle::kExchange) {
        return;
    }
    const Refusal why =
        obstacle == Obstacle::kDiskFull ? Refusal::kDiskFull : Refusal::kNotWritable;
    wishes_.take_if([](const Wish& wish) { return !wish.sent; },
                    [&](const Wish& wish) { answer(wish, why); });
}

void Replica::Machine::answer(const Wish& wish, Refusal refusal, Outcome outcome) {
    if (!wish.ticket) {
        return;
    }
    out_->answers.push_back({*wish.ticket, refusal, outcome});
    if (refusal == Refusal::kUncertain) {
        tell(Notice::Kind::kUncertain, options_.node, wish.id.number);
    }
}

// Nothing more will be sent or heard.
void Replica::Machine::give_up_all() {
    wishes_.take_if([](const Wish&) { return true; },
                    [&](const Wish& wish) {
                        answer(wish, wish.sent ? Refusal::kUncertain : Refusal::kNotWritable);
                    });
}

// Nobody will commit the large writes that earlier lives of this daemon had begun.
void Replica::Machine::discard_parts_of_old_lives() {
    if (parts_discarded_ || options_.local || !writable()) {
        return;
    }
    parts_discarded_ = true;
    const auto parts = state_.parts().all();
    const auto old = std::ranges::find_if(parts, [&](const Part& part) {
        return part.id.node == options_.node && part.id.life != options_.life;
    });
    if (old != parts.end()) {
        const std::uint64_t time = state_.history().records().back().time;
        submit_own(DiscardChunks{options_.node, options_.life}, time);
    }
}

}  // namespace cfs
