// What the commands ask of the machine, so that tests can invent one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "totem/config/address.h"
#include "totem/config/cluster_config.h"
#include "totem/config/resolve.h"

namespace pvecm {

class Host {
  public:
    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    Host(Host&&) = delete;
    Host& operator=(Host&&) = delete;
    virtual ~Host() = default;

    [[nodiscard]] virtual bool is_root() = 0;
    // Who asks, for the log: "root", or "anna" who used sudo.
    [[nodiscard]] virtual std::string operator_name() = 0;
    [[nodiscard]] virtual std::string host_name() = 0;
    [[nodiscard]] virtual std::vector<totem::config::IpAddress> look_up(
        const std::string& name) = 0;
    [[nodiscard]] virtual totem::config::HostFacts facts_for(
        const totem::config::ClusterConfig& config) = 0;
    // Local time, as "Sun Nov 22 08:03:12 2026".
    [[nodiscard]] virtual std::string date() = 0;
    // Fills `out` from the kernel's random source; false when there is none.
    [[nodiscard]] virtual bool draw_random(std::span<std::byte> out) = 0;
    // One line for the system's log.
    virtual void log(const std::string& line) = 0;
};

}  // namespace pvecm
