// IP addresses as they stand in a configuration file: text in, bytes out, without any resolver.
//
// Source: config.md 10; RFC 4291 section 2.2 and RFC 5952 (text of IPv6).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace totem::config {

struct IpAddress {
    enum class Family : std::uint8_t { kV4, kV6 };

    Family family = Family::kV4;
    std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 fills the first four

    // Numeric text only ("10.0.0.1", "fd00::1"); a zone ("fe80::1%eth0") is not accepted.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    [[nodiscard]] static IpAddress v4(std::uint32_t value) noexcept;
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] bool is_v4() const noexcept { return family == Family::kV4; }
    [[nodiscard]] bool is_multicast() const noexcept;
    // One that a host can have: not multicast, not 0.0.0.0 or ::, not broadcast.
    [[nodiscard]] bool is_host() const noexcept;
    // Of 127.0.0.0/8; the whole block is local once the loopback interface has one of them.
    [[nodiscard]] bool is_loopback_v4() const noexcept;
    // IPv4 as a number, first byte highest: what an automatic node id is made of.
    [[nodiscard]] std::uint32_t v4_value() const noexcept;
    // Both have the same family and agree in their first `prefix` bits.
    [[nodiscard]] bool same_network(const IpAddress& other, unsigned prefix) const noexcept;

    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
};

}  // namespace totem::config
