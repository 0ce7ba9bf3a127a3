// A ClusterConfig and the facts of this host to what the node runs with: who it is, where everybody
// is, the ring's parameters.
//
// Pure: the host looks up names, interfaces and users beforehand (lookups() says which) and gives
// them in as HostFacts.
//
// Source: config.md 10, 11; wire.md 1, 1.1, 1.2, 2.5; totem.md 2; architecture.md 4.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "totem/config/address.h"
#include "totem/config/cluster_config.h"
#include "totem/config/problem.h"
#include "totem/config/timers.h"
#include "totem/core/config.h"
#include "totem/core/types.h"

namespace totem::config {

// An address of a local interface.
struct HostInterface {
    std::string name;
    IpAddress address;
    unsigned prefix = 0;
    bool up = true;
};

struct HostFacts {
    std::string hostname;
    std::vector<HostInterface> interfaces;
    // What the resolver answered for each of Lookups::names; one without an address may be absent.
    std::map<std::string, std::vector<IpAddress>, std::less<>> resolved;
    // Ids of Lookups::users and Lookups::groups; one that does not exist is absent.
    std::map<std::string, std::uint32_t, std::less<>> users;
    std::map<std::string, std::uint32_t, std::less<>> groups;
};

// What the host has to look up; numeric addresses and ids are not among them.
struct Lookups {
    std::vector<std::string> names;
    std::vector<std::string> users;
    std::vector<std::string> groups;
};
[[nodiscard]] Lookups lookups(const ClusterConfig& config);

struct ResolveOptions {
    // What sealing adds to a frame (packet_seal.h); used when the file asks for secauth.
    std::size_t seal_bytes = 0;
    // This host is that node, whatever names and addresses say; kNoNode = find out. It is how
    // several nodes live on one host.
    NodeId local_node = kNoNode;
};

struct ResolvedNode {
    NodeId id = kNoNode;
    std::string name;          // as in the file; may be empty
    std::string address_text;  // ring0_addr as in the file
    IpAddress address;
    std::uint32_t votes = 1;
    std::uint32_t pos = 0;
};

// The one network of the ring.
struct ResolvedLink {
    LinkId number{};
    IpAddress local;                     // of this node
    std::uint16_t port = 5405;           // and, with udp, the one below it
    std::optional<IpAddress> multicast;  // udp, unless broadcast
    bool broadcast = false;
    std::uint8_t ttl = 1;
};

struct ResolvedConfig {
    NodeId self = kNoNode;
    std::size_t local_index = 0;      // index in `nodes`
    std::vector<ResolvedNode> nodes;  // in file order
    Transport transport = Transport::kUdpu;
    ResolvedLink link;
    bool secauth = false;
    bool block_unlisted_ips = true;
    EffectiveTimers timers;
    RingConfig ring;  // complete but for the seed
    // Keys that depend on the host: nodelist.local_node_pos, totem.interface.0.*, runtime.config.*,
    // uidgid.config.*. By name; together with ClusterConfig::keys they are the file's whole part of
    // the configuration map (merged_keys()).
    std::vector<Key> keys;
};

struct ResolveResult {
    std::optional<ResolvedConfig> config;  // there is one exactly when there are no problems
    std::vector<Problem> problems;
    std::vector<Warning> warnings;
    bool local_absent = false;  // no node of the file is this host
};

[[nodiscard]] ResolveResult resolve(const ClusterConfig& config, const HostFacts& facts,
                                    const ResolveOptions& options);

// The keys of both, by name; what was resolved replaces what the file says.
[[nodiscard]] std::vector<Key> merged_keys(const ClusterConfig& config,
                                           const ResolvedConfig& resolved);

// The group address that corosync derives from a cluster's name (wire.md 1.1).
[[nodiscard]] IpAddress multicast_address(const std::string& cluster_name, LinkId link,
                                          IpAddress::Family family);

// The first address of the wanted family, as getaddrinfo with ip_version would give it.
[[nodiscard]] std::optional<IpAddress> choose_address(const std::vector<IpAddress>& addresses,
                                                      IpVersion version);

}  // namespace totem::config
