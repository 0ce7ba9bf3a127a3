#include "cfs/core/name.h"

#include <algorithm>
#include <array>

namespace cfs {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

Errno check_name(std::string_view name, std::size_t bytes_max) noexcept {
    if (name == "." || name == "..") {
        return Errno::kAccess;
    }
    if (name.size() > bytes_max) {
        return Errno::kNameTooLong;
    }
    const bool banned =
        std::any_of(name.begin(), name.end(), [](char c) { return c == '/' || c == '\0'; });
    return name.empty() || banned ? Errno::kInvalid : Errno::kOk;
}

bool is_view(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 11> kViews{
        ".version", ".members", ".vmlist",     ".rrd", ".clusterlog", ".debug",
        ".status",  "local",    "qemu-server", "lxc",  "openvz"};
    return std::find(kViews.begin(), kViews.end(), name) != kViews.end();
}

std::pair<std::string_view, std::string_view> split_first(std::string_view path) noexcept {
    const std::size_t start = std::min(path.find_first_not_of('/'), path.size());
    path.remove_prefix(start);
    const std::size_t end = std::min(path.find('/'), path.size());
    return {path.substr(0, end), path.substr(end)};
}

std::optional<GuestType> guest_type(std::string_view directory) noexcept {
    if (directory == "qemu-server") {
        return GuestType::kQemu;
    }
    if (directory == "lxc") {
        return GuestType::kLxc;
    }
    if (directory == "openvz") {
        return GuestType::kOpenvz;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> guest_id(std::string_view file) noexcept {
    static constexpr std::string_view kSuffix = ".conf";
    static constexpr std::size_t kDigitsMax = 10;
    if (!file.ends_with(kSuffix)) {
        return std::nullopt;
    }
    const std::string_view digits = file.substr(0, file.size() - kSuffix.size());
    if (digits.empty() || digits.size() > kDigitsMax || digits.front() == '0') {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (!is_digit(c)) {
            return std::nullopt;
        }
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value > 0xFFFFFFFFU) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(value);
}

bool is_node_name(std::string_view name) noexcept {
    const bool allowed = std::all_of(
        name.begin(), name.end(), [](char c) { return is_digit(c) || is_letter(c) || c == '-'; });
    return allowed && !name.empty() && name.front() != '-' && name.back() != '-';
}

}  // namespace cfs
