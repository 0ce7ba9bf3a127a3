// Section totem and its interfaces.
#include <algorithm>
#include <array>

#include "totem/config/build.h"
#include "totem/config/dialect.h"
#include "totem/config/schema.h"

namespace totem::config {

namespace {

constexpr std::size_t kKeyCharactersMin = 128;
constexpr std::size_t kKeyCharactersMax = 4096;
constexpr std::uint32_t kNetmtu = 1500;

std::uint32_t number32(const FlatConfig& flat, std::string_view name, std::uint32_t otherwise) {
    return static_cast<std::uint32_t>(flat.number("totem." + std::string{name}, otherwise));
}

TotemTimers build_timers(const FlatConfig& flat) {
    const TotemTimers defaults;
    TotemTimers timers;
    timers.token = number32(flat, "token", 0);
    timers.token_coefficient = number32(flat, "token_coefficient", defaults.token_coefficient);
    timers.token_warning = number32(flat, "token_warning", defaults.token_warning);
    timers.token_retransmit = number32(flat, "token_retransmit", 0);
    timers.token_retransmits_before_loss = number32(flat, "token_retransmits_before_loss_const",
                                                    defaults.token_retransmits_before_loss);
    timers.hold = number32(flat, "hold", 0);
    timers.join = number32(flat, "join", defaults.join);
    timers.send_join = number32(flat, "send_join", 0);
    timers.consensus = number32(flat, "consensus", 0);
    timers.merge = number32(flat, "merge", defaults.merge);
    timers.downcheck = number32(flat, "downcheck", defaults.downcheck);
    timers.fail_recv_const = number32(flat, "fail_recv_const", defaults.fail_recv_const);
    timers.seqno_unchanged_const =
        number32(flat, "seqno_unchanged_const", defaults.seqno_unchanged_const);
    timers.window_size = number32(flat, "window_size", defaults.window_size);
    timers.max_messages = number32(flat, "max_messages", defaults.max_messages);
    timers.miss_count_const = number32(flat, "miss_count_const", defaults.miss_count_const);
    timers.max_network_delay = number32(flat, "max_network_delay", defaults.max_network_delay);
    return timers;
}

IpVersion build_ip_version(const FlatConfig& flat, Transport transport, Dialect dialect) {
    const auto text = flat.text("totem.ip_version");
    if (text == "ipv4") {
        return IpVersion::kV4;
    }
    if (text == "ipv6") {
        return IpVersion::kV6;
    }
    if (text == "ipv4-6") {
        return IpVersion::kV4ThenV6;
    }
    if (text == "ipv6-4") {
        return IpVersion::kV6ThenV4;
    }
    const bool only_v4 = transport == Transport::kUdp || dialect == Dialect::kCorosync24;
    return only_v4 ? IpVersion::kV4 : IpVersion::kV6ThenV4;
}

void check_version(const FlatConfig& flat, Report& report) {
    if (!flat.is_bad("totem.version") && flat.number("totem.version", 0) != 2) {
        report.problem(Stage::kTotem, flat.line_of("totem.version"),
                       "This totem parser can only parse version 2 configurations.");
    }
}

void check_key(const FlatConfig& flat, Report& report) {
    const auto* key = flat.find("totem.key");
    if (key == nullptr) {
        return;
    }
    if (key->text.size() < kKeyCharactersMin) {
        report.problem(Stage::kTotem, key->line, "key is too short");
    } else if (key->text.size() > kKeyCharactersMax) {
        report.problem(Stage::kTotem, key->line, "key is too long");
    }
}

struct RrpMinimum {
    std::string_view key;
    std::string_view name;
    std::uint64_t least;
    std::string_view unit;
};

// The options of redundant rings are checked although there is one network only, so that a file
// does not turn bad the day a second one is added.
void check_rrp(const FlatConfig& flat, Report& report) {
    constexpr std::array<RrpMinimum, 4> kMinimums{{
        {"rrp_problem_count_timeout", "RRP problem count timeout parameter", 30, " ms"},
        {"rrp_problem_count_threshold", "RRP problem count threshold", 2, " problem count"},
        {"rrp_problem_count_mcast_threshold", "RRP multicast problem count threshold", 2,
         " problem count"},
        {"rrp_token_expired_timeout", "RRP token expired timeout parameter", 30, " ms"},
    }};
    for (const auto& minimum : kMinimums) {
        const auto* key = flat.find("totem." + std::string{minimum.key});
        if (key != nullptr && key->number != 0 && key->number < minimum.least) {
            report.problem(Stage::kTotem, key->line,
                           "The " + std::string{minimum.name} + " (" + std::to_string(key->number) +
                               std::string{minimum.unit} + ") may not be less than (" +
                               std::to_string(minimum.least) + std::string{minimum.unit} + ").");
        }
    }
    const auto* mode = flat.find("totem.rrp_mode");
    if (mode != nullptr && !is_word("none|active|passive", mode->text)) {
        report.problem(Stage::kTotem, mode->line,
                       "The RRP mode \"" + mode->text +
                           "\" specified is invalid.  It must be none, active, or passive.");
    }
}

void check_link_mode(const FlatConfig& flat, Report& report) {
    constexpr std::size_t kLinkModeMax = 63;
    const auto* mode = flat.find("totem.link_mode");
    if (mode == nullptr || is_word("passive|active|rr", mode->text)) {
        return;
    }
    report.problem(Stage::kTotem, mode->line,
                   mode->text.size() > kLinkModeMax
                       ? "totem.link_mode is too long"
                       : "The Knet link mode \"" + mode->text +
                             "\" specified is invalid.  It must be active, passive or rr.");
}

InterfaceConfig build_interface(const FlatConfig& flat, const FlatConfig::Section& section) {
    const auto path = "totem.interface." + std::to_string(section.number) + '.';
    InterfaceConfig interface;
    interface.number = static_cast<std::uint8_t>(section.number);
    interface.line = section.line;
    interface.bindnetaddr = flat.text(path + "bindnetaddr");
    interface.mcastaddr = flat.text(path + "mcastaddr");
    interface.broadcast = flat.flag(path + "broadcast", false);
    if (const auto* port = flat.find(path + "mcastport")) {
        interface.mcastport = static_cast<std::uint16_t>(port->number);
    }
    if (const auto* ttl = flat.find(path + "ttl")) {
        interface.ttl = static_cast<std::uint8_t>(ttl->number);
    }
    for (std::uint32_t i = 0;; ++i) {
        const auto* member = flat.find(path + "member." + std::to_string(i));
        if (member == nullptr) {
            return interface;
        }
        interface.members.push_back(member->text);
    }
}

}  // namespace

std::vector<InterfaceConfig> build_interfaces(const FlatConfig& flat) {
    std::vector<InterfaceConfig> interfaces;
    for (const auto& section : flat.interfaces) {
        const bool known = std::any_of(interfaces.begin(), interfaces.end(), [&](const auto& one) {
            return one.number == section.number;
        });
        // Sections of the same link merge.
        if (!known) {
            interfaces.push_back(build_interface(flat, section));
        }
    }
    std::sort(interfaces.begin(), interfaces.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    return interfaces;
}

TotemConfig build_totem(const FlatConfig& flat, Report& report) {
    check_version(flat, report);
    check_key(flat, report);
    check_rrp(flat, report);
    check_link_mode(flat, report);
    const auto traits = find_traits(flat);
    TotemConfig totem;
    totem.cluster_name = flat.text("totem.cluster_name");
    totem.config_version = flat.number("totem.config_version", 0);
    totem.dialect = dialect_of(traits);
    totem.transport = decide_transport(flat, traits, report);
    totem.secauth = decide_secauth(flat, traits, report);
    totem.keyfile = flat.text("totem.keyfile");
    totem.key = flat.text("totem.key");
    totem.ip_version = build_ip_version(flat, totem.transport, totem.dialect);
    totem.nodeid = number32(flat, "nodeid", 0);
    totem.clear_node_high_bit = flat.flag("totem.clear_node_high_bit", false);
    totem.netmtu = number32(flat, "netmtu", kNetmtu);
    totem.block_unlisted_ips = flat.flag("totem.block_unlisted_ips", true);
    totem.cancel_token_hold_on_retransmit =
        flat.flag("totem.cancel_token_hold_on_retransmit", false);
    totem.timers = build_timers(flat);
    totem.interfaces = build_interfaces(flat);
    return totem;
}

}  // namespace totem::config
