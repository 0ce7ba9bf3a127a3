// The configuration as the file of this host that the cluster engine reads.
//
// Source: pvecm.md 2.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "pvecm/config_place.h"

namespace pvecm {

class HostConfig final : public ConfigPlace {
  public:
    explicit HostConfig(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] std::string path() const override { return path_; }
    [[nodiscard]] bool exists() const override;
    [[nodiscard]] std::optional<std::string> create(const std::string& text) override;

  private:
    std::string path_;
};

}  // namespace pvecm
