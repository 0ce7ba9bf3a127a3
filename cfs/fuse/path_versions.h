// How often what clients watch has changed: the counters of .version and .vmlist.
//
// Counters of paths begin at 1 with the daemon and count changes of what stands at the path: its
// content, its coming and its going. They are this daemon's own and mean nothing to another.
//
// Source: cfs.md section 5.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "cfs/core/replica.h"
#include "cfs/core/tree_view.h"

namespace cfs {

class PathVersions {
  public:
    // In the order in which .version shows them. Clients know most of them by heart, so none of
    // the peer's is missing.
    static constexpr std::array<std::string_view, 43> kWatched{"corosync.conf",
                                                               "corosync.conf.new",
                                                               "storage.cfg",
                                                               "user.cfg",
                                                               "domains.cfg",
                                                               "notifications.cfg",
                                                               "priv/notifications.cfg",
                                                               "priv/shadow.cfg",
                                                               "priv/acme/plugins.cfg",
                                                               "priv/tfa.cfg",
                                                               "priv/token.cfg",
                                                               "priv/wg-keys.cfg",
                                                               "datacenter.cfg",
                                                               "vzdump.cron",
                                                               "vzdump.conf",
                                                               "jobs.cfg",
                                                               "ha/crm_commands",
                                                               "ha/manager_status",
                                                               "ha/resources.cfg",
                                                               "ha/rules.cfg",
                                                               "ha/groups.cfg",
                                                               "ha/fence.cfg",
                                                               "status.cfg",
                                                               "replication.cfg",
                                                               "ceph.conf",
                                                               "sdn/vnets.cfg",
                                                               "sdn/zones.cfg",
                                                               "sdn/controllers.cfg",
                                                               "sdn/subnets.cfg",
                                                               "sdn/ipams.cfg",
                                                               "sdn/mac-cache.json",
                                                               "sdn/pve-ipam-state.json",
                                                               "sdn/dns.cfg",
                                                               "sdn/fabrics.cfg",
                                                               "sdn/route-maps.cfg",
                                                               "sdn/prefix-lists.cfg",
                                                               "sdn/.running-config",
                                                               "virtual-guest/cpu-models.conf",
                                                               "virtual-guest/profiles.cfg",
                                                               "firewall/cluster.fw",
                                                               "mapping/directory.cfg",
                                                               "mapping/pci.cfg",
                                                               "mapping/usb.cfg"};

    PathVersions() { counts_.fill(1); }

    // `changed` is what differs between the two.
    void on_published(const TreeView& before, const TreeView& after,
                      const std::vector<Changed>& changed);

    [[nodiscard]] std::uint64_t count(std::size_t place) const { return counts_.at(place); }
    // Of the list of guests: grows with every change of a guest's configuration.
    [[nodiscard]] std::uint64_t guests() const noexcept { return guests_; }
    // What the list's counter was when this guest changed last.
    [[nodiscard]] std::uint64_t guest(std::uint32_t id) const;

  private:
    void on_entry(const TreeView& view, const Entry& entry);

    std::array<std::uint64_t, kWatched.size()> counts_{};
    std::uint64_t guests_ = 1;
    std::map<std::uint32_t, std::uint64_t> guest_;
};

}  // namespace cfs
