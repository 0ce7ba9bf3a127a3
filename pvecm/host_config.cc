#include "pvecm/host_config.h"

#include <filesystem>
#include <span>
#include <system_error>

#include "pvecm/new_file.h"

namespace pvecm {

bool HostConfig::exists() const {
    std::error_code ignored;
    // A link that leads nowhere is in the way, too.
    return std::filesystem::symlink_status(path_, ignored).type() !=
           std::filesystem::file_type::not_found;
}

std::optional<std::string> HostConfig::create(const std::string& text) {
    constexpr unsigned kReadableByAll = 0644;
    return create_file(path_, kReadableByAll, std::as_bytes(std::span(text)));
}

}  // namespace pvecm
