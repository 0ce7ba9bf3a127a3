#include "totem/config/reload.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace totem::config {

namespace {

// In the order in which corosync names them; behind those what without kronosnet cannot change
// either.
constexpr std::array<std::string_view, 22> kFixed{
    "totem.version",
    "totem.threads",
    "totem.ip_version",
    "totem.rrp_mode",
    "totem.netmtu",
    "totem.transport",
    "totem.cluster_name",
    "quorum.provider",
    "system.move_to_root_cgroup",
    "system.allow_knet_handle_fallback",
    "system.sched_rr",
    "system.priority",
    "system.qb_ipc_type",
    "system.state_dir",
    "totem.nodeid",
    "totem.clear_node_high_bit",
    "totem.interface.0.bindnetaddr",
    "totem.interface.0.mcastaddr",
    "totem.interface.0.mcastport",
    "totem.interface.0.ttl",
    "totem.interface.0.broadcast",
    "quorum.wait_for_all",
};

// Put back only where they would switch sealing on or off; how strong a ring is sealed does not
// depend on them.
constexpr std::array<std::string_view, 3> kSealing{
    "totem.secauth",
    "totem.crypto_cipher",
    "totem.crypto_hash",
};

std::string notice(std::string_view key) {
    return "Modified entry '" + std::string{key} +
           "' in corosync.conf cannot be changed at run-time";
}

bool same_value(const Key* a, const Key* b) {
    if (a == nullptr || b == nullptr) {
        return a == b;
    }
    return a->type == b->type && a->number == b->number &&
           (a->type != KeyType::kString || a->text == b->text);
}

void put_back_key(const ClusterConfig& running, std::string_view name, ClusterConfig& next) {
    std::erase_if(next.keys, [&](const Key& key) { return key.name == name; });
    if (const auto* old = running.find(name)) {
        const auto at = std::lower_bound(
            next.keys.begin(), next.keys.end(), name,
            [](const Key& key, std::string_view wanted) { return key.name < wanted; });
        next.keys.insert(at, *old);
    }
}

// The same for the values that the keys stand for.
void put_back_values(const ClusterConfig& running, ClusterConfig& next) {
    auto& totem = next.totem;
    const auto& old = running.totem;
    totem.version = old.version;
    totem.cluster_name = old.cluster_name;
    totem.dialect = old.dialect;
    totem.transport = old.transport;
    totem.secauth = old.secauth;
    totem.ip_version = old.ip_version;
    totem.nodeid = old.nodeid;
    totem.clear_node_high_bit = old.clear_node_high_bit;
    totem.netmtu = old.netmtu;
    totem.interfaces = old.interfaces;
    next.quorum.provider = running.quorum.provider;
    next.quorum.wait_for_all = running.quorum.wait_for_all;
    next.system = running.system;
}

ClusterConfig put_back(const ClusterConfig& running, const ClusterConfig& wanted,
                       std::vector<std::string>& notices) {
    auto next = wanted;
    const auto fix = [&](std::span<const std::string_view> names) {
        for (const auto name : names) {
            if (!same_value(running.find(name), wanted.find(name))) {
                notices.push_back(notice(name));
                put_back_key(running, name, next);
            }
        }
    };
    fix(kFixed);
    if (running.totem.secauth != wanted.totem.secauth) {
        fix(kSealing);
    }
    put_back_values(running, next);
    return next;
}

// Nodes may come and go; one that stays keeps its address, and this node its id.
std::vector<std::string> address_errors(const ResolvedConfig& running, const ResolvedConfig& next) {
    std::vector<std::string> errors;
    for (const auto& old : running.nodes) {
        const auto now = std::find_if(next.nodes.begin(), next.nodes.end(),
                                      [&](const auto& node) { return node.id == old.id; });
        if (now != next.nodes.end() && now->address != old.address) {
            errors.push_back("new config has different address for link 0 (addr changed from " +
                             old.address.to_string() + " to " + now->address.to_string() +
                             "). Internal value was NOT changed.");
        }
    }
    if (!errors.empty()) {
        errors.emplace_back(
            "Cannot configure new interface definitions: To reconfigure an interface it must be "
            "deleted and recreated. A working interface needs to be available to corosync at all "
            "times");
    }
    if (running.self != next.self) {
        errors.push_back("the id of this node cannot be changed at run-time (from " +
                         std::to_string(raw(running.self)) + " to " +
                         std::to_string(raw(next.self)) + ')');
    }
    return errors;
}

}  // namespace

ReloadPlan plan_reload(const RunningConfig& running, const ClusterConfig& wanted,
                       const HostFacts& facts, const ResolveOptions& options) {
    ReloadPlan plan;
    plan.next.cluster = put_back(running.cluster, wanted, plan.notices);
    auto resolved = resolve(plan.next.cluster, facts, options);
    for (const auto& problem : resolved.problems) {
        plan.errors.push_back(to_string(problem));
    }
    if (!resolved.config) {
        return plan;
    }
    plan.next.resolved = std::move(*resolved.config);
    plan.errors = address_errors(running.resolved, plan.next.resolved);
    return plan;
}

}  // namespace totem::config
