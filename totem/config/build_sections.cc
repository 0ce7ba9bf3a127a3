// Sections nodelist, quorum, logging and system.
#include <algorithm>
#include <array>
#include <utility>

#include "totem/config/build.h"
#include "totem/config/schema.h"

namespace totem::config {

namespace {

std::optional<std::uint32_t> optional32(const FlatConfig& flat, std::string_view name) {
    const auto* key = flat.find(name);
    return key == nullptr ? std::nullopt : std::optional{static_cast<std::uint32_t>(key->number)};
}

bool is_on(const FlatConfig& flat, std::string_view name) { return flat.number(name, 0) != 0; }

std::optional<LogPriority> priority(const FlatConfig& flat, const std::string& name) {
    constexpr std::array<std::string_view, 8> kNames{"emerg",   "alert",  "crit", "err",
                                                     "warning", "notice", "info", "debug"};
    const auto* const found = std::find(kNames.begin(), kNames.end(), flat.text(name));
    if (found == kNames.end()) {
        return std::nullopt;
    }
    return static_cast<LogPriority>(found - kNames.begin());
}

std::optional<bool> optional_flag(const FlatConfig& flat, const std::string& name) {
    return flat.has(name) ? std::optional{flat.flag(name, false)} : std::nullopt;
}

std::optional<std::string> optional_text(const FlatConfig& flat, const std::string& name) {
    const auto* key = flat.find(name);
    return key == nullptr ? std::nullopt : std::optional{key->text};
}

std::optional<LogDebug> debug(const FlatConfig& flat, const std::string& name) {
    const auto text = flat.text(name);
    if (text == "on") {
        return LogDebug::kOn;
    }
    if (text == "trace") {
        return LogDebug::kTrace;
    }
    return text == "off" ? std::optional{LogDebug::kOff} : std::nullopt;
}

LogTarget build_target(const FlatConfig& flat, const std::string& path, Report& report) {
    LogTarget target;
    target.to_stderr = optional_flag(flat, path + "to_stderr");
    target.to_syslog = optional_flag(flat, path + "to_syslog");
    target.to_logfile = optional_flag(flat, path + "to_logfile");
    target.logfile = optional_text(flat, path + "logfile");
    target.logfile_priority = priority(flat, path + "logfile_priority");
    target.syslog_priority = priority(flat, path + "syslog_priority");
    target.syslog_facility = optional_text(flat, path + "syslog_facility");
    target.debug = debug(flat, path + "debug");
    // The spellings of long ago.
    if (const auto* key = flat.find(path + "to_file")) {
        report.warning(key->line, "option 'to_file' is deprecated, use 'to_logfile'");
        if (!target.to_logfile) {
            target.to_logfile = flat.flag(key->name, false);
        }
    }
    if (const auto* key = flat.find(path + "syslog_level")) {
        report.warning(key->line, "option 'syslog_level' is deprecated, use 'syslog_priority'");
        if (!target.syslog_priority) {
            target.syslog_priority = priority(flat, key->name);
        }
    }
    return target;
}

void apply_defaults(LogTarget& target, Report& report, std::uint32_t logfile_line) {
    target.to_stderr = target.to_stderr.value_or(true);
    target.to_syslog = target.to_syslog.value_or(true);
    target.to_logfile = target.to_logfile.value_or(false);
    target.logfile_priority = target.logfile_priority.value_or(LogPriority::kInfo);
    target.syslog_priority = target.syslog_priority.value_or(LogPriority::kInfo);
    target.syslog_facility = target.syslog_facility.value_or("daemon");
    target.debug = target.debug.value_or(LogDebug::kOff);
    if (*target.to_logfile && !target.logfile.has_value()) {
        report.warning(logfile_line,
                       "to_logfile is on, but there is no logfile: nothing is written");
    }
    target.logfile = target.logfile.value_or("");
}

LogTimestamp timestamp(const FlatConfig& flat) {
    const auto text = flat.text("logging.timestamp", "hires");
    if (text == "hires") {
        return LogTimestamp::kHires;
    }
    return text == "on" ? LogTimestamp::kOn : LogTimestamp::kOff;
}

}  // namespace

std::vector<NodeConfig> build_nodes(const FlatConfig& flat) {
    std::vector<NodeConfig> nodes;
    for (const auto& section : flat.nodes) {
        const auto path = "nodelist.node." + std::to_string(section.number) + '.';
        NodeConfig node;
        node.pos = section.number;
        node.line = section.line;
        node.nodeid = optional32(flat, path + "nodeid").value_or(0);
        node.name = flat.text(path + "name");
        node.quorum_votes = optional32(flat, path + "quorum_votes").value_or(1);
        const auto& keys = flat.keys();
        for (auto at = keys.lower_bound(path); at != keys.end() && at->first.starts_with(path);
             ++at) {
            if (const auto link = ring_address_link(at->first.substr(path.size()))) {
                node.addresses.push_back({*link, at->second.text, at->second.line});
            }
        }
        std::sort(node.addresses.begin(), node.addresses.end(),
                  [](const auto& a, const auto& b) { return a.link < b.link; });
        nodes.push_back(std::move(node));
    }
    return nodes;
}

QuorumConfig build_quorum(const FlatConfig& flat) {
    QuorumConfig quorum;
    quorum.provider = flat.text("quorum.provider");
    quorum.expected_votes = optional32(flat, "quorum.expected_votes");
    quorum.votes = optional32(flat, "quorum.votes");
    quorum.two_node = is_on(flat, "quorum.two_node");
    if (flat.has("quorum.wait_for_all")) {
        quorum.wait_for_all = is_on(flat, "quorum.wait_for_all");
    }
    quorum.last_man_standing = is_on(flat, "quorum.last_man_standing");
    quorum.last_man_standing_window =
        optional32(flat, "quorum.last_man_standing_window").value_or(10000);
    quorum.auto_tie_breaker = is_on(flat, "quorum.auto_tie_breaker");
    quorum.auto_tie_breaker_node = flat.text("quorum.auto_tie_breaker_node", "lowest");
    quorum.allow_downscale = is_on(flat, "quorum.allow_downscale");
    quorum.expected_votes_tracking = is_on(flat, "quorum.expected_votes_tracking");
    quorum.device.model = flat.text("quorum.device.model");
    quorum.device.votes = optional32(flat, "quorum.device.votes");
    quorum.device.timeout = optional32(flat, "quorum.device.timeout").value_or(10000);
    quorum.device.sync_timeout = optional32(flat, "quorum.device.sync_timeout").value_or(30000);
    quorum.device.master_wins = is_on(flat, "quorum.device.master_wins");
    return quorum;
}

LoggingConfig build_logging(const FlatConfig& flat, Report& report) {
    LoggingConfig logging;
    logging.target = build_target(flat, "logging.", report);
    apply_defaults(logging.target, report, flat.line_of("logging.to_logfile"));
    logging.timestamp = timestamp(flat);
    logging.fileline = flat.flag("logging.fileline", false);
    logging.function_name = flat.flag("logging.function_name", false);
    for (const auto& name : flat.subsystems) {
        logging.subsystems.push_back(
            {name, build_target(flat, "logging.logger_subsys." + name + '.', report)});
    }
    return logging;
}

SystemConfig build_system(const FlatConfig& flat, Report& report) {
    SystemConfig system;
    const auto ipc = flat.text("system.qb_ipc_type", flat.text("qb.ipc_type", "native"));
    if (ipc == "socket") {
        system.qb_ipc_type = IpcType::kSocket;
        const auto* key = flat.find("system.qb_ipc_type");
        key = key == nullptr ? flat.find("qb.ipc_type") : key;
        report.warning(key->line, "IPC over sockets is not supported: shared memory is used");
    } else if (ipc == "shm") {
        system.qb_ipc_type = IpcType::kSharedMemory;
    }
    system.sched_rr = flat.flag("system.sched_rr", true);
    system.state_dir = flat.text("system.state_dir");
    const auto priority = flat.text("system.priority", "max");
    if (priority == "min") {
        system.priority_min = true;
    } else if (priority != "max") {
        const auto number = parse_number(priority, KeyType::kI32);
        if (!number) {
            report.problem(Stage::kTotem, flat.line_of("system.priority"),
                           "Priority value " + priority + " is invalid");
        } else {
            system.priority = static_cast<std::int32_t>(*number);
        }
    }
    return system;
}

}  // namespace totem::config
