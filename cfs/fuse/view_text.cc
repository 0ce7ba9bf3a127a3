#include "cfs/fuse/view_text.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace cfs {

namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json, int indent) {
    return json.dump(indent, ' ', true, Json::error_handler_t::replace);
}

std::string counter(std::string_view name, std::uint64_t value) {
    return json_quoted(std::string(name)) + ": " + std::to_string(value);
}

const char* name_of(GuestType type) {
    switch (type) {
        case GuestType::kQemu:
            return "qemu";
        case GuestType::kLxc:
            return "lxc";
        case GuestType::kOpenvz:
            break;
    }
    return "openvz";
}

Json numbers(const std::vector<NodeId>& nodes) {
    Json list = Json::array();
    for (const NodeId node : nodes) {
        list.push_back(totem::raw(node));
    }
    return list;
}

// Words for programs; to_string() has sentences for people.
const char* word_of(Obstacle obstacle) {
    static constexpr std::array<const char*, 13> kWords{
        "none",     "starting", "no-quorum", "foreign",   "exchange",     "insufficient", "behind",
        "conflict", "voting",   "newer",     "disk-full", "store-failed", "stopped"};
    return kWords.at(static_cast<std::size_t>(obstacle));
}

std::string status_versions_text(const ClusterInfo& cluster) {
    std::string text = "\"kvstore\": {\n";
    const char* between_nodes = "";
    for (const auto& [node, values] : cluster.status_versions) {
        text += between_nodes + json_quoted(node) + ": {\n";
        const char* between = "";
        for (const auto& [key, count] : values) {
            text += between + counter(key, count);
            between = ",\n";
        }
        text += "}";
        between_nodes = ",\n";
    }
    return text + "}\n";
}

}  // namespace

std::string json_quoted(const std::string& text) { return dumped(Json(text), -1); }

std::string version_text(std::uint64_t started, const ClusterInfo& cluster,
                         const PathVersions& versions) {
    std::string text = "{\n" + counter("starttime", started) + ",\n";
    text += counter("clinfo", cluster.version) + ",\n";
    text += counter("vmlist", versions.guests()) + ",\n";
    for (std::size_t i = 0; i < PathVersions::kWatched.size(); ++i) {
        text += counter(PathVersions::kWatched.at(i), versions.count(i)) + ",\n";
    }
    return text + status_versions_text(cluster) + "}\n";
}

std::string members_text(const std::string& node, const ClusterInfo& cluster) {
    std::string text = "{\n\"nodename\": " + json_quoted(node) + ",\n";
    if (cluster.name.empty()) {
        return text + "\"version\": 0\n}\n";
    }
    text += counter("version", cluster.version) + ",\n";
    text += "\"cluster\": { \"name\": " + json_quoted(cluster.name) + ", " +
            counter("version", cluster.config_version) + ", " +
            counter("nodes", cluster.nodes.size()) + ", " +
            counter("quorate", cluster.quorate ? 1 : 0) + " },\n";
    text += "\"nodelist\": {\n";
    const char* between = "";
    for (const ClusterNode& member : cluster.nodes) {
        text += std::string(between) + "  " + json_quoted(member.name) + ": { " +
                counter("id", totem::raw(member.id)) + ", " +
                counter("online", member.online ? 1 : 0);
        if (!member.address.empty()) {
            text += ", \"ip\": " + json_quoted(member.address);
        }
        text += "}";
        between = ",\n";
    }
    return text + "\n  }\n}\n";
}

std::string guests_text(const TreeView& view, const PathVersions& versions) {
    std::string text = "{\n" + counter("version", versions.guests());
    const std::vector<Guest> guests = view.guests();
    if (guests.empty()) {
        return text + "\n}\n";
    }
    text += ",\n\"ids\": {\n";
    const char* between = "";
    for (const Guest& guest : guests) {
        text += between + json_quoted(std::to_string(guest.id)) +
                ": { \"node\": " + json_quoted(guest.node) + ", \"type\": \"" +
                name_of(guest.type) + "\", " + counter("version", versions.guest(guest.id)) + " }";
        between = ",\n";
    }
    return text + "}\n\n}\n";
}

std::string status_text(const Status& status, const TreeView& view) {
    const Limits& limits = view.limits();
    const Json json{
        {"writable", status.obstacle == Obstacle::kNone},
        {"obstacle", word_of(status.obstacle)},
        {"waiting_for", numbers(status.waiting_for)},
        {"local", status.local},
        {"epoch", status.epoch},
        {"override", status.override_epoch},
        {"members", numbers(status.members)},
        {"synced", numbers(status.synced)},
        {"lagging", numbers(status.lagging)},
        {"version", view.version()},
        {"bytes", {{"used", view.summary().bytes}, {"limit", limits.total_bytes_max}}},
        {"inodes", {{"used", view.summary().inodes}, {"limit", limits.inodes_max}}},
    };
    return dumped(json, 2) + "\n";
}

std::string empty_log_text() { return "{\n\"data\": [\n]\n}\n"; }

}  // namespace cfs
