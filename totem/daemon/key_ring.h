// The keys of a sealed ring that this node knows, and which of them its seal uses now.
//
// When a key comes and goes is decided by group::KeyRotation, which knows names only.
#pragma once

#include <string>
#include <vector>

#include "totem/group/key_rotation.h"
#include "totem/net/packet_seal.h"

namespace totem::daemon {

[[nodiscard]] inline group::KeyName name_of(const net::ClusterKey& key) {
    return group::KeyName{static_cast<std::uint32_t>(key.id())};
}

class KeyRing {
  public:
    // The key of the configuration from now on; the first one is in use.
    void add(net::ClusterKey key);
    // Its name, for KeyRotation.
    [[nodiscard]] group::KeyName newest() const { return name_of(keys_.back()); }

    // The seal uses these; all others but the newest are forgotten. Returns a line for the log.
    [[nodiscard]] std::string use(const group::KeyRotation::Keys& names, net::PacketSeal& seal);
    [[nodiscard]] std::vector<net::ClusterKey> copies(const group::KeyRotation::Keys& names) const;

  private:
    std::vector<net::ClusterKey> keys_;
    group::KeyRotation::Keys used_;
};

}  // namespace totem::daemon
