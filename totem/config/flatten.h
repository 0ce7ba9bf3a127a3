// From the tree of a file to the flat, typed keys of the configuration map.
//
// Here sections that repeat get their numbers and names, values their types, and every option that
// nobody knows its warning. What the values mean together is build.h's business.
//
// Source: config.md 2 to 9; ipc.md 12.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "totem/config/cluster_config.h"
#include "totem/config/problem.h"
#include "totem/config/syntax.h"

namespace totem::config {

// The values of a file by key; the last line of a name wins, as in corosync.
class FlatConfig {
  public:
    void set(Key key) { keys_.insert_or_assign(key.name, std::move(key)); }

    void set_bad(std::string name) { bad_.insert(std::move(name)); }

    [[nodiscard]] const Key* find(std::string_view name) const;
    // It stands in the file, but with a value that was refused: not the same as absent.
    [[nodiscard]] bool is_bad(std::string_view name) const { return bad_.contains(name); }
    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
    [[nodiscard]] std::uint32_t line_of(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "") const;
    [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
    // `yes` and `on` are true.
    [[nodiscard]] bool flag(std::string_view name, bool otherwise) const;
    [[nodiscard]] const std::map<std::string, Key, std::less<>>& keys() const { return keys_; }

    // Sections that repeat, in file order.
    struct Section {
        std::uint32_t number = 0;  // of an interface: its link; of a node: its position
        std::uint32_t line = 0;
    };
    std::vector<Section> interfaces;
    std::vector<Section> nodes;
    std::vector<std::string> subsystems;
    std::vector<UidGid> uidgid;
    std::uint32_t linknumber_line = 0;  // where a link's number stands, 0 = nowhere
    std::uint32_t ringnumber_line = 0;  // and where its 2.4 spelling does

  private:
    std::map<std::string, Key, std::less<>> keys_;
    std::set<std::string, std::less<>> bad_;
};

[[nodiscard]] FlatConfig flatten(const Item& top, Report& report);

// The items of a `uidgid` section.
void read_uidgid(const Item& section, Report& report, std::vector<UidGid>& out);

}  // namespace totem::config
