// Links, nodes and interfaces against each other; and the whole.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "totem/config/build.h"
#include "totem/config/timers.h"
#include "totem/core/types.h"

namespace totem::config {

namespace {

constexpr std::uint32_t kLinkMax = 7;

void wrong(Report& report, std::uint32_t line, std::string text) {
    report.problem(Stage::kTotem, line, std::move(text));
}

// Every link that the file mentions, with the line that mentions it first.
std::map<std::uint32_t, std::uint32_t> links_of(const ClusterConfig& config) {
    std::map<std::uint32_t, std::uint32_t> links;
    for (const auto& node : config.nodes) {
        for (const auto& address : node.addresses) {
            links.emplace(address.link, address.line);
        }
    }
    for (const auto& interface : config.totem.interfaces) {
        links.emplace(interface.number, interface.line);
    }
    // Those have a problem of their own.
    links.erase(links.upper_bound(kLinkMax), links.end());
    return links;
}

void check_link_count(const ClusterConfig& config, Report& report) {
    const auto links = links_of(config);
    if (links.size() <= 1) {
        return;
    }
    const auto line = std::next(links.begin())->second;
    const auto count = std::to_string(links.size());
    const auto* mode = config.find("totem.rrp_mode");
    const std::size_t allowed = mode == nullptr || mode->text == "none" ? 1 : 2;
    if (mode != nullptr && links.size() > allowed) {
        wrong(report, line,
              count + " is too many configured interfaces for the rrp_mode setting " + mode->text +
                  '.');
    } else {
        wrong(report, line,
              count +
                  " is too many configured interfaces for non-Knet transport. (Redundant rings "
                  "are not supported yet.)");
    }
    const bool all_named = std::all_of(config.nodes.begin(), config.nodes.end(),
                                       [](const auto& node) { return !node.name.empty(); });
    if (!all_named && config.totem.dialect == Dialect::kCorosync3) {
        wrong(report, line,
              "for a multi-link configuration, all nodes must have a 'name' attribute");
    }
}

void check_nodes(const ClusterConfig& config, Report& report) {
    std::set<std::uint32_t> ids;
    for (const auto& node : config.nodes) {
        for (const auto& address : node.addresses) {
            if (address.link > kLinkMax) {
                wrong(report, address.line,
                      "interface ring number " + std::to_string(address.link) +
                          " is bigger than allowed maximum " + std::to_string(kLinkMax));
            }
        }
        if (node.addresses.empty() || node.addresses.front().link != 0) {
            wrong(report, node.line, "No ring0_addr specified for node");
        }
        if (node.addresses.size() != config.nodes.front().addresses.size()) {
            wrong(report, node.line, "Not all nodes have the same number of links");
        }
        if (node.nodeid != 0 && !ids.insert(node.nodeid).second) {
            const auto key = "nodelist.node." + std::to_string(node.pos) + ".nodeid";
            wrong(report, config.line_of(key),
                  "Nodeid " + std::to_string(node.nodeid) + " appears twice in corosync.conf");
        }
    }
    if (config.nodes.size() > kProcessorsMax) {
        wrong(report, config.nodes[kProcessorsMax].line,
              std::to_string(config.nodes.size()) + " nodes are more than the " +
                  std::to_string(kProcessorsMax) + " that a ring can have");
    }
}

// The address to bind to is one that the nodelist has for this link, as in every file that pvecm
// makes: the two lines say the same, so there is nothing to tell.
bool is_listed(const ClusterConfig& config, const InterfaceConfig& interface) {
    return std::any_of(config.nodes.begin(), config.nodes.end(), [&](const NodeConfig& node) {
        return std::any_of(
            node.addresses.begin(), node.addresses.end(), [&](const RingAddress& address) {
                return address.link == interface.number && address.text == interface.bindnetaddr;
            });
    });
}

void check_interface(const ClusterConfig& config, const InterfaceConfig& interface,
                     Report& report) {
    const auto number = std::to_string(interface.number);
    const auto line_of = [&](std::string_view name) {
        return config.line_of("totem.interface." + number + '.' + std::string{name});
    };
    if (interface.ttl && config.totem.transport != Transport::kUdp) {
        wrong(report, line_of("ttl"),
              "Can only set ttl on multicast transport types for interface " + number);
    }
    if (interface.mcastport == 0) {
        wrong(report, line_of("mcastport"), "No multicast port specified for interface " + number);
    } else if (interface.mcastport == 1) {
        wrong(
            report, line_of("mcastport"),
            "mcastport 1 is too low for interface " + number + ": the port below it is used, too");
    }
    const bool nodelist = !config.nodes.empty() && !config.nodes_are_members;
    if (nodelist && !interface.bindnetaddr.empty() && !is_listed(config, interface)) {
        report.warning(line_of("bindnetaddr"),
                       "interface section bindnetaddr is used together with nodelist. Nodelist one "
                       "is going to be used. Please migrate config file to nodelist.");
    }
    if (!interface.members.empty()) {
        report.warning(line_of("member.0"),
                       nodelist ? "member section is used together with nodelist. Members ignored. "
                                  "Please migrate config file to nodelist."
                                : "member section is deprecated. Please migrate config file to "
                                  "nodelist.");
    }
}

// The nodes of an old udpu file, which has member sections instead of a nodelist.
void take_members(ClusterConfig& config) {
    const auto& interfaces = config.totem.interfaces;
    if (!config.nodes.empty() || interfaces.empty()) {
        return;
    }
    for (const auto& member : interfaces.front().members) {
        const auto pos = static_cast<std::uint32_t>(config.nodes.size());
        const auto line =
            config.line_of("totem.interface." + std::to_string(interfaces.front().number) +
                           ".member." + std::to_string(pos));
        NodeConfig node;
        node.pos = pos;
        node.line = line;
        node.addresses.push_back({0, member, line});
        config.nodes.push_back(std::move(node));
    }
    config.nodes_are_members = !config.nodes.empty();
}

}  // namespace

void check_links(const ClusterConfig& config, Report& report) {
    check_nodes(config, report);
    check_link_count(config, report);
    for (const auto& interface : config.totem.interfaces) {
        check_interface(config, interface, report);
    }
    if (config.totem.nodeid != 0 && !config.nodes.empty() && !config.nodes_are_members) {
        report.warning(config.line_of("totem.nodeid"),
                       "nodeid in totem section is deprecated and ignored");
    }
}

ClusterConfig build_config(const FlatConfig& flat, Report& report) {
    ClusterConfig config;
    config.file = report.file();
    for (const auto& [name, key] : flat.keys()) {
        if (name != "totem.key") {
            config.keys.push_back(key);
        }
    }
    config.totem = build_totem(flat, report);
    config.nodes = build_nodes(flat);
    take_members(config);
    config.quorum = build_quorum(flat);
    config.logging = build_logging(flat, report);
    config.uidgid = flat.uidgid;
    config.system = build_system(flat, report);
    check_links(config, report);
    check_timers(config, report);
    return config;
}

const Key* ClusterConfig::find(std::string_view name) const {
    const auto found =
        std::lower_bound(keys.begin(), keys.end(), name,
                         [](const Key& key, std::string_view wanted) { return key.name < wanted; });
    return found == keys.end() || found->name != name ? nullptr : &*found;
}

std::uint32_t ClusterConfig::line_of(std::string_view name) const {
    const auto* key = find(name);
    return key == nullptr ? 0 : key->line;
}

}  // namespace totem::config
