// Which process of which node is in which group, as far as the total order has told.
//
// Every node keeps the same table at the same point of the order (properties.md E8.4); only the
// order of listing() depends on the history of the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "totem/group/cpg_types.h"
#include "totem/group/state_hash.h"

namespace totem::group {

class CpgTable {
  public:
    struct Group {
        std::vector<CpgProcess> members;  // ascending
        std::vector<CpgProcess> listed;   // in the order of iterations
        std::uint64_t created = 0;        // grows with each group that appears
    };
    struct Entry {
        GroupName group;
        CpgProcess process;
    };

    // False when it was there already.
    bool add(const GroupName& group, CpgProcess process);
    // False when it was not there. A group without members is forgotten.
    bool remove(const GroupName& group, CpgProcess process);

    [[nodiscard]] bool contains(const GroupName& group, CpgProcess process) const;
    // Ascending; empty for a group that nobody is in.
    [[nodiscard]] std::span<const CpgProcess> members(const GroupName& group) const;
    [[nodiscard]] const std::map<GroupName, Group>& groups() const noexcept { return groups_; }
    // Every process in the order in which clients are shown them: groups by age, and in each the
    // lowest process first and then the newest, as corosync 3.1.7 does.
    [[nodiscard]] std::vector<Entry> listing() const;

    void hash(StateHash& into) const;

  private:
    std::map<GroupName, Group> groups_;
    std::uint64_t groups_created_ = 0;
};

}  // namespace totem::group
