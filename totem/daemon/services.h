// Everything that stands on the ring in this daemon: the services, the doors to them, and the map
// of keys through which administrators see and steer them.
//
// This is the list of what totemd is made of; the driver runs it, the daemon starts and ends it.
//
// Source: ipc.md 1 and 12; config.md 6 and 13.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "totem/daemon/configuration.h"
#include "totem/group/cfg_service.h"
#include "totem/group/cmap_service.h"
#include "totem/group/cmap_store.h"
#include "totem/group/cpg_service.h"
#include "totem/group/facts.h"
#include "totem/group/stack.h"
#include "totem/ipc/access.h"
#include "totem/ipc/doors/cfg_door.h"
#include "totem/ipc/doors/cmap_door.h"
#include "totem/ipc/doors/cpg_door.h"
#include "votequorum/core/quorum_service.h"
#include "votequorum/core/service.h"
#include "votequorum/ipc/quorum_door.h"
#include "votequorum/ipc/votequorum_door.h"

namespace totem::daemon {

[[nodiscard]] group::ClusterFacts cluster_facts(const Configuration& configuration);
[[nodiscard]] votequorum::Options vote_options(const Configuration& configuration);

class Services {
  public:
    explicit Services(const Configuration& configuration);
    ~Services();
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;
    Services(Services&&) = delete;
    Services& operator=(Services&&) = delete;

    // Before the stack's first step; all of this must outlive it.
    void add_to(group::Stack& stack);
    [[nodiscard]] std::vector<group::ServiceId> doors() const;
    [[nodiscard]] bool votes() const noexcept { return voting_ != nullptr; }

    [[nodiscard]] group::CmapStore& map() noexcept { return map_; }
    [[nodiscard]] ipc::CmapDoor& cmap_door() noexcept { return cmap_door_; }

    // Brings the keys that show the state of services up to date.
    void refresh_keys();
    // Who may connect, when that has changed since the last call.
    [[nodiscard]] std::optional<ipc::AccessRules> changed_access();
    // Something waits for a HostReply step: events of changed keys, or a command to a service.
    [[nodiscard]] bool owes_step() const;

    // A client wrote a key of runtime.blackbox since the last call: it wants to see the state.
    [[nodiscard]] bool state_asked_for();

    // A configuration that was read again: keys, names, addresses and votes. `error` is the outcome
    // for clients (cs_error_t); without a configuration only that is noted.
    void reload(const Configuration* fresh, std::uint32_t error);

    // The name of the key that a sealed ring is joined with; later the one of the configuration.
    void start_with_key(group::KeyName key) { cfg_.start_with_key(key); }
    void change_key(group::KeyName key) { new_key_ = key; }
    [[nodiscard]] group::KeyRotation::Keys keys() const { return cfg_.keys(); }

    // The daemon stops: clients that go from now on have left in order.
    void set_stopping() { cpg_door_.set_stopping(true); }
    // Nobody of this node is in a group any more, as everybody has been told.
    [[nodiscard]] bool groups_left() const;

  private:
    class KeyWatcher;
    class HostDoor;
    struct Voting {
        Voting(const votequorum::Options& options, votequorum::QuorumService& quorum)
            : service(options, quorum), door(service) {}
        votequorum::VoteQuorum service;
        votequorum::VotequorumDoor door;
    };

    void fill_map(const Configuration& configuration);
    void replace_keys(const Configuration& configuration);

    group::CmapStore map_;
    NodeId self_;
    group::CmapService cmap_;
    group::CfgService cfg_;
    group::CpgService cpg_;
    votequorum::QuorumService quorum_;
    std::unique_ptr<Voting> voting_;  // absent without a quorum provider
    ipc::CmapDoor cmap_door_;
    ipc::CfgDoor cfg_door_;
    ipc::CpgDoor cpg_door_;
    votequorum::QuorumDoor quorum_door_;
    std::unique_ptr<HostDoor> host_door_;
    std::unique_ptr<KeyWatcher> watcher_;
    votequorum::RuntimeKeys shown_votes_;
    std::optional<votequorum::Options> new_options_;  // for the next HostReply step
    std::optional<group::KeyName> new_key_;           // likewise
};

}  // namespace totem::daemon
