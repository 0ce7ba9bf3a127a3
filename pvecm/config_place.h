// Where the configuration of the cluster lives. Today it is a file of each host; once it is in the
// replicated filesystem, that is another implementation and the commands stay as they are.
#pragma once

#include <optional>
#include <string>

namespace pvecm {

class ConfigPlace {
  public:
    ConfigPlace() = default;
    ConfigPlace(const ConfigPlace&) = delete;
    ConfigPlace& operator=(const ConfigPlace&) = delete;
    ConfigPlace(ConfigPlace&&) = delete;
    ConfigPlace& operator=(ConfigPlace&&) = delete;
    virtual ~ConfigPlace() = default;

    // As users know it.
    [[nodiscard]] virtual std::string path() const = 0;
    [[nodiscard]] virtual bool exists() const = 0;
    // The first text there, durable and whole, or none: empty, or why there is none. Never replaces
    // one.
    [[nodiscard]] virtual std::optional<std::string> create(const std::string& text) = 0;
};

}  // namespace pvecm
