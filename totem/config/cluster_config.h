// A configuration file as values: what its lines say, checked, before anything about the host is
// known. parse() (load.h) makes it; resolve() (resolve.h) turns it into what a node runs with.
//
// std::optional is empty where the file says nothing; everything else has corosync's default
// applied.
//
// Source: config.md 3 to 9, 16; ipc.md 11, 12 (keys and their types).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "totem/config/problem.h"

namespace totem::config {

// A key of the configuration map with the type that clients see. The numbers are those of
// ipc.md 11.
enum class KeyType : std::uint8_t {
    kU8 = 2,
    kU16 = 4,
    kI32 = 5,
    kU32 = 6,
    kU64 = 8,
    kString = 11,
};

struct Key {
    std::string name;  // "nodelist.node.0.nodeid"
    KeyType type = KeyType::kString;
    std::uint64_t number = 0;  // kI32 in two's complement
    std::string text;          // of kString; of a number as it stands in the file
    std::uint32_t line = 0;    // 0 = not from a line

    friend bool operator==(const Key&, const Key&) = default;
};

enum class Transport : std::uint8_t { kUdpu, kUdp };
enum class IpVersion : std::uint8_t { kV4, kV6, kV4ThenV6, kV6ThenV4 };
// Whose defaults a file expects (config.md 16); decided by what only one of them understands.
enum class Dialect : std::uint8_t { kCorosync3, kCorosync24 };

// Timers and limits as the file gives them; 0 = not given (timers.h derives the effective ones).
struct TotemTimers {
    std::uint32_t token = 0;
    std::uint32_t token_coefficient = 650;
    std::uint32_t token_warning = 75;
    std::uint32_t token_retransmit = 0;
    std::uint32_t token_retransmits_before_loss = 4;
    std::uint32_t hold = 0;
    std::uint32_t join = 50;
    std::uint32_t send_join = 0;
    std::uint32_t consensus = 0;
    std::uint32_t merge = 200;
    std::uint32_t downcheck = 1000;
    std::uint32_t fail_recv_const = 2500;
    std::uint32_t seqno_unchanged_const = 30;
    std::uint32_t window_size = 50;
    std::uint32_t max_messages = 17;
    std::uint32_t miss_count_const = 5;
    std::uint32_t max_network_delay = 50;

    friend bool operator==(const TotemTimers&, const TotemTimers&) = default;
};

struct InterfaceConfig {
    std::uint8_t number = 0;  // linknumber, or ringnumber of a 2.4 file
    std::uint32_t line = 0;
    std::string bindnetaddr;
    std::string mcastaddr;
    bool broadcast = false;
    std::optional<std::uint16_t> mcastport;
    std::optional<std::uint8_t> ttl;
    std::vector<std::string> members;  // memberaddr of the old member sections

    friend bool operator==(const InterfaceConfig&, const InterfaceConfig&) = default;
};

struct TotemConfig {
    std::uint32_t version = 2;
    std::string cluster_name;
    std::uint64_t config_version = 0;
    Dialect dialect = Dialect::kCorosync3;
    Transport transport = Transport::kUdpu;
    bool secauth = false;
    std::string keyfile;  // empty: `key`, and when that is empty too the default key file
    std::string key;      // secret: never logged, not among ClusterConfig::keys
    IpVersion ip_version = IpVersion::kV6ThenV4;
    std::uint32_t nodeid = 0;  // totem.nodeid; 0 = not given
    bool clear_node_high_bit = false;
    std::uint32_t netmtu = 1500;
    bool block_unlisted_ips = true;
    bool cancel_token_hold_on_retransmit = false;
    TotemTimers timers;
    std::vector<InterfaceConfig> interfaces;  // by number

    friend bool operator==(const TotemConfig&, const TotemConfig&) = default;
};

struct RingAddress {
    std::uint8_t link = 0;
    std::string text;  // name or address
    std::uint32_t line = 0;

    friend bool operator==(const RingAddress&, const RingAddress&) = default;
};

struct NodeConfig {
    std::uint32_t pos = 0;     // in file order from 0: nodelist.node.POS
    std::uint32_t line = 0;    // of `node {`
    std::uint32_t nodeid = 0;  // 0 = automatic, from the IPv4 address
    std::string name;
    std::vector<RingAddress> addresses;  // by link
    std::uint32_t quorum_votes = 1;

    friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

struct QuorumDevice {
    std::string model;  // empty = no device
    std::optional<std::uint32_t> votes;
    std::uint32_t timeout = 10000;       // ms
    std::uint32_t sync_timeout = 30000;  // ms
    bool master_wins = false;

    friend bool operator==(const QuorumDevice&, const QuorumDevice&) = default;
};

struct QuorumConfig {
    std::string provider;  // empty = no quorum service; else "corosync_votequorum"
    std::optional<std::uint32_t> expected_votes;
    std::optional<std::uint32_t> votes;  // of this node, without a nodelist
    bool two_node = false;
    std::optional<bool> wait_for_all;  // not given: follows two_node
    bool last_man_standing = false;
    std::uint32_t last_man_standing_window = 10000;  // ms
    bool auto_tie_breaker = false;
    std::string auto_tie_breaker_node = "lowest";
    bool allow_downscale = false;
    bool expected_votes_tracking = false;
    QuorumDevice device;

    friend bool operator==(const QuorumConfig&, const QuorumConfig&) = default;
};

enum class LogDebug : std::uint8_t { kOff, kOn, kTrace };
enum class LogTimestamp : std::uint8_t { kOff, kOn, kHires };
// The values are syslog's.
enum class LogPriority : std::uint8_t {
    kEmerg = 0,
    kAlert = 1,
    kCrit = 2,
    kErr = 3,
    kWarning = 4,
    kNotice = 5,
    kInfo = 6,
    kDebug = 7,
};

// Where log lines go. At the top level every field has a value after parse(); in a subsystem an
// empty one means "as at the top level".
struct LogTarget {
    std::optional<bool> to_stderr;
    std::optional<bool> to_syslog;
    std::optional<bool> to_logfile;
    std::optional<std::string> logfile;
    std::optional<LogPriority> logfile_priority;
    std::optional<LogPriority> syslog_priority;
    std::optional<std::string> syslog_facility;  // syslog's name: "daemon", "local0"
    std::optional<LogDebug> debug;

    friend bool operator==(const LogTarget&, const LogTarget&) = default;
};

struct LogSubsystem {
    std::string name;  // "TOTEM"
    LogTarget target;

    friend bool operator==(const LogSubsystem&, const LogSubsystem&) = default;
};

struct LoggingConfig {
    LogTarget target;
    LogTimestamp timestamp = LogTimestamp::kHires;
    bool fileline = false;
    bool function_name = false;
    std::vector<LogSubsystem> subsystems;

    friend bool operator==(const LoggingConfig&, const LoggingConfig&) = default;
};

// A user or group who may connect. Names are looked up by the host: resolve().
struct UidGid {
    bool group = false;
    std::string text;  // name or decimal number
    std::string file;
    std::uint32_t line = 0;

    friend bool operator==(const UidGid&, const UidGid&) = default;
};

enum class IpcType : std::uint8_t { kNative, kSharedMemory, kSocket };

struct SystemConfig {
    IpcType qb_ipc_type = IpcType::kNative;
    bool sched_rr = true;
    // A number, or empty for "max" (not given) or `min`.
    std::optional<std::int32_t> priority;
    bool priority_min = false;
    std::string state_dir;  // empty = the default

    friend bool operator==(const SystemConfig&, const SystemConfig&) = default;
};

struct ClusterConfig {
    std::string file;
    TotemConfig totem;
    std::vector<NodeConfig> nodes;
    // `nodes` comes from the member sections of an old udpu file: there is no nodelist.
    bool nodes_are_members = false;
    QuorumConfig quorum;
    LoggingConfig logging;
    std::vector<UidGid> uidgid;
    SystemConfig system;
    // Every line of the file as the configuration map has it, by name; without secrets and without
    // what depends on the host (ResolvedConfig::keys).
    std::vector<Key> keys;

    // The key of this name; nullptr when the file does not have it.
    [[nodiscard]] const Key* find(std::string_view name) const;
    // Its line, 0 when the file does not have it.
    [[nodiscard]] std::uint32_t line_of(std::string_view name) const;
};

}  // namespace totem::config
