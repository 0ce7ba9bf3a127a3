#include "cfs/core/replica.h"

#include <utility>

#include "cfs/core/replica_machine.h"

namespace cfs {

Replica::Replica(ReplicaOptions options) : machine_(std::make_unique<Machine>(options)) {}
Replica::~Replica() = default;
Replica::Replica(Replica&&) noexcept = default;
Replica& Replica::operator=(Replica&&) noexcept = default;

void Replica::step(Instant now, ReplicaInput input, ReplicaEffects& out) {
    machine_->step(now, input, out);
}

const Status& Replica::status() const noexcept { return machine_->status(); }
const TreeView& Replica::snapshot() const noexcept { return *machine_->snapshot(); }
std::shared_ptr<const TreeView> Replica::shared_snapshot() const { return machine_->snapshot(); }
const State& Replica::state() const noexcept { return machine_->state(); }
std::uint64_t Replica::promised() const noexcept { return machine_->promised(); }

}  // namespace cfs
