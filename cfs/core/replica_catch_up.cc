#include "cfs/core/replica_machine.h"

namespace cfs {

void Replica::Machine::handle(NodeId /*sender*/, const Transfer& /*transfer*/) {}

void Replica::Machine::catch_up() {}

void Replica::Machine::stop_catching_up() {}

}  // namespace cfs
