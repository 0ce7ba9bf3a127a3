#include "totem/config/flatten.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "totem/config/schema.h"

namespace totem::config {

namespace {

constexpr std::uint32_t kLinkMax = 7;

// The last key of this name in a section, whose value the section's own place depends on.
const Item* last_key(const Item& section, std::string_view name) {
    const auto found =
        std::find_if(section.items.rbegin(), section.items.rend(),
                     [&](const Item& item) { return !item.section && item.name == name; });
    return found == section.items.rend() ? nullptr : &*found;
}

// Where the lines of a section go: as what they are looked up, and under which name they are kept.
struct Place {
    std::string_view schema;  // "totem.interface"
    std::string stored;       // "totem.interface.0"
};

class Flattener {
  public:
    explicit Flattener(Report& report) : report_(report) {}

    void section(const Item& item, const std::string& path);
    void keys_of_top(const Item& top);
    [[nodiscard]] FlatConfig take() { return std::move(flat_); }

  private:
    void lines(const Item& item, const Place& place);
    void line(const Item& item, const Place& place);
    void interface_section(const Item& item);
    void member_section(const Item& item, std::uint32_t link);
    void node_section(const Item& item);
    void logger_subsys(const Item& item);
    void logging_daemon(const Item& item);
    void subsystem(const Item& item, const std::string& name);
    std::uint32_t link_of(const Item& item);

    [[nodiscard]] std::optional<Key> typed(const Item& item, const Option& option,
                                           std::string_view stored_name);
    void note_use(const Item& item, const Option& option, const std::string& stored_name);
    void store(Key key);
    void wrong(std::uint32_t line, std::string text) {
        report_.problem(Stage::kParser, line, std::move(text));
    }

    Report& report_;
    FlatConfig flat_;
    std::map<std::uint32_t, std::uint32_t> members_;  // by link
};

void Flattener::keys_of_top(const Item& top) {
    for (const Item& item : top.items) {
        if (!item.section) {
            line(item, {"", ""});
        }
    }
}

// `path` is the path of the section itself.
void Flattener::section(const Item& item, const std::string& path) {
    if (path == "totem.interface") {
        interface_section(item);
        return;
    }
    if (path == "nodelist.node") {
        node_section(item);
        return;
    }
    if (path == "logging.logger_subsys") {
        logger_subsys(item);
        return;
    }
    if (path == "logging.logging_daemon") {
        logging_daemon(item);
        return;
    }
    if (path == "uidgid") {
        read_uidgid(item, report_, flat_.uidgid);
        return;
    }
    lines(item, {path, path});
    for (const Item& inner : item.items) {
        if (inner.section) {
            section(inner, path + '.' + inner.name);
        }
    }
}

void Flattener::lines(const Item& item, const Place& place) {
    for (const Item& inner : item.items) {
        if (!inner.section) {
            line(inner, place);
        }
    }
}

void Flattener::line(const Item& item, const Place& place) {
    const auto stored_name = place.stored.empty() ? item.name : place.stored + '.' + item.name;
    const auto* option = find_option(place.schema, item.name);
    if (option == nullptr) {
        const auto schema_name =
            place.schema.empty() ? item.name : std::string{place.schema} + '.' + item.name;
        report_.warning(item.line, "unknown option '" + schema_name + "' has no effect");
        store({stored_name, KeyType::kString, 0, item.value, item.line});
        return;
    }
    if (auto key = typed(item, *option, stored_name)) {
        note_use(item, *option, stored_name);
        store(std::move(*key));
    } else {
        flat_.set_bad(stored_name);
    }
}

std::optional<Key> Flattener::typed(const Item& item, const Option& option,
                                    std::string_view stored_name) {
    const auto full_name = std::string{option.section} + '.' + item.name;
    Key key{std::string{stored_name}, option.type, 0, item.value, item.line};
    if (option.type != KeyType::kString) {
        const auto number = parse_number(item.value, option.type);
        if (!number) {
            // corosync names the number of a node in this text, but not that of a link.
            const bool numbered = option.section == "nodelist.node";
            wrong(item.line, "Value of key \"" + (numbered ? key.name : full_name) +
                                 "\" is expected to be integer in range (" +
                                 number_range(option.type) + "), but \"" + item.value +
                                 "\" was given");
            return std::nullopt;
        }
        key.number = *number;
    } else if (!option.words.empty() && !is_word(option.words, item.value)) {
        report_.problem(
            option.stage, item.line,
            option.error.empty() ? "Invalid " + full_name + " value" : std::string{option.error});
        return std::nullopt;
    }
    return key;
}

void Flattener::note_use(const Item& item, const Option& option, const std::string& stored_name) {
    const bool harmless = !option.harmless.empty() && item.value == option.harmless;
    if (harmless) {
        return;
    }
    if (option.use == Use::kIgnored) {
        report_.warning(item.line,
                        "option '" + stored_name + "' is accepted and has no effect here");
    } else if (option.use == Use::kRefused) {
        wrong(item.line, stored_name + " '" + item.value + "' is not supported");
    }
}

void Flattener::store(Key key) {
    if (!is_legal_key(key.name)) {
        wrong(key.line, "Can't store key \"" + key.name +
                            "\" into icmap, returned error is CS_ERR_NAME_TOO_LONG");
        return;
    }
    if (const auto* before = flat_.find(key.name)) {
        report_.warning(key.line, "'" + key.name + "' is given again; line " +
                                      std::to_string(before->line) + " has no effect");
    }
    flat_.set(std::move(key));
}

std::uint32_t Flattener::link_of(const Item& item) {
    const Item* line = last_key(item, "linknumber");
    if (line != nullptr) {
        flat_.linknumber_line = line->line;
    }
    if (const Item* old = last_key(item, "ringnumber")) {
        flat_.ringnumber_line = old->line;
        if (line == nullptr) {
            line = old;
        } else if (line->value != old->value) {
            wrong(old->line, "linknumber and ringnumber of an interface differ");
        }
    }
    if (line == nullptr) {
        return 0;
    }
    const auto number = parse_number(line->value, KeyType::kU8);
    if (!number) {
        wrong(line->line, "Value of key \"totem.interface." + line->name +
                              "\" is expected to be integer in range (" +
                              number_range(KeyType::kU8) + "), but \"" + line->value +
                              "\" was given");
        return 0;
    }
    if (*number > kLinkMax) {
        report_.problem(Stage::kTotem, line->line,
                        "interface ring number " + std::to_string(*number) +
                            " is bigger than allowed maximum " + std::to_string(kLinkMax));
    }
    return static_cast<std::uint32_t>(*number);
}

void Flattener::interface_section(const Item& item) {
    const auto link = link_of(item);
    flat_.interfaces.push_back({link, item.line});
    const Place place{"totem.interface", "totem.interface." + std::to_string(link)};
    for (const Item& inner : item.items) {
        if (inner.section && inner.name == "member") {
            member_section(inner, link);
        } else if (inner.section) {
            section(inner, "totem.interface." + inner.name);
        } else if (inner.name != "linknumber" && inner.name != "ringnumber") {
            line(inner, place);
        }
    }
}

void Flattener::member_section(const Item& item, std::uint32_t link) {
    for (const Item& inner : item.items) {
        if (inner.section || inner.name != "memberaddr") {
            wrong(inner.line, "Only memberaddr is allowed in member section");
            continue;
        }
        const auto name = "totem.interface." + std::to_string(link) + ".member." +
                          std::to_string(members_[link]++);
        store({name, KeyType::kString, 0, inner.value, inner.line});
    }
}

void Flattener::node_section(const Item& item) {
    const auto pos = static_cast<std::uint32_t>(flat_.nodes.size());
    flat_.nodes.push_back({pos, item.line});
    const auto stored = "nodelist.node." + std::to_string(pos);
    lines(item, {"nodelist.node", stored});
    for (const Item& inner : item.items) {
        if (inner.section) {
            section(inner, stored + '.' + inner.name);
        }
    }
}

void Flattener::logger_subsys(const Item& item) {
    const Item* name = last_key(item, "subsys");
    if (name == nullptr) {
        wrong(item.last_line, "No subsys key in logger_subsys directive");
        return;
    }
    subsystem(item, name->value);
}

// The older form: of the daemon `corosync` it is the top level or a subsystem, of others only kept.
void Flattener::logging_daemon(const Item& item) {
    const Item* daemon = last_key(item, "name");
    const Item* name = last_key(item, "subsys");
    if (daemon == nullptr) {
        wrong(item.last_line, "No name key in logging_daemon directive");
        return;
    }
    Item settings = item;
    std::erase_if(settings.items, [](const Item& inner) { return inner.name == "name"; });
    if (daemon->value != "corosync") {
        const auto stored = "logging.logging_daemon." + daemon->value;
        for (const Item& inner : item.items) {
            store({stored + '.' + inner.name, KeyType::kString, 0, inner.value, inner.line});
        }
    } else if (name != nullptr) {
        subsystem(settings, name->value);
    } else {
        lines(settings, {"logging", "logging"});
    }
}

void Flattener::subsystem(const Item& item, const std::string& name) {
    const auto stored = "logging.logger_subsys." + name;
    auto& known = flat_.subsystems;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        known.push_back(name);
    }
    lines(item, {"logging.logger_subsys", stored});
}

}  // namespace

const Key* FlatConfig::find(std::string_view name) const {
    const auto found = keys_.find(name);
    return found == keys_.end() ? nullptr : &found->second;
}

std::uint32_t FlatConfig::line_of(std::string_view name) const {
    const auto* key = find(name);
    return key == nullptr ? 0 : key->line;
}

std::string FlatConfig::text(std::string_view name, std::string_view otherwise) const {
    const auto* key = find(name);
    return key == nullptr ? std::string{otherwise} : key->text;
}

std::uint64_t FlatConfig::number(std::string_view name, std::uint64_t otherwise) const {
    const auto* key = find(name);
    return key == nullptr ? otherwise : key->number;
}

bool FlatConfig::flag(std::string_view name, bool otherwise) const {
    const auto* key = find(name);
    return key == nullptr ? otherwise : key->text == "yes" || key->text == "on";
}

void read_uidgid(const Item& section, Report& report, std::vector<UidGid>& out) {
    for (const Item& item : section.items) {
        if (item.section || (item.name != "uid" && item.name != "gid")) {
            report.problem(Stage::kParser, item.line, "uidgid: Only uid and gid are allowed items");
            continue;
        }
        out.push_back({item.name == "gid", item.value, report.file(), item.line});
    }
}

FlatConfig flatten(const Item& top, Report& report) {
    Flattener flattener{report};
    flattener.keys_of_top(top);
    for (const Item& item : top.items) {
        if (item.section) {
            flattener.section(item, item.name);
        }
    }
    return flattener.take();
}

}  // namespace totem::config
