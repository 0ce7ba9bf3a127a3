// ClusterWatch: follows who is configured, with how many votes, and how many votes are in force, as
// a state machine without I/O: the cmap and votequorum doors.
//
// Its host keeps the contract at the top of group_client.h. What it tells is whole: it is read key
// by key, and read again when a key changed meanwhile. After a disconnect what was told last stays
// true until something else is told.
//
// Source: ipc.md 10 to 12; architecture.md decision 7 (who breaks a tie).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "totem/client/group_client.h"

namespace totem::client {

struct ConfiguredNode {
    NodeId node = kNoNode;
    std::uint32_t votes = 1;
    std::string name;     // of the list; its address where it has none
    std::string address;  // as the list has it: may be a name
    friend bool operator==(const ConfiguredNode&, const ConfiguredNode&) = default;
};

struct Cluster {
    NodeId self = kNoNode;  // this node
    std::string name;
    std::uint64_t config_version = 0;   // 0: the configuration has none
    std::vector<ConfiguredNode> nodes;  // ascending
    NodeId tie_break = kNoNode;         // auto_tie_breaker's node, else the lowest
    std::uint32_t expected_votes = 0;   // in force: as configured, or what an administrator set
    friend bool operator==(const Cluster&, const Cluster&) = default;
};

struct ClusterEffects {
    std::vector<Action> actions;
    std::optional<Cluster> cluster;  // news
    std::vector<Trouble> troubles;
    std::optional<Instant> wake_at;

    void clear() { *this = {}; }
};

struct ClusterWatchOptions {
    std::chrono::milliseconds try_again{10};    // after a request was not taken
    std::chrono::milliseconds reconnect{1000};  // after a failed or lost connection
    std::chrono::milliseconds settle{50};       // after a key changed, before all are read
    std::chrono::milliseconds ask_votes{1000};  // besides at every event
};

class ClusterWatch {
  public:
    explicit ClusterWatch(ClusterWatchOptions options = {});

    // Open first; Send and Leave are not for it. Appends to `out`, which the caller has cleared.
    void step(Instant now, const Input& input, ClusterEffects& out);

    // As last told.
    [[nodiscard]] const std::optional<Cluster>& cluster() const noexcept { return told_; }

  private:
    enum class Stage : std::uint8_t { kClosed, kConnect, kTrack, kFollow };
    enum class Awaits : std::uint8_t { kNothing, kConnection, kReply };
    struct Link {
        Door door{};
        Stage stage = Stage::kClosed;
        Awaits awaits = Awaits::kNothing;
        std::optional<Instant> not_before;
        Bytes request;
    };
    struct Value {
        std::uint64_t number = 0;
        std::string text;
    };

    void on(const Open& input, Instant now, ClusterEffects& out);
    void on(const Connected& input, Instant now, ClusterEffects& out);
    void on(const ConnectFailed& input, Instant now, ClusterEffects& out);
    void on(const Disconnected& input, Instant now, ClusterEffects& out);
    void on(const NotTaken& input, Instant now, ClusterEffects& out);
    void on(const Reply& input, Instant now, ClusterEffects& out);
    void on(const Event& input, Instant now, ClusterEffects& out);
    template <typename Other>
    void on(const Other& /*input*/, Instant /*now*/, ClusterEffects& /*out*/) {}

    [[nodiscard]] Link* link(Door door);
    void lose(Link& link, Instant now);
    void fail(Link& link, Trouble trouble, Instant now, ClusterEffects& out);
    void pump(Instant now, ClusterEffects& out);
    void connect(Link& link, ClusterEffects& out);
    void request(Link& link, Bytes bytes, ClusterEffects& out);
    void on_key(const Header& header, const Reply& input, Instant now, ClusterEffects& out);
    void on_tracked(Link& which, Instant now);
    void on_votes(const Reply& input, Instant now, ClusterEffects& out);
    void begin_reading();
    void keep(Value value, bool there, Instant now);
    [[nodiscard]] Cluster build() const;
    [[nodiscard]] const Value* value(const std::string& key) const;
    void tell(ClusterEffects& out);

    ClusterWatchOptions options_;
    Link cmap_;
    Link votes_;
    std::size_t tracked_ = 0;         // prefixes tracked so far
    std::optional<Instant> read_at_;  // when to begin to read; absent: reading, or all read
    bool reading_ = false;
    bool changed_meanwhile_ = false;
    std::vector<std::string> keys_;  // to ask for; the first next
    std::uint32_t position_ = 0;     // in the node list
    std::map<std::string, Value> values_;
    std::optional<Instant> ask_votes_at_;
    std::optional<Cluster> read_;  // without what votes_info_ says
    std::optional<VoteInfo> votes_info_;
    std::optional<Cluster> told_;
};

}  // namespace totem::client
