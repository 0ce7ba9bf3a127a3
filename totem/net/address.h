// IP addresses of nodes, without ports: parsed once, compared and sent to many times.
//
// Source: wire.md 1 (sockets and ports), config.md 10 (addresses of a node list).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace totem::net {

struct IpAddress {
    enum class Family : std::uint8_t { kNone, kV4, kV6 };

    Family family = Family::kNone;
    std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 fills the first four
    std::uint32_t scope = 0;               // interface index of a link-local IPv6 address, else 0

    // Numeric text only ("10.0.0.1", "fd00::1", "fe80::1%eth0"); nothing is looked up by name.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] bool empty() const noexcept { return family == Family::kNone; }
    [[nodiscard]] bool is_multicast() const noexcept;
    [[nodiscard]] bool is_loopback() const noexcept;
    [[nodiscard]] bool is_link_local_v6() const noexcept;
    // The same address without its scope, for comparing the source of a datagram.
    [[nodiscard]] IpAddress without_scope() const noexcept {
        IpAddress plain = *this;
        plain.scope = 0;
        return plain;
    }

    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
};

}  // namespace totem::net
