// The machine that pvecm runs on.
#pragma once

#include "pvecm/host.h"

namespace pvecm {

class SystemHost final : public Host {
  public:
    [[nodiscard]] bool is_root() override;
    [[nodiscard]] std::string operator_name() override;
    [[nodiscard]] std::string host_name() override;
    [[nodiscard]] std::vector<totem::config::IpAddress> look_up(const std::string& name) override;
    [[nodiscard]] totem::config::HostFacts facts_for(
        const totem::config::ClusterConfig& config) override;
    [[nodiscard]] std::string date() override;
    [[nodiscard]] bool draw_random(std::span<std::byte> out) override;
    void log(const std::string& line) override;
};

}  // namespace pvecm
