#include "pvecm/new_cluster.h"

#include <utility>
#include <vector>

namespace pvecm {

namespace {

using totem::config::Item;

Item key(std::string name, std::string value) {
    return {.name = std::move(name), .value = std::move(value)};
}

Item section(std::string name, std::vector<Item> items) {
    return {.name = std::move(name), .section = true, .items = std::move(items)};
}

}  // namespace

Item tree_of(const NewCluster& cluster) {
    const bool v4 = cluster.family == totem::config::IpAddress::Family::kV4;
    const Item node =
        section("node", {key("name", cluster.node), key("nodeid", std::to_string(cluster.nodeid)),
                         key("quorum_votes", std::to_string(cluster.votes)),
                         key("ring0_addr", cluster.address)});
    const Item interface =
        section("interface", {key("bindnetaddr", cluster.bind_address), key("ringnumber", "0")});
    return section(
        {},
        {section("logging", {key("debug", "off"), key("to_syslog", "yes")}),
         section("nodelist", {node}), section("quorum", {key("provider", "corosync_votequorum")}),
         section("totem", {key("cluster_name", cluster.name), key("config_version", "1"), interface,
                           key("ip_version", v4 ? "ipv4" : "ipv6"), key("secauth", "on"),
                           key("transport", "udpu"), key("version", "2")})});
}

}  // namespace pvecm
