// The grammar of a configuration file: text in, a tree of sections and keys with their lines out.
//
// Meaning is not looked at here, only form. Every fault of form is reported and reading goes on as
// well as it can, so that the lines behind a fault are checked too.
//
// Source: config.md 2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "totem/config/problem.h"

namespace totem::config {

// A key or a section, in file order.
struct Item {
    std::string name = {};
    std::string value = {};       // of a key
    std::uint32_t line = 0;       // of a section: where it opens
    std::uint32_t last_line = 0;  // of a section: where it closes; of a key: `line`
    bool section = false;
    std::vector<Item> items = {};  // of a section

    friend bool operator==(const Item&, const Item&) = default;
};

// Sections deeper than this are refused: no option lies deeper than four, and a reader of the tree
// may recurse.
inline constexpr std::size_t kDepthMax = 16;
inline constexpr std::size_t kLineBytesMax = 511;
inline constexpr std::size_t kKeyBytesMax = 255;

struct Tree {
    Item top;  // the top level as a section without a name
    bool whole =
        true;  // false: braces do not match, so a line may stand in another section than meant
};
[[nodiscard]] Tree read_syntax(std::string_view text, Report& report);

// A key that the configuration map accepts (ipc.md 11).
[[nodiscard]] bool is_legal_key(std::string_view key) noexcept;

}  // namespace totem::config
