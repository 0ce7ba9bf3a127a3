#include "pvecm/config_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace pvecm {

namespace {

using totem::config::Item;

std::string_view value_of(const Item& section, std::string_view key) {
    const auto found = std::find_if(section.items.rbegin(), section.items.rend(),
                                    [&](const Item& item) { return item.name == key; });
    return found == section.items.rend() ? std::string_view{} : std::string_view{found->value};
}

// Within one name: where the item stands. Items without such an order keep theirs.
std::pair<std::uint64_t, std::string_view> rank(const Item& item) {
    if (!item.section || (item.name != "node" && item.name != "interface")) {
        return {0, {}};
    }
    if (item.name == "node") {
        const auto name = value_of(item, "name");
        return {0, name.empty() ? value_of(item, "ring0_addr") : name};
    }
    auto text = value_of(item, "linknumber");
    text = text.empty() ? value_of(item, "ringnumber") : text;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return {whole ? number : std::numeric_limits<std::uint64_t>::max(), text};
}

bool before(const Item* a, const Item* b) {
    return a->name != b->name ? a->name < b->name : rank(*a) < rank(*b);
}

// A line that would be too long for the reader gives up its blanks rather than its value.
std::string line_of(const Item& key, std::size_t indent) {
    std::string line =
        std::string(indent, ' ') + key.name + (key.value.empty() ? ":" : ": ") + key.value;
    return line.size() <= totem::config::kLineBytesMax ? line : key.name + ':' + key.value;
}

void write(const Item& section, std::size_t indent, std::string& out) {
    std::vector<const Item*> items;
    for (const Item& item : section.items) {
        items.push_back(&item);
    }
    std::stable_sort(items.begin(), items.end(), before);
    constexpr std::size_t kStep = 2;
    for (const Item* item : items) {
        if (!item->section) {
            out += line_of(*item, indent) + '\n';
            continue;
        }
        const std::string margin(indent, ' ');
        out += margin + item->name + " {\n";
        write(*item, indent + kStep, out);
        out += margin + (indent == 0 ? "}\n\n" : "}\n");
    }
}

}  // namespace

std::string config_text(const Item& top) {
    std::string text;
    write(top, 0, text);
    return text;
}

}  // namespace pvecm
