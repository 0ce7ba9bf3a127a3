#include "totem/config/address.h"

#include <algorithm>
#include <arpa/inet.h>

namespace totem::config {

namespace {

constexpr std::size_t kTextMax = 46;  // INET6_ADDRSTRLEN, with the terminating zero

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.empty() || text.size() >= kTextMax || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string terminated{text};
    IpAddress address;
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
        return address;
    }
    address = {Family::kV6, {}};
    if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) {
        return address;
    }
    return std::nullopt;
}

IpAddress IpAddress::v4(std::uint32_t value) noexcept {
    IpAddress address;
    for (unsigned i = 0; i < 4; ++i) {
        address.bytes[i] = static_cast<std::uint8_t>(value >> (24U - 8U * i));
    }
    return address;
}

std::string IpAddress::to_string() const {
    std::array<char, kTextMax> text{};
    const char* end = inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes.data(), text.data(), kTextMax);
    return end == nullptr ? std::string{} : std::string{text.data()};
}

bool IpAddress::is_multicast() const noexcept {
    return is_v4() ? (bytes[0] & 0xF0U) == 0xE0U : bytes[0] == 0xFFU;
}

bool IpAddress::is_host() const noexcept {
    constexpr std::uint32_t kBroadcast = 0xFFFFFFFFU;
    const bool unspecified =
        std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
    return !unspecified && !is_multicast() && !(is_v4() && v4_value() == kBroadcast);
}

bool IpAddress::is_loopback_v4() const noexcept { return is_v4() && bytes[0] == 127; }

std::uint32_t IpAddress::v4_value() const noexcept {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) {
        value = (value << 8U) | bytes[i];
    }
    return value;
}

bool IpAddress::same_network(const IpAddress& other, unsigned prefix) const noexcept {
    const unsigned bits = std::min(prefix, is_v4() ? 32U : 128U);
    const auto whole = static_cast<std::ptrdiff_t>(bits / 8);
    if (family != other.family ||
        !std::equal(bytes.begin(), bytes.begin() + whole, other.bytes.begin())) {
        return false;
    }
    if (bits % 8 == 0) {
        return true;
    }
    const auto index = static_cast<std::size_t>(whole);
    const auto differing = static_cast<unsigned>(bytes[index] ^ other.bytes[index]);
    return (differing >> (8U - bits % 8U)) == 0;
}

}  // namespace totem::config
