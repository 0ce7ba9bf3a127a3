#include "totem/daemon/key_ring.h"

#include <algorithm>
#include <utility>

#include "totem/core/check.h"

namespace totem::daemon {

void KeyRing::add(net::ClusterKey key) {
    if (keys_.empty()) {
        used_.sends = name_of(key);
    }
    std::erase_if(keys_, [&key](const net::ClusterKey& known) { return known.id() == key.id(); });
    keys_.push_back(std::move(key));
}

std::vector<net::ClusterKey> KeyRing::copies(const group::KeyRotation::Keys& names) const {
    std::vector<net::ClusterKey> copies;
    for (const auto name : {std::optional(names.sends), names.also}) {
        const auto found = std::ranges::find_if(
            keys_, [name](const net::ClusterKey& key) { return name == name_of(key); });
        if (found != keys_.end()) {
            copies.push_back(found->copy());
        }
    }
    TOTEM_CHECK(copies.size() == (names.also ? 2U : 1U));
    return copies;
}

std::string KeyRing::use(const group::KeyRotation::Keys& names, net::PacketSeal& seal) {
    seal.set_keys(copies(names));
    std::erase_if(keys_, [&](const net::ClusterKey& key) {
        const group::KeyName name = name_of(key);
        return name != names.sends && name != names.also && name != newest();
    });
    const bool switched = std::exchange(used_, names).sends != names.sends;
    if (!names.also) {
        return "Key change: only the key of the configuration is accepted now";
    }
    return switched
               ? "Key change: every member accepts the new key, sending with it"
               : "Key change: the new key is accepted, and used as soon as every member has it";
}

}  // namespace totem::daemon
