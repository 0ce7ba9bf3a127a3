#include "totem/group/cpg_table.h"

#include <algorithm>

namespace totem::group {

bool CpgTable::add(const GroupName& group, CpgProcess process) {
    const auto [at, is_new] = groups_.try_emplace(group);
    Group& known = at->second;
    if (is_new) {
        known.created = ++groups_created_;
    }
    const auto place = std::ranges::lower_bound(known.members, process);
    if (place != known.members.end() && *place == process) {
        return false;
    }
    known.members.insert(place, process);
    const bool is_first = known.listed.empty() || process < known.listed.front();
    known.listed.insert(known.listed.begin() + (is_first ? 0 : 1), process);
    return true;
}

bool CpgTable::remove(const GroupName& group, CpgProcess process) {
    const auto at = groups_.find(group);
    if (at == groups_.end() || std::erase(at->second.members, process) == 0) {
        return false;
    }
    std::erase(at->second.listed, process);
    if (at->second.members.empty()) {
        groups_.erase(at);
    }
    return true;
}

bool CpgTable::contains(const GroupName& group, CpgProcess process) const {
    return std::ranges::binary_search(members(group), process);
}

std::span<const CpgProcess> CpgTable::members(const GroupName& group) const {
    const auto at = groups_.find(group);
    return at == groups_.end() ? std::span<const CpgProcess>{} : at->second.members;
}

std::vector<CpgTable::Entry> CpgTable::listing() const {
    std::vector<std::map<GroupName, Group>::const_iterator> by_age;
    for (auto at = groups_.begin(); at != groups_.end(); ++at) {
        by_age.push_back(at);
    }
    std::ranges::sort(by_age, {}, [](const auto& at) { return at->second.created; });
    std::vector<Entry> entries;
    for (const auto& at : by_age) {
        for (const CpgProcess process : at->second.listed) {
            entries.push_back({at->first, process});
        }
    }
    return entries;
}

void CpgTable::hash(StateHash& into) const {
    for (const auto& [name, group] : groups_) {
        into.add(name.bytes()).add(group.created);
        for (const CpgProcess process : group.listed) {
            into.add(process.node).add(std::uint64_t{process.pid});
        }
    }
}

}  // namespace totem::group
