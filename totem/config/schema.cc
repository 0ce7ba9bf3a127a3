#include "totem/config/schema.h"

#include <algorithm>
#include <array>
#include <limits>

namespace totem::config {

namespace {

constexpr auto kU8 = KeyType::kU8;
constexpr auto kU16 = KeyType::kU16;
constexpr auto kI32 = KeyType::kI32;
constexpr auto kU32 = KeyType::kU32;
constexpr auto kU64 = KeyType::kU64;
constexpr auto kString = KeyType::kString;
constexpr auto kUsed = Use::kUsed;
constexpr auto kStored = Use::kStored;
constexpr auto kIgnored = Use::kIgnored;
constexpr auto kRefused = Use::kRefused;
constexpr auto kTotem = Stage::kTotem;
constexpr auto kLogging = Stage::kLogging;

constexpr std::string_view kYesNo = "yes|no";
constexpr std::string_view kYesNoOnOff = "yes|no|on|off";
constexpr std::string_view kPriorities = "alert|crit|debug|emerg|err|info|notice|warning";
constexpr std::string_view kFacilities =
    "daemon|local0|local1|local2|local3|local4|local5|local6|local7|auth|authpriv|cron|ftp|kern|"
    "lpr|"
    "mail|news|security|syslog|user|uucp";
constexpr std::string_view kTransportError =
    "Invalid transport type. Should be udpu, udp or knet (totemd supports udpu and udp)";
constexpr std::string_view kCipherError =
    "Invalid cipher type. Should be none, aes256, aes192 or aes128";
constexpr std::string_view kHashError =
    "Invalid hash type. Should be none, md5, sha1, sha256, sha384 or sha512";
constexpr std::string_view kModels = "none|zlib|lz4|lz4hc|lzo2|lzma|bzip2|zstd";
constexpr std::string_view kModelError =
    "Invalid compression model. Should be zlib, lz4, lz4hc, lzo2, lzma, bzip2 or zstd";

constexpr auto kTotemOptions = std::to_array<Option>({
    {"totem", "version", kU32, kUsed},
    {"totem", "cluster_name", kString, kUsed},
    {"totem", "config_version", kU64, kUsed},
    {"totem", "transport", kString, kUsed, "udp|udpu|knet", kTransportError, "", kTotem},
    {"totem", "secauth", kString, kUsed, "on|off", "Invalid secauth value. Should be on or off"},
    {"totem", "crypto_cipher", kString, kUsed, "none|aes256|aes192|aes128", kCipherError},
    {"totem", "crypto_hash", kString, kUsed, "none|md5|sha1|sha256|sha384|sha512", kHashError},
    {"totem", "crypto_model", kString, kIgnored, "nss|openssl",
     "Invalid crypto model. Should be nss or openssl"},
    {"totem", "crypto_type", kString, kIgnored, "nss|aes256|aes192|aes128|3des",
     "Invalid crypto type"},
    {"totem", "keyfile", kString, kUsed},
    {"totem", "key", kString, kUsed},
    {"totem", "ip_version", kString, kUsed, "ipv4|ipv6|ipv4-6|ipv6-4", "Invalid ip_version type"},
    {"totem", "nodeid", kU32, kUsed},
    {"totem", "clear_node_high_bit", kString, kUsed, kYesNo},
    {"totem", "netmtu", kU32, kUsed},
    {"totem", "threads", kU32, kIgnored, "", "", "0"},
    {"totem", "token", kU32, kUsed},
    {"totem", "token_warning", kU32, kUsed},
    {"totem", "token_coefficient", kU32, kUsed},
    {"totem", "token_retransmit", kU32, kUsed},
    {"totem", "hold", kU32, kUsed},
    {"totem", "token_retransmits_before_loss_const", kU32, kUsed},
    {"totem", "join", kU32, kUsed},
    {"totem", "send_join", kU32, kUsed},
    {"totem", "consensus", kU32, kUsed},
    {"totem", "merge", kU32, kUsed},
    {"totem", "downcheck", kU32, kUsed},
    {"totem", "fail_recv_const", kU32, kUsed},
    {"totem", "seqno_unchanged_const", kU32, kUsed},
    {"totem", "heartbeat_failures_allowed", kU32, kIgnored, "", "", "0"},
    {"totem", "max_network_delay", kU32, kIgnored, "", "", "50"},
    {"totem", "window_size", kU32, kUsed},
    {"totem", "max_messages", kU32, kUsed},
    {"totem", "miss_count_const", kU32, kUsed},
    {"totem", "block_unlisted_ips", kString, kUsed, kYesNo},
    {"totem", "cancel_token_hold_on_retransmit", kString, kUsed, kYesNo},
    {"totem", "link_mode", kString, kIgnored, "", "", "passive"},
    {"totem", "knet_pmtud_interval", kU32, kIgnored},
    {"totem", "knet_mtu", kU32, kIgnored, "", "", "0"},
    {"totem", "knet_compression_model", kString, kRefused, kModels, kModelError, "none"},
    {"totem", "knet_compression_threshold", kU32, kIgnored},
    {"totem", "knet_compression_level", kI32, kIgnored},
    {"totem", "rrp_mode", kString, kUsed},
    {"totem", "rrp_problem_count_timeout", kU32, kUsed},
    {"totem", "rrp_problem_count_threshold", kU32, kUsed},
    {"totem", "rrp_problem_count_mcast_threshold", kU32, kUsed},
    {"totem", "rrp_token_expired_timeout", kU32, kUsed},
    {"totem", "rrp_autorecovery_check_timeout", kU32, kUsed},
    {"totem.interface", "linknumber", kU8, kUsed},
    {"totem.interface", "ringnumber", kU8, kUsed},
    {"totem.interface", "bindnetaddr", kString, kUsed},
    {"totem.interface", "mcastaddr", kString, kUsed},
    {"totem.interface", "broadcast", kString, kUsed, kYesNo},
    {"totem.interface", "mcastport", kU16, kUsed},
    {"totem.interface", "ttl", kU8, kUsed},
    {"totem.interface", "knet_link_priority", kU8, kIgnored},
    {"totem.interface", "knet_ping_interval", kU32, kIgnored},
    {"totem.interface", "knet_ping_timeout", kU32, kIgnored},
    {"totem.interface", "knet_ping_precision", kU32, kIgnored},
    {"totem.interface", "knet_pong_count", kU32, kIgnored},
    {"totem.interface", "knet_transport", kString, kRefused, "udp|sctp",
     "Unrecognised knet_transport. expected 'udp' or 'sctp'", "udp", kTotem},
});

constexpr auto kOtherOptions = std::to_array<Option>({
    {"nodelist.node", "nodeid", kU32, kUsed},
    {"nodelist.node", "name", kString, kUsed},
    {"nodelist.node", "quorum_votes", kU32, kUsed},
    {"nodelist.node", "datacenterid", kString, kStored},
    {"quorum", "provider", kString, kUsed},
    {"quorum", "expected_votes", kU32, kUsed},
    {"quorum", "votes", kU32, kUsed},
    {"quorum", "two_node", kU8, kUsed},
    {"quorum", "wait_for_all", kU8, kUsed},
    {"quorum", "last_man_standing", kU8, kUsed},
    {"quorum", "last_man_standing_window", kU32, kUsed},
    {"quorum", "auto_tie_breaker", kU8, kUsed},
    {"quorum", "auto_tie_breaker_node", kString, kUsed},
    {"quorum", "allow_downscale", kU8, kUsed},
    {"quorum", "expected_votes_tracking", kU8, kUsed},
    {"quorum", "leaving_timeout", kU32, kIgnored},
    {"quorum.device", "model", kString, kUsed},
    {"quorum.device", "votes", kU32, kUsed},
    {"quorum.device", "timeout", kU32, kUsed},
    {"quorum.device", "sync_timeout", kU32, kUsed},
    {"quorum.device", "master_wins", kU8, kUsed},
    {"system", "qb_ipc_type", kString, kUsed, "native|shm|socket", "Invalid system.qb_ipc_type"},
    {"qb", "ipc_type", kString, kUsed, "native|shm|socket", "Invalid qb ipc_type"},
    {"system", "sched_rr", kString, kUsed, kYesNo},
    {"system", "priority", kString, kUsed},
    {"system", "move_to_root_cgroup", kString, kIgnored, "yes|no|auto",
     "Invalid system.move_to_root_cgroup"},
    {"system", "allow_knet_handle_fallback", kString, kIgnored, kYesNo,
     "Invalid system.allow_knet_handle_fallback"},
    {"system", "state_dir", kString, kUsed},
    {"resources", "watchdog_device", kString, kIgnored},
    {"resources", "watchdog_timeout", kU32, kIgnored},
    {"resources.system.load_15min", "poll_period", kU64, kIgnored},
    {"resources.system.load_15min", "recovery", kString, kIgnored},
    {"resources.system.load_15min", "max", kString, kIgnored},
    {"resources.system.memory_used", "poll_period", kU64, kIgnored},
    {"resources.system.memory_used", "recovery", kString, kIgnored},
    {"resources.system.memory_used", "max", kString, kIgnored},
    {"nozzle", "name", kString, kRefused},
    {"nozzle", "ipaddr", kString, kIgnored},
    {"nozzle", "ipprefix", kString, kIgnored},
    {"nozzle", "macaddr", kString, kIgnored},
    {"pload", "count", kString, kIgnored},
    {"pload", "size", kString, kIgnored},
    {"service", "name", kString, kIgnored},
    {"service", "ver", kString, kIgnored},
});

// At the top level and in logger_subsys alike.
constexpr auto kLoggingOptions = std::to_array<Option>({
    {"logging", "to_stderr", kString, kUsed, kYesNoOnOff, "unknown value for to_stderr.", "",
     kLogging},
    {"logging", "to_syslog", kString, kUsed, kYesNoOnOff, "unknown value for to_syslog.", "",
     kLogging},
    {"logging", "to_logfile", kString, kUsed, kYesNoOnOff, "unknown value for to_logfile.", "",
     kLogging},
    {"logging", "to_file", kString, kUsed, kYesNoOnOff, "unknown value for to_file.", "", kLogging},
    {"logging", "logfile", kString, kUsed},
    {"logging", "logfile_priority", kString, kUsed, kPriorities,
     "unknown logfile priority specified.", "", kLogging},
    {"logging", "syslog_priority", kString, kUsed, kPriorities,
     "unknown syslog priority specified.", "", kLogging},
    {"logging", "syslog_level", kString, kUsed, kPriorities, "unknown syslog level specified", "",
     kLogging},
    {"logging", "syslog_facility", kString, kUsed, kFacilities,
     "unknown syslog facility specified.", "", kLogging},
    {"logging", "debug", kString, kUsed, "on|off|trace", "unknown value for debug.", "", kLogging},
    {"logging", "tags", kString, kIgnored},
    {"logging.logger_subsys", "subsys", kString, kUsed},
    {"logging", "timestamp", kString, kUsed, "on|off|hires", "unknown value for timestamp.", "",
     kLogging},
    {"logging", "fileline", kString, kUsed, "on|off", "unknown value for fileline.", "", kLogging},
    {"logging", "function_name", kString, kUsed, "on|off", "unknown value for function_name.", "",
     kLogging},
    {"logging", "blackbox", kString, kIgnored, "on|off", "unknown value for blackbox.", "",
     kLogging},
});

const Option* find_in(std::span<const Option> options, std::string_view section,
                      std::string_view name) noexcept {
    const auto found = std::find_if(options.begin(), options.end(), [&](const Option& option) {
        return option.section == section && option.name == name;
    });
    return found == options.end() ? nullptr : &*found;
}

// What nobody but a client or an addition reads: everything below these is stored as it is.
constexpr Option kStoredOption{"", "", kString, kStored};
constexpr Option kOldSectionOption{"", "", kString, kIgnored};
constexpr Option kRingAddress{"nodelist.node", "ringN_addr", kString, kUsed};

bool is_top_logging_only(std::string_view name) noexcept {
    return is_word("timestamp|fileline|function_name|blackbox", name);
}

struct Limits {
    std::int64_t lowest;
    std::uint64_t highest;
};

Limits limits(KeyType type) noexcept {
    switch (type) {
        case KeyType::kU8:
            return {0, std::numeric_limits<std::uint8_t>::max()};
        case KeyType::kU16:
            return {0, std::numeric_limits<std::uint16_t>::max()};
        case KeyType::kI32:
            return {std::numeric_limits<std::int32_t>::min(),
                    std::numeric_limits<std::int32_t>::max()};
        case KeyType::kU32:
            return {0, std::numeric_limits<std::uint32_t>::max()};
        case KeyType::kU64:
        case KeyType::kString:
            break;
    }
    return {0, std::numeric_limits<std::uint64_t>::max()};
}

std::optional<std::uint64_t> parse_digits(std::string_view digits) noexcept {
    constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
    if (digits.empty()) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (kMax - digit) / 10) {
            return std::nullopt;
        }
        value = value * 10 + digit;
    }
    return value;
}

}  // namespace

const Option* find_option(std::string_view section, std::string_view name) noexcept {
    if (section == "nodelist.node" && ring_address_link(name)) {
        return &kRingAddress;
    }
    if (section.starts_with("quorum.device.net") ||
        section.starts_with("quorum.device.heuristics")) {
        return &kStoredOption;
    }
    if (is_word("aisexec|amf|event", section.substr(0, section.find('.')))) {
        return &kOldSectionOption;
    }
    if (section == "logging.logger_subsys" && name != "subsys" && !is_top_logging_only(name)) {
        section = "logging";
    }
    for (const std::span<const Option> options :
         {std::span<const Option>{kTotemOptions}, std::span<const Option>{kOtherOptions},
          std::span<const Option>{kLoggingOptions}}) {
        if (const auto* option = find_in(options, section, name)) {
            return option;
        }
    }
    return nullptr;
}

bool is_word(std::string_view words, std::string_view word) noexcept {
    while (!words.empty()) {
        const auto end = std::min(words.find('|'), words.size());
        if (words.substr(0, end) == word) {
            return true;
        }
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

std::optional<std::uint8_t> ring_address_link(std::string_view name) noexcept {
    constexpr std::string_view kHead = "ring";
    constexpr std::string_view kTail = "_addr";
    if (!name.starts_with(kHead) || !name.ends_with(kTail) ||
        name.size() <= kHead.size() + kTail.size()) {
        return std::nullopt;
    }
    const auto digits = name.substr(kHead.size(), name.size() - kHead.size() - kTail.size());
    const auto link = parse_digits(digits);
    if (!link || *link > std::numeric_limits<std::uint8_t>::max()) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(*link);
}

std::optional<std::uint64_t> parse_number(std::string_view text, KeyType type) noexcept {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    const auto magnitude = parse_digits(text);
    const auto [lowest, highest] = limits(type);
    if (!magnitude) {
        return std::nullopt;
    }
    if (!negative) {
        return *magnitude <= highest ? magnitude : std::nullopt;
    }
    // No type reaches below -2^31, so the magnitude of the lowest fits and can be negated.
    const auto deepest = static_cast<std::uint64_t>(-lowest);
    return *magnitude <= deepest ? std::optional{0 - *magnitude} : std::nullopt;
}

std::string number_range(KeyType type) {
    const auto [lowest, highest] = limits(type);
    return std::to_string(lowest) + ".." + std::to_string(highest);
}

}  // namespace totem::config
