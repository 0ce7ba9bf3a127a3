#include "totem/net/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

namespace totem::net {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    IpAddress address;
    const std::string whole(text);
    if (inet_pton(AF_INET, whole.c_str(), address.bytes.data()) == 1) {
        address.family = Family::kV4;
        return address;
    }
    const std::size_t percent = whole.find('%');
    const std::string number = whole.substr(0, percent);
    if (inet_pton(AF_INET6, number.c_str(), address.bytes.data()) != 1) {
        return std::nullopt;
    }
    address.family = Family::kV6;
    if (percent != std::string::npos) {
        address.scope = if_nametoindex(whole.c_str() + percent + 1);
        if (address.scope == 0) {
            return std::nullopt;
        }
    }
    return address;
}

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family == Family::kNone || inet_ntop(family == Family::kV4 ? AF_INET : AF_INET6,
                                             bytes.data(), text.data(), text.size()) == nullptr) {
        return "none";
    }
    std::string result = text.data();
    std::array<char, IF_NAMESIZE> name{};
    if (scope != 0 && if_indextoname(scope, name.data()) != nullptr) {
        result.append("%").append(name.data());
    }
    return result;
}

bool IpAddress::is_multicast() const noexcept {
    return (family == Family::kV4 && (bytes[0] & 0xF0U) == 0xE0U) ||
           (family == Family::kV6 && bytes[0] == 0xFFU);
}

bool IpAddress::is_loopback() const noexcept {
    if (family == Family::kV4) {
        return bytes[0] == 127;
    }
    return family == Family::kV6 && bytes[15] == 1 &&
           std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_link_local_v6() const noexcept {
    return family == Family::kV6 && bytes[0] == 0xFEU && (bytes[1] & 0xC0U) == 0x80U;
}

}  // namespace totem::net
