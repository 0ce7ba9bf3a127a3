#include "totem/daemon/services.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace totem::daemon {

using group::CmapEvent;
using group::CmapStore;
using group::CmapValue;
using group::ServiceId;

namespace {

CmapValue to_value(const config::Key& key) {
    switch (key.type) {
        case config::KeyType::kU8:
            return CmapValue::u8(static_cast<std::uint8_t>(key.number));
        case config::KeyType::kU16:
            return CmapValue::u16(static_cast<std::uint16_t>(key.number));
        case config::KeyType::kI32:
            return CmapValue::i32(static_cast<std::int32_t>(key.number));
        case config::KeyType::kU32:
            return CmapValue::u32(static_cast<std::uint32_t>(key.number));
        case config::KeyType::kU64:
            return CmapValue::u64(key.number);
        case config::KeyType::kString:
            break;
    }
    return CmapValue::text(key.text);
}

// "4711" of "uidgid.uid.4711" or "uidgid.config.uid.4711", by what stands before the number.
std::optional<std::uint32_t> id_behind(std::string_view key, std::string_view word) {
    for (const std::string_view prefix :
         {std::string_view("uidgid."), std::string_view("uidgid.config.")}) {
        const std::string start = std::string(prefix) + std::string(word) + '.';
        std::uint32_t id = 0;
        const char* end = key.data() + key.size();
        if (key.starts_with(start)) {
            const auto [stop, error] = std::from_chars(key.data() + start.size(), end, id);
            if (error == std::errc() && stop == end) {
                return id;
            }
        }
    }
    return std::nullopt;
}

struct NamedService {
    ServiceId id;
    std::string_view name;  // as internal_configuration.service.N.name has it, without corosync_
};
constexpr std::array<NamedService, 5> kServices{{{ServiceId::kCmap, "cmap"},
                                                 {ServiceId::kCfg, "cfg"},
                                                 {ServiceId::kCpg, "cpg"},
                                                 {ServiceId::kQuorum, "quorum"},
                                                 {ServiceId::kVotequorum, "votequorum"}}};

}  // namespace

group::ClusterFacts cluster_facts(const Configuration& configuration) {
    group::ClusterFacts facts;
    facts.self = configuration.resolved.self;
    facts.cluster_name = configuration.cluster.totem.cluster_name;
    constexpr std::uint32_t kHeaders = 90;
    facts.mtu = configuration.cluster.totem.netmtu - kHeaders;
    for (const config::ResolvedNode& node : configuration.resolved.nodes) {
        group::NodeAddress address;
        address.link = configuration.resolved.link.number;
        address.ipv6 = !node.address.is_v4();
        address.text = node.address.to_string();
        std::memcpy(address.bytes.data(), node.address.bytes.data(), address.bytes.size());
        facts.nodes.push_back({node.id, node.name, {std::move(address)}});
    }
    std::ranges::sort(facts.nodes, {}, &group::NodeFacts::id);
    return facts;
}

votequorum::Options vote_options(const Configuration& configuration) {
    const config::QuorumConfig& quorum = configuration.cluster.quorum;
    votequorum::Options options;
    options.self = configuration.resolved.self;
    options.two_node = quorum.two_node;
    options.wait_for_all = quorum.wait_for_all;
    std::uint32_t sum = 0;
    for (const config::ResolvedNode& node : configuration.resolved.nodes) {
        sum += node.votes;
        options.listed.push_back(node.id);
        if (node.id == options.self) {
            options.votes = node.votes;
        }
    }
    std::ranges::sort(options.listed);
    if (configuration.cluster.nodes.empty() || configuration.cluster.nodes_are_members) {
        options.votes = quorum.votes.value_or(1);
        options.listed.clear();
    }
    options.expected_votes = quorum.expected_votes.value_or(std::max(sum, std::uint32_t{1}));
    return options;
}

// Watches keys through which others than this file's owner act: who may connect, and commands.
class Services::KeyWatcher final : public group::CmapTracker {
  public:
    explicit KeyWatcher(CmapStore& map) : map_(map) {
        map_.track({"uidgid.", group::kCmapTrackAll, kAccess}, *this);
        map_.track({"quorum.cancel_wait_for_all", group::kCmapTrackAll, kCancel}, *this);
        map_.track({"runtime.blackbox.", group::kCmapTrackAll, kState}, *this);
    }
    ~KeyWatcher() override {
        map_.untrack(*this, kAccess);
        map_.untrack(*this, kCancel);
        map_.untrack(*this, kState);
    }
    KeyWatcher(const KeyWatcher&) = delete;
    KeyWatcher& operator=(const KeyWatcher&) = delete;
    KeyWatcher(KeyWatcher&&) = delete;
    KeyWatcher& operator=(KeyWatcher&&) = delete;

    bool access_changed = true;
    bool cancel_wait_for_all = false;
    bool state_asked_for = false;

  private:
    static constexpr std::uint64_t kAccess = 1;
    static constexpr std::uint64_t kCancel = 2;
    static constexpr std::uint64_t kState = 3;

    void on_change(std::uint64_t id, const group::CmapChange& change) override {
        if (id == kAccess) {
            access_changed = true;
        } else if (id == kState) {
            state_asked_for = true;
        } else if (change.new_value != nullptr && *change.new_value == CmapValue::u8(1)) {
            cancel_wait_for_all = true;
        }
    }

    CmapStore& map_;
};

// The door of cfg, and before it what this host has to tell services: a step with HostReply is the
// only moment at which it holds an Outbox.
class Services::HostDoor final : public group::Door {
  public:
    explicit HostDoor(Services& services) : services_(services) {}

    [[nodiscard]] ServiceId id() const override { return services_.cfg_door_.id(); }
    void on_open(group::ConnectionId connection, std::uint32_t pid, group::Outbox& out) override {
        services_.cfg_door_.on_open(connection, pid, out);
    }
    void on_close(group::ConnectionId connection, group::Outbox& out) override {
        services_.cfg_door_.on_close(connection, out);
    }
    [[nodiscard]] bool on_request(group::ConnectionId connection,
                                  std::span<const std::byte> request, group::Outbox& out) override {
        return services_.cfg_door_.on_request(connection, request, out);
    }
    void on_host_reply(std::uint32_t token, std::uint32_t error, group::Outbox& out) override {
        Services& s = services_;
        if (s.voting_ && s.new_options_) {
            s.voting_->service.reconfigure(*s.new_options_, out);
            s.new_options_.reset();
        }
        if (s.voting_ && s.watcher_->cancel_wait_for_all) {
            s.watcher_->cancel_wait_for_all =
                s.voting_->service.cancel_wait_for_all(out) == votequorum::Outcome::kNoRoom;
        }
        if (s.new_key_) {
            s.cfg_.change_key(*std::exchange(s.new_key_, std::nullopt), out);
        }
        s.cfg_door_.on_host_reply(token, error, out);
    }

  private:
    Services& services_;
};

Services::Services(const Configuration& configuration)
    : self_(configuration.resolved.self),
      cmap_(map_, cluster_facts(configuration)),
      cfg_(cluster_facts(configuration)),
      cpg_(self_),
      quorum_(configuration.cluster.quorum.provider.empty()
                  ? votequorum::QuorumService::Model::kFree
                  : votequorum::QuorumService::Model::kSet),
      voting_(configuration.cluster.quorum.provider.empty()
                  ? nullptr
                  : std::make_unique<Voting>(vote_options(configuration), quorum_)),
      cmap_door_(map_),
      cfg_door_(cfg_, map_),
      cpg_door_(cpg_),
      quorum_door_(quorum_),
      host_door_(std::make_unique<HostDoor>(*this)) {
    fill_map(configuration);
    watcher_ = std::make_unique<KeyWatcher>(map_);
}

Services::~Services() = default;

void Services::add_to(group::Stack& stack) {
    stack.add(cmap_);
    stack.add(cfg_);
    stack.add(cpg_);
    stack.add(quorum_);
    stack.add(cmap_door_);
    stack.add(*host_door_);
    stack.add(cpg_door_);
    stack.add(quorum_door_);
    if (voting_) {
        stack.add(voting_->service);
        stack.add(voting_->door);
    }
}

std::vector<ServiceId> Services::doors() const {
    std::vector<ServiceId> doors{ServiceId::kCmap, ServiceId::kCfg, ServiceId::kCpg};
    if (voting_) {
        doors.push_back(ServiceId::kVotequorum);
    }
    doors.push_back(ServiceId::kQuorum);
    return doors;
}

// ---- the map
// ----------------------------------------------------------------------------------------

void Services::fill_map(const Configuration& configuration) {
    replace_keys(configuration);
    for (const NamedService& service : kServices) {
        if (service.id == ServiceId::kVotequorum && !voting_) {
            continue;
        }
        const auto number = static_cast<std::uint16_t>(service.id);
        const std::string slot = "internal_configuration.service." + std::to_string(number) + '.';
        map_.set_internal(slot + "name", CmapValue::text("corosync_" + std::string(service.name)));
        map_.set_internal(slot + "ver", CmapValue::u32(0));
        map_.set_internal("runtime.services." + std::string(service.name) + ".service_id",
                          CmapValue::u16(number));
    }
    map_.set_internal("config.reload_in_progress", CmapValue::u8(0));
    map_.set_internal("config.totemconfig_reload_in_progress", CmapValue::u8(0));
    map_.set_internal("runtime.blackbox.dump_flight_data", CmapValue::text("no"));
    map_.set_internal("runtime.blackbox.dump_state", CmapValue::text("no"));
    map_.set_internal("runtime.force_gather", CmapValue::text("no"));
    if (voting_) {
        map_.set_internal("runtime.votequorum.atb_type", CmapValue::u32(0));
        shown_votes_.ev_barrier = ~std::uint32_t{0};
        refresh_keys();
    }
}

// The file's part of the map: keys that it no longer has go, then the present ones are set. The
// position of this node is made anew each time, which clients take as the sign of a new node list.
void Services::replace_keys(const Configuration& configuration) {
    const std::vector<config::Key> keys =
        config::merged_keys(configuration.cluster, configuration.resolved);
    std::set<std::string_view> present;
    for (const config::Key& key : keys) {
        present.insert(key.name);
    }
    for (const std::string_view prefix :
         {"logging.", "totem.", "nodelist.", "quorum.", "uidgid.config."}) {
        std::optional<std::string> at;
        while (const auto item = map_.next(prefix, at)) {
            at = item->key;
            if (!present.contains(*at) || *at == "nodelist.local_node_pos") {
                map_.erase_internal(*at);
            }
        }
    }
    for (const config::Key& key : keys) {
        map_.set_internal(key.name, to_value(key));
    }
}

void Services::refresh_keys() {
    if (!voting_) {
        return;
    }
    const votequorum::RuntimeKeys votes = voting_->service.runtime_keys();
    if (votes == shown_votes_) {
        return;
    }
    shown_votes_ = votes;
    const std::string prefix = "runtime.votequorum.";
    map_.set_internal(prefix + "this_node_id", CmapValue::u32(raw(votes.this_node_id)));
    map_.set_internal(prefix + "lowest_node_id", CmapValue::u32(raw(votes.lowest_node_id)));
    map_.set_internal(prefix + "highest_node_id", CmapValue::u32(raw(votes.highest_node_id)));
    map_.set_internal(prefix + "ev_barrier", CmapValue::u32(votes.ev_barrier));
    map_.set_internal(prefix + "two_node", CmapValue::u8(votes.two_node ? 1 : 0));
    if (votes.wait_for_all_status) {
        map_.set_internal(prefix + "wait_for_all_status",
                          CmapValue::u8(*votes.wait_for_all_status ? 1 : 0));
    }
}

std::optional<ipc::AccessRules> Services::changed_access() {
    if (!std::exchange(watcher_->access_changed, false)) {
        return std::nullopt;
    }
    ipc::AccessRules rules;
    std::optional<std::string> at;
    while (const auto item = map_.next("uidgid.", at)) {
        at = item->key;
        if (*item->value != CmapValue::u8(1)) {
            continue;
        }
        if (const auto uid = id_behind(*at, "uid")) {
            rules.uids.push_back(*uid);
        } else if (const auto gid = id_behind(*at, "gid")) {
            rules.gids.push_back(*gid);
        }
    }
    return rules;
}

bool Services::state_asked_for() { return std::exchange(watcher_->state_asked_for, false); }

bool Services::owes_step() const {
    return map_.owes_events() || new_options_ || watcher_->cancel_wait_for_all;
}

void Services::reload(const Configuration* fresh, std::uint32_t error) {
    map_.set_internal("config.totemconfig_reload_in_progress", CmapValue::u8(1));
    map_.set_internal("config.reload_in_progress", CmapValue::u8(1));
    if (fresh != nullptr) {
        replace_keys(*fresh);
        cmap_.set_facts(cluster_facts(*fresh));
        cfg_.set_facts(cluster_facts(*fresh));
        new_options_ = vote_options(*fresh);
    }
    map_.set_internal("config.reload_status", CmapValue::i32(static_cast<std::int32_t>(error)));
    map_.set_internal("config.totemconfig_reload_in_progress", CmapValue::u8(0));
    map_.set_internal("config.reload_in_progress", CmapValue::u8(0));
}

bool Services::groups_left() const {
    if (!cpg_.leaves_sent()) {
        return false;
    }
    return std::ranges::none_of(cpg_.table().groups(), [this](const auto& entry) {
        return std::ranges::any_of(entry.second.members, [this](const group::CpgProcess& process) {
            return process.node == self_;
        });
    });
}

}  // namespace totem::daemon
