// `pvecm create NAME`: the configuration and the key of a new cluster, with this node in it.
//
// Everything is checked before anything is written, with the parser and the rules of the cluster
// engine itself: what is written starts. Neither file is ever replaced.
//
// Source: pvecm.md 3 and 4 (create), section 5 for the texts about addresses.
#include <algorithm>
#include <array>
#include <filesystem>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

#include "pvecm/commands/all.h"
#include "pvecm/config_text.h"
#include "pvecm/key_file.h"
#include "pvecm/local_lock.h"
#include "pvecm/new_cluster.h"
#include "pvecm/new_file.h"
#include "totem/config/examine.h"
#include "totem/net/packet_seal.h"

namespace pvecm {

namespace {

using totem::Result;
using totem::Unexpected;
using totem::config::IpAddress;

// Options that the manuals know.
constexpr std::array<const char*, 3> kSecondNetwork{"bindnet1_addr", "link1", "ring1_addr"};
constexpr const char* kNotYet = "A second network: not supported yet.";

struct Address {
    std::string text;  // as given
    IpAddress value;
};

// ::1 is written by the resolver for many hosts, too.
bool is_loopback(const IpAddress& address) {
    return address.is_loopback_v4() || address == IpAddress::parse("::1");
}

Result<Address, std::string> resolve(Host& host, const std::string& text) {
    if (const auto numeric = IpAddress::parse(text)) {
        return Address{text, *numeric};
    }
    const auto found = host.look_up(text);
    const auto usable = std::find_if(found.begin(), found.end(),
                                     [](const IpAddress& one) { return !is_loopback(one); });
    if (usable != found.end()) {
        return Address{text, *usable};
    }
    return Unexpected{"hostname lookup '" + text + "' failed - " +
                      (found.empty()
                           ? std::string{"the name has no address"}
                           : "got local IP address '" + found.front().to_string() + '\'')};
}

// The address of the ring: given, or the one that the own name has.
Result<Address, std::string> ring_address(Host& host, const std::string& own_name,
                                          const Values& values) {
    const auto* ring0 = values.find("ring0_addr");
    const auto* link0 = values.find("link0");
    if (ring0 != nullptr && link0 != nullptr) {
        return Unexpected<std::string>{"ring0_addr and link0 mean the same: give one of them"};
    }
    if (ring0 != nullptr || link0 != nullptr) {
        return resolve(host, ring0 != nullptr ? *ring0 : address_of_link(*link0));
    }
    auto own = resolve(host, own_name);
    if (!own) {
        return Unexpected{own.error() +
                          "\nEnter the address of this node in /etc/hosts, or give it: "
                          "-ring0_addr ADDRESS"};
    }
    return Address{own->value.to_string(), own->value};
}

Result<NewCluster, std::string> plan(Host& host, const Values& values) {
    for (const auto* second : kSecondNetwork) {
        if (values.find(second) != nullptr) {
            return Unexpected{"a second network is not supported yet: leave out -" +
                              std::string{second}};
        }
    }
    const std::string host_name = host.host_name();
    NewCluster cluster;
    cluster.name = values.text("clustername");
    cluster.node = host_name.substr(0, host_name.find('.'));
    cluster.nodeid = values.number("nodeid", 1);
    cluster.votes = values.number("votes", 1);
    if (!is_node_name(cluster.node)) {
        return Unexpected{"the host name '" + host_name +
                          "' is no node name: letters, digits and inner hyphens only"};
    }
    const auto address = ring_address(host, cluster.node, values);
    if (!address) {
        return Unexpected{address.error()};
    }
    cluster.address = address->text;
    cluster.family = address->value.family;
    cluster.bind_address = address->value.to_string();
    if (const auto* given = values.find("bindnet0_addr")) {
        const auto bind = resolve(host, *given);
        if (!bind) {
            return Unexpected{bind.error()};
        }
        if (bind->value.family != cluster.family) {
            return Unexpected<std::string>{"ring 0 addresses must be from same IP family!"};
        }
        cluster.bind_address = bind->value.to_string();
    }
    return cluster;
}

// What the cluster engine would say of the text; empty when it would start with it.
std::string verdict_on(Host& host, const std::string& text, const std::string& path) {
    auto loaded = totem::config::parse(text, path);
    if (!loaded.draft) {
        return "the configuration cannot be read back";
    }
    const auto facts = host.facts_for(*loaded.draft);
    const totem::config::ResolveOptions options{.seal_bytes = totem::net::kSealBytes,
                                                .local_node = totem::kNoNode};
    const auto verdict = totem::config::examine(std::move(loaded), facts, options);
    std::string lines;
    for (const auto& problem : verdict.problems) {
        lines += (lines.empty() ? "" : "\n") + to_string(problem);
    }
    if (!verdict.resolved) {
        return lines;
    }
    const auto& local = verdict.resolved->link.local;
    const auto times = std::count_if(facts.interfaces.begin(), facts.interfaces.end(),
                                     [&](const auto& one) { return one.address == local; });
    return times == 1 ? std::string{}
                      : "ring0: cannot use IP '" + local.to_string() +
                            "', it must be configured exactly once on local node!";
}

// Both files, or none.
std::string write(Context& context, const std::string& text) {
    std::error_code ignored;
    const bool made_key = std::filesystem::symlink_status(context.key_path, ignored).type() ==
                          std::filesystem::file_type::not_found;
    if (const auto problem = made_key ? make_key_file(context.host, context.key_path)
                                      : check_key_file(context.key_path)) {
        return "no authentication key available: " + *problem;
    }
    context.out << (made_key ? "Writing corosync key to " : "Using the corosync key in ")
                << context.key_path << "\nWriting corosync config to " << context.config.path()
                << '\n';
    if (const auto problem = context.config.create(text)) {
        if (made_key) {
            remove_file(context.key_path);
        }
        return *problem;
    }
    return {};
}

int fail(Context& context, const std::string& text) {
    context.err << text << '\n';
    return kFailed;
}

int run_create(Context& context, const Values& values) {
    const auto lock = LocalLock::take(context.lock_path);
    if (!lock) {
        return fail(context, lock.error());
    }
    if (context.config.exists()) {
        return fail(context, "cluster config '" + context.config.path() + "' already exists");
    }
    const auto cluster = plan(context.host, values);
    if (!cluster) {
        return fail(context, cluster.error());
    }
    const std::string text = config_text(tree_of(*cluster));
    if (const auto wrong = verdict_on(context.host, text, context.config.path()); !wrong.empty()) {
        return fail(context, wrong);
    }
    if (const auto problem = write(context, text); !problem.empty()) {
        return fail(context, problem);
    }
    context.out << "Next: systemctl enable --now totemd, then pvecm status\n";
    return kDone;
}

}  // namespace

Command create_command() {
    return {"create",
            "Make the configuration and the key of a new cluster with this node in it.",
            {.arguments = {{"clustername", Format::kClusterName, "The name of the cluster."}},
             .options = {{"bindnet0_addr", Format::kAddress,
                          "Network that the ring uses; the node's address when not given."},
                         {"bindnet1_addr", Format::kAddress, kNotYet},
                         {"link0", Format::kLink, "The same as -ring0_addr."},
                         {"link1", Format::kLink, kNotYet},
                         {"nodeid", Format::kInteger, "Number of this node; 1 when not given.", 1},
                         {"ring0_addr", Format::kAddress,
                          "Address of this node; what its name resolves to when not given."},
                         {"ring1_addr", Format::kAddress, kNotYet},
                         {"rrp_mode", Format::kWord,
                          "Accepted for old scripts; without effect on one network.", 0, 0,
                          "none|active|passive"},
                         {"votes", Format::kInteger, "Votes of this node; 1 when not given.", 1}}},
            run_create};
}

}  // namespace pvecm
