#include "totem/daemon/link_config.h"

namespace totem::daemon {

namespace {

net::IpAddress to_net(const config::IpAddress& address) {
    net::IpAddress result;
    result.family = address.is_v4() ? net::IpAddress::Family::kV4 : net::IpAddress::Family::kV6;
    result.bytes = address.bytes;
    return result;
}

}  // namespace

net::LinkConfig link_config(const Configuration& configuration) {
    const config::ResolvedConfig& resolved = configuration.resolved;
    net::LinkConfig link;
    link.link = resolved.link.number;
    link.transport = resolved.transport == config::Transport::kUdp ? net::Transport::kUdp
                                                                   : net::Transport::kUdpu;
    link.self = resolved.self;
    link.local = to_net(resolved.link.local);
    link.port = resolved.link.port;
    for (const config::ResolvedNode& node : resolved.nodes) {
        link.peers.push_back({node.id, to_net(node.address)});
    }
    link.block_unlisted_ips = resolved.block_unlisted_ips;
    link.downcheck = std::chrono::milliseconds(resolved.timers.downcheck);
    if (resolved.link.multicast) {
        link.group = to_net(*resolved.link.multicast);
    }
    link.broadcast = resolved.link.broadcast;
    link.ttl = resolved.link.ttl;
    return link;
}

std::vector<NodeId> node_ids(const config::ResolvedConfig& resolved) {
    std::vector<NodeId> ids;
    for (const config::ResolvedNode& node : resolved.nodes) {
        ids.push_back(node.id);
    }
    return ids;
}

process::Scheduling scheduling_of(const config::SystemConfig& system) {
    process::Scheduling wish;
    wish.realtime = system.sched_rr;
    wish.least = system.priority_min;
    wish.priority = system.priority;
    return wish;
}

}  // namespace totem::daemon
