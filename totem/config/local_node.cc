#include "totem/config/local_node.h"

#include <algorithm>
#include <string>

namespace totem::config {

namespace {

using Indices = std::vector<std::size_t>;

// What a node is called: its name or, when it has none, its address as written.
const std::string& called(const ResolvedNode& node) {
    return node.name.empty() ? node.address_text : node.name;
}

template <typename Matches>
Indices matching(const std::vector<ResolvedNode>& nodes, Matches matches) {
    Indices found;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (matches(nodes[i])) {
            found.push_back(i);
        }
    }
    return found;
}

std::string_view short_name(std::string_view name) { return name.substr(0, name.find('.')); }

// The first of corosync's rules that finds somebody: the whole host name, the host name cut at its
// last dot again and again, the short name of both.
Indices by_name(const std::vector<ResolvedNode>& nodes, std::string_view hostname) {
    if (hostname.empty()) {
        return {};
    }
    for (auto name = hostname;; name = name.substr(0, name.rfind('.'))) {
        auto found = matching(nodes, [&](const auto& node) { return called(node) == name; });
        if (!found.empty()) {
            return found;
        }
        if (name.find('.') == std::string_view::npos) {
            break;
        }
    }
    return matching(nodes, [&](const auto& node) {
        return !node.name.empty() && short_name(node.name) == short_name(hostname);
    });
}

std::string describe(const ResolvedNode& node) {
    return called(node) + " (" + node.address.to_string() + ')';
}

class Search {
  public:
    Search(const ClusterConfig& config, const std::vector<ResolvedNode>& nodes, Report& report)
        : config_(config), nodes_(nodes), report_(report) {}

    LocalNode decide(const Indices& addressed, const Indices& named);

  private:
    std::optional<std::size_t> only(const Indices& found, const Indices& named);
    void warn(std::size_t index, std::string text) {
        report_.warning(config_.nodes[nodes_[index].pos].line, std::move(text));
    }

    const ClusterConfig& config_;
    const std::vector<ResolvedNode>& nodes_;
    Report& report_;
};

LocalNode Search::decide(const Indices& addressed, const Indices& named) {
    if (addressed.empty() && named.empty()) {
        report_.problem(Stage::kTotem, 0, "No valid name found for local host");
        return {std::nullopt, true};
    }
    if (addressed.empty()) {
        const auto index = only(named, named);
        if (index) {
            warn(*index, "this host is node " + describe(nodes_[*index]) +
                             " by its name, but no interface has that address");
        }
        return {index, false};
    }
    const auto index = only(addressed, named);
    const bool disagree =
        index && !named.empty() && std::find(named.begin(), named.end(), *index) == named.end();
    if (disagree) {
        warn(*index, "this host is node " + describe(nodes_[*index]) +
                         " by its address, but its name is that of node " +
                         describe(nodes_[named.front()]));
    }
    return {index, false};
}

// Of several that match, the one that the name or totem.nodeid points to as well.
std::optional<std::size_t> Search::only(const Indices& found, const Indices& named) {
    if (found.size() == 1) {
        return found.front();
    }
    Indices both;
    std::set_intersection(found.begin(), found.end(), named.begin(), named.end(),
                          std::back_inserter(both));
    if (both.size() == 1) {
        return both.front();
    }
    for (const auto index : found) {
        if (config_.totem.nodeid != 0 && raw(nodes_[index].id) == config_.totem.nodeid) {
            return index;
        }
    }
    report_.problem(Stage::kTotem, config_.nodes[nodes_[found[1]].pos].line,
                    "this host is node " + describe(nodes_[found[0]]) + " and node " +
                        describe(nodes_[found[1]]) + " of the nodelist: only one can be meant");
    return std::nullopt;
}

}  // namespace

bool is_local_address(const HostFacts& facts, const IpAddress& address) {
    return std::any_of(facts.interfaces.begin(), facts.interfaces.end(), [&](const auto& one) {
        return one.address == address ||
               (one.address.is_loopback_v4() && address.is_loopback_v4() &&
                one.address.same_network(address, one.prefix));
    });
}

LocalNode find_local_node(const ClusterConfig& config, const std::vector<ResolvedNode>& nodes,
                          const HostFacts& facts, const ResolveOptions& options, Report& report) {
    if (options.local_node != kNoNode) {
        const auto found =
            matching(nodes, [&](const auto& node) { return node.id == options.local_node; });
        if (found.empty()) {
            report.problem(Stage::kTotem, 0,
                           "node " + std::to_string(raw(options.local_node)) +
                               ", which this host is told to be, is not in the nodelist");
            return {std::nullopt, true};
        }
        return {found.front(), false};
    }
    const auto addressed =
        matching(nodes, [&](const auto& node) { return is_local_address(facts, node.address); });
    Search search{config, nodes, report};
    return search.decide(addressed, by_name(nodes, facts.hostname));
}

}  // namespace totem::config
