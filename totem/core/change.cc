// RECOVERY, and the step from it to OPERATIONAL (totem.md 5.5, 6.2).
#include "totem/core/delivery.h"
#include "totem/core/machine.h"

namespace totem {

void Machine::enter_recovery() {
    forming_.reset(first_seq());
    recovery_.begin(*commit_, installed_ring_, installed_);
    token_seq_ = {std::uint32_t{0} - 1U};
    hold_rule_.reset();
    stuck_rule_.reset();
    timers_.cancel_all();
    enter_state(State::kRecovery, 0);
    ++context_.stats.recovery_entered;
    if (recovery_.backlog() > 0) {
        context_.trace(
            {.kind = TraceKind::kRecoveryQueued, .ring = ring_, .a = recovery_.backlog()});
    }
    send_commit_token();
}

void Machine::enter_operational() {
    recovery_.absorb(forming_, installed_);
    deliver_change({.old_ring = installed_ring_,
                    .new_ring = ring_,
                    .old_members = membership_.members(),
                    .new_members = forming_members_,
                    .first = !installed_any_},
                   recovery_, installed_, *context_.out);
    membership_.leave_ring(installed_ring_);
    membership_.install(forming_members_);
    installed_.swap(forming_);
    forming_.reset(first_seq());
    installed_.begin_operation(recovery_.install_seq());
    recovery_.finish();
    installed_ring_ = ring_;
    installed_any_ = true;
    context_.stats.continuous_gather = 0;
    ++context_.stats.operational_entered;
    enter_state(State::kOperational, 0);
    context_.trace(
        {.kind = TraceKind::kInstalled, .ring = ring_, .a = membership_.members().size()});
}

void Machine::abandon_recovery() {
    recovery_.give_up(forming_, installed_);
    forming_.reset(first_seq());
}

}  // namespace totem
