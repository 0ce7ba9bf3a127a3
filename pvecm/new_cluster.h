// The configuration of a cluster of one node, to which others are added later.
//
// It always says what the two dialects of corosync read differently when it is missing: transport
// and secauth.
//
// Source: pvecm.md 3 (result of create); config.md 16.
#pragma once

#include <cstdint>
#include <string>

#include "totem/config/address.h"
#include "totem/config/syntax.h"

namespace pvecm {

struct NewCluster {
    std::string name;
    std::string node;  // the first node's
    std::uint32_t nodeid = 1;
    std::uint32_t votes = 1;
    std::string address;  // as it is to stand in the file: numeric, or a host name
    std::string bind_address;
    totem::config::IpAddress::Family family = totem::config::IpAddress::Family::kV4;
};

// The top level of a configuration file.
[[nodiscard]] totem::config::Item tree_of(const NewCluster& cluster);

}  // namespace pvecm
