// Whether a file was written for corosync 3.1 or for 2.4, and what that decides.
//
// The two read some files differently: without a transport 3.1 takes knet and 2.4 udp; without
// secauth 3.1 takes off and 2.4 on. Nothing of this is guessed: where the file is not certain, it
// is refused with the line to add.
//
// Source: config.md 16; architecture.md 4.3.
#pragma once

#include <string>
#include <vector>

#include "totem/config/cluster_config.h"
#include "totem/config/flatten.h"
#include "totem/config/problem.h"

namespace totem::config {

struct Traits {
    std::vector<std::string> corosync3;   // options that only 3.1 knows
    std::vector<std::string> corosync24;  // options that only 2.4 knows; 3.1 passes over them
    // 3.1 refuses this file whatever its transport, so that it can only be one of 2.4.
    bool refused_by_3 = false;
};

[[nodiscard]] Traits find_traits(const FlatConfig& flat);
[[nodiscard]] Dialect dialect_of(const Traits& traits) noexcept;

[[nodiscard]] Transport decide_transport(const FlatConfig& flat, const Traits& traits,
                                         Report& report);
// Reads secauth, crypto_cipher and crypto_hash. A file that asks for protection in any of them gets
// it or is refused.
[[nodiscard]] bool decide_secauth(const FlatConfig& flat, const Traits& traits, Report& report);

}  // namespace totem::config
