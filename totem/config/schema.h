// Every option that corosync knows, in one table: its type, the words it takes, what we make of it.
//
// Source: config.md 3 to 9 (columns "validation" and "us").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "totem/config/cluster_config.h"
#include "totem/config/problem.h"

namespace totem::config {

enum class Use : std::uint8_t {
    kUsed,     // it means to us what it means to corosync
    kStored,   // clients read it from the configuration map
    kIgnored,  // accepted, one line in the log unless the value is `harmless`
    kRefused,  // an error unless the value is `harmless`: running without it would be something
               // else
};

struct Option {
    std::string_view section;  // "totem.interface"; sections that repeat stand without a number
    std::string_view name;
    KeyType type = KeyType::kString;
    Use use = Use::kUsed;
    std::string_view words = {};  // "yes|no"; empty = any text
    std::string_view error =
        {};  // when the value is none of them; empty = "Invalid SECTION.NAME value"
    std::string_view harmless = {};  // see Use
    Stage stage = Stage::kParser;
};

// The option of this name, nullptr when corosync does not know it. ringN_addr is one for every N.
[[nodiscard]] const Option* find_option(std::string_view section, std::string_view name) noexcept;

// Whether `word` stands in `words` ("yes|no").
[[nodiscard]] bool is_word(std::string_view words, std::string_view word) noexcept;

// N of "ringN_addr".
[[nodiscard]] std::optional<std::uint8_t> ring_address_link(std::string_view name) noexcept;

// A decimal number as corosync reads it: optional sign, nothing else around; empty when it is none
// or does not fit `type`. kI32 comes back in two's complement.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text,
                                                        KeyType type) noexcept;
// "0..4294967295"
[[nodiscard]] std::string number_range(KeyType type);

}  // namespace totem::config
