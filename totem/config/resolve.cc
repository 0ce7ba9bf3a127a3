#include "totem/config/resolve.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "totem/config/local_node.h"
#include "totem/config/runtime_keys.h"
#include "totem/config/schema.h"

namespace totem::config {

namespace {

constexpr std::size_t kHeadersV4 = 28;  // IP and UDP
constexpr std::size_t kHeadersV6 = 48;
constexpr std::size_t kTwoDataHeaders = 90;  // a recovery frame carries a second one
constexpr std::size_t kFrameDataMin = 256;
// What a datagram, and a receiver of corosync 3.1, takes.
constexpr std::uint32_t kNetmtuMax = 65000;
constexpr std::uint16_t kPort = 5405;

class Resolver {
  public:
    Resolver(const ClusterConfig& config, const HostFacts& facts, const ResolveOptions& options)
        : config_(config), facts_(facts), options_(options), report_(config.file) {}

    [[nodiscard]] ResolveResult run();

  private:
    void nodes();
    void node(const NodeConfig& given);
    void families();
    void ids();
    void link(const IpAddress& local);
    void multicast(const InterfaceConfig* interface);
    void frame_size(const IpAddress& local);
    void users();

    [[nodiscard]] std::optional<IpAddress> address_of(const std::string& text) const;
    [[nodiscard]] NodeId id_of(const NodeConfig& given, const IpAddress& address);
    void wrong(std::uint32_t line, std::string text) {
        report_.problem(Stage::kTotem, line, std::move(text));
    }

    const ClusterConfig& config_;
    const HostFacts& facts_;
    const ResolveOptions& options_;
    Report report_;
    ResolvedConfig out_;
    std::vector<Key> uidgid_;
};

std::optional<IpAddress> Resolver::address_of(const std::string& text) const {
    if (const auto numeric = IpAddress::parse(text)) {
        return choose_address({*numeric}, config_.totem.ip_version);
    }
    const auto found = facts_.resolved.find(text);
    return found == facts_.resolved.end() ? std::nullopt
                                          : choose_address(found->second, config_.totem.ip_version);
}

NodeId Resolver::id_of(const NodeConfig& given, const IpAddress& address) {
    if (given.nodeid != 0) {
        return NodeId{given.nodeid};
    }
    if (!address.is_v4()) {
        wrong(given.line, "An IPV6 network requires that a node ID be specified for address '" +
                              address.to_string() + "'.");
        return kNoNode;
    }
    constexpr std::uint32_t kAllButHighBit = 0x7FFFFFFFU;
    const auto value = address.v4_value();
    const auto id = NodeId{config_.totem.clear_node_high_bit ? value & kAllButHighBit : value};
    if (id == kNoNode) {
        wrong(given.line, "the node id made of " + address.to_string() + " is 0: give a nodeid");
    }
    return id;
}

void Resolver::node(const NodeConfig& given) {
    if (given.addresses.empty()) {
        return;
    }
    const auto& text = given.addresses.front().text;
    const auto address = address_of(text);
    if (!address || !address->is_host()) {
        wrong(given.addresses.front().line, "failed to parse node address '" + text + '\'');
        return;
    }
    out_.nodes.push_back({.id = id_of(given, *address),
                          .name = given.name,
                          .address_text = text,
                          .address = *address,
                          .votes = given.quorum_votes,
                          .pos = given.pos});
}

void Resolver::nodes() {
    if (config_.nodes.empty()) {
        wrong(0,
              config_.totem.interfaces.empty()
                  ? "No interfaces defined"
                  : "No valid name found for local host: a nodelist is needed, add one with a node "
                    "section for every node");
        return;
    }
    if (config_.nodes_are_members && config_.totem.nodeid != 0) {
        wrong(config_.line_of("totem.nodeid"),
              "nodeid without a nodelist is not supported: the ids of the other nodes are not "
              "known. Add a nodelist");
    }
    for (const auto& given : config_.nodes) {
        node(given);
    }
}

void Resolver::families() {
    for (const auto& one : out_.nodes) {
        const auto& first = out_.nodes.front().address;
        if (one.address.family != first.family) {
            wrong(config_.nodes[one.pos].line,
                  "Nodes for link 0 have different IP families (compared " +
                      one.address.to_string() + " with " + first.to_string() + ')');
            return;
        }
    }
}

// Ids and addresses that only now are known: two names may be one address.
void Resolver::ids() {
    std::set<NodeId> ids;
    std::map<IpAddress, const ResolvedNode*> addresses;
    for (const auto& one : out_.nodes) {
        const auto& given = config_.nodes[one.pos];
        const auto id_line =
            config_.line_of("nodelist.node." + std::to_string(one.pos) + ".nodeid");
        const auto line = id_line != 0 ? id_line : given.line;
        const auto [before, fresh] = addresses.emplace(one.address, &one);
        if (!fresh) {
            wrong(given.addresses.front().line,
                  "address " + one.address.to_string() + " appears twice in the nodelist (" +
                      before->second->address_text + " and " + one.address_text + ')');
        } else if (one.id != kNoNode && !ids.insert(one.id).second) {
            wrong(line,
                  "Nodeid " + std::to_string(raw(one.id)) + " appears twice in corosync.conf");
        }
    }
}

void Resolver::multicast(const InterfaceConfig* interface) {
    auto& link = out_.link;
    const auto line = [&](std::string_view name) {
        return config_.line_of("totem.interface.0." + std::string{name});
    };
    if (interface != nullptr && interface->broadcast) {
        link.broadcast = true;
        if (!link.local.is_v4()) {
            wrong(line("broadcast"), "broadcast needs IPv4 addresses for interface 0");
        }
        return;
    }
    if (interface == nullptr || interface->mcastaddr.empty()) {
        if (config_.totem.cluster_name.empty()) {
            wrong(0, "No multicast address specified for interface 0");
            return;
        }
        link.multicast =
            multicast_address(config_.totem.cluster_name, LinkId{0}, link.local.family);
        return;
    }
    link.multicast = IpAddress::parse(interface->mcastaddr);
    if (!link.multicast || !choose_address({*link.multicast}, config_.totem.ip_version)) {
        wrong(line("mcastaddr"), "failed to parse mcast address '" + interface->mcastaddr + '\'');
    } else if (!link.multicast->is_multicast()) {
        wrong(line("mcastaddr"), "mcastaddr is not a correct multicast address for interface 0");
    } else if (link.multicast->family != link.local.family) {
        wrong(line("mcastaddr"),
              "Multicast address family does not match bind address family for interface 0");
    }
}

void Resolver::link(const IpAddress& local) {
    const auto& interfaces = config_.totem.interfaces;
    const auto* interface = interfaces.empty() ? nullptr : &interfaces.front();
    out_.transport = config_.totem.transport;
    out_.link.local = local;
    out_.link.port = kPort;
    if (interface != nullptr) {
        out_.link.port = interface->mcastport.value_or(kPort);
        out_.link.ttl = interface->ttl.value_or(1);
    }
    if (out_.transport == Transport::kUdp) {
        multicast(interface);
    }
}

void Resolver::frame_size(const IpAddress& local) {
    const std::size_t spent = (local.is_v4() ? kHeadersV4 : kHeadersV6) +
                              (config_.totem.secauth ? options_.seal_bytes : 0) + kTwoDataHeaders;
    const std::size_t netmtu = config_.totem.netmtu;
    if (netmtu < spent + kFrameDataMin || netmtu > kNetmtuMax) {
        wrong(config_.line_of("totem.netmtu"),
              "netmtu " + std::to_string(netmtu) + " is not between " +
                  std::to_string(spent + kFrameDataMin) + " and " + std::to_string(kNetmtuMax));
        return;
    }
    out_.ring.frame_data_max = netmtu - spent;
}

void Resolver::users() {
    for (const auto& entry : config_.uidgid) {
        const auto& known = entry.group ? facts_.groups : facts_.users;
        const auto found = known.find(entry.text);
        auto id = parse_number(entry.text, KeyType::kU32);
        if (!id && found != known.end()) {
            id = found->second;
        }
        if (!id) {
            const auto* what = entry.group ? "group is not found in /etc/group"
                                           : "user is not found in /etc/passwd";
            report_.problem(
                Problem{Stage::kParser, entry.file, entry.line,
                        "The '" + entry.text + "' " + what + ", please read the documentation."});
            continue;
        }
        uidgid_.push_back(
            {std::string{"uidgid.config."} + (entry.group ? "gid." : "uid.") + std::to_string(*id),
             KeyType::kU8, 1, "1", entry.line});
    }
}

ResolveResult Resolver::run() {
    users();
    nodes();
    families();
    ids();
    LocalNode local{std::nullopt, true};
    if (!out_.nodes.empty()) {
        local = find_local_node(config_, out_.nodes, facts_, options_, report_);
    }
    if (local.index) {
        const auto& self = out_.nodes[*local.index];
        link(self.address);
        frame_size(self.address);
        out_.local_index = *local.index;
        out_.self = out_.ring.self = self.id;
        out_.secauth = config_.totem.secauth;
        out_.block_unlisted_ips = config_.totem.block_unlisted_ips;
        out_.timers = effective_timers(config_);
        apply_timers(out_.timers, out_.ring);
        out_.ring.cancel_token_hold_on_retransmit = config_.totem.cancel_token_hold_on_retransmit;
        out_.keys = runtime_keys(config_, out_);
        out_.keys.insert(out_.keys.end(), uidgid_.begin(), uidgid_.end());
    }
    report_.sort();
    ResolveResult result{std::nullopt, report_.problems(), report_.warnings(), local.absent};
    if (report_.ok()) {
        result.config = std::move(out_);
    }
    return result;
}

void add_once(std::vector<std::string>& list, const std::string& text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) {
        list.push_back(text);
    }
}

}  // namespace

Lookups lookups(const ClusterConfig& config) {
    Lookups wanted;
    for (const auto& node : config.nodes) {
        for (const auto& address : node.addresses) {
            if (!IpAddress::parse(address.text)) {
                add_once(wanted.names, address.text);
            }
        }
    }
    for (const auto& entry : config.uidgid) {
        if (!parse_number(entry.text, KeyType::kU32)) {
            add_once(entry.group ? wanted.groups : wanted.users, entry.text);
        }
    }
    return wanted;
}

ResolveResult resolve(const ClusterConfig& config, const HostFacts& facts,
                      const ResolveOptions& options) {
    return Resolver{config, facts, options}.run();
}

std::vector<Key> merged_keys(const ClusterConfig& config, const ResolvedConfig& resolved) {
    std::map<std::string, Key> keys;
    for (const auto* list : {&config.keys, &resolved.keys}) {
        for (const auto& key : *list) {
            keys.insert_or_assign(key.name, key);
        }
    }
    std::vector<Key> merged;
    std::transform(keys.begin(), keys.end(), std::back_inserter(merged),
                   [](const auto& entry) { return entry.second; });
    return merged;
}

IpAddress multicast_address(const std::string& cluster_name, LinkId link,
                            IpAddress::Family family) {
    // As corosync counts: characters are signed, the sum wraps at 32 bits, 16 of them are kept.
    std::uint32_t sum = 0;
    for (const char c : cluster_name) {
        sum = 2 * sum + static_cast<std::uint32_t>(static_cast<signed char>(c));
    }
    const std::uint32_t id = (sum + static_cast<std::uint32_t>(link)) & 0xFFFFU;
    if (family == IpAddress::Family::kV4) {
        // Modulo 255, not 256: that is what every node of a cluster computes.
        return IpAddress::v4((239U << 24U) | (192U << 16U) | ((id >> 8U) << 8U) | (id % 255U));
    }
    IpAddress address{IpAddress::Family::kV6, {0xFF, 0x15}};
    address.bytes[14] = static_cast<std::uint8_t>(id >> 8U);
    address.bytes[15] = static_cast<std::uint8_t>(id & 0xFFU);
    return address;
}

std::optional<IpAddress> choose_address(const std::vector<IpAddress>& addresses,
                                        IpVersion version) {
    const auto first_of = [&](bool v4) -> std::optional<IpAddress> {
        const auto found = std::find_if(addresses.begin(), addresses.end(),
                                        [&](const auto& one) { return one.is_v4() == v4; });
        return found == addresses.end() ? std::nullopt : std::optional{*found};
    };
    switch (version) {
        case IpVersion::kV4:
            return first_of(true);
        case IpVersion::kV6:
            return first_of(false);
        case IpVersion::kV4ThenV6:
        case IpVersion::kV6ThenV4:
            break;
    }
    const bool v4_first = version == IpVersion::kV4ThenV6;
    const auto first = first_of(v4_first);
    return first ? first : first_of(!v4_first);
}

}  // namespace totem::config
