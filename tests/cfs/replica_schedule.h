// A random schedule of everything that can happen to replicas, from one seed; then all is well
// again, and what was promised to callers must be true.
#pragma once

#include <cstdint>
#include <string>

namespace cfs::testing {

struct ScheduleResult {
    std::string broken;  // "": nothing
    std::uint64_t answered = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t epochs = 0;
};
[[nodiscard]] ScheduleResult run_schedule(std::uint64_t seed, std::size_t steps = 8000);

// The power cut of docs/replication.md, "Why ordered before stored": a node that was cut off alone
// delivers an operation in the turn in which the others had another one, which was acknowledged;
// then all lose power, and who had acknowledged it does not come back. What went wrong, or "".
[[nodiscard]] std::string run_power_cut_of_all();

// The old Hello of docs/replication.md, "Why who has more does not promise": of 5 nodes 3, 4 and 5
// have what was acknowledged. 1 and 2, whose disks were full, come back into a view of the same
// name, and what 5 said in that view before it had this is heard once more. What went wrong, or "".
[[nodiscard]] std::string run_old_hello();

}  // namespace cfs::testing
