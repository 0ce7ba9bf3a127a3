#include "pvecm/parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "totem/config/address.h"
#include "totem/core/check.h"

namespace pvecm {

namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Labels as node names, with dots between them.
bool is_host_name(std::string_view text) {
    while (true) {
        const auto dot = text.find('.');
        if (!is_node_name(text.substr(0, dot))) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(dot + 1);
    }
}

bool is_address(std::string_view text) {
    return totem::config::IpAddress::parse(text) || is_host_name(text);
}

bool is_number(std::string_view text) {
    constexpr std::size_t kDigitsMax = 3;
    return !text.empty() && text.size() <= kDigitsMax &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool has_word(std::string_view words, std::string_view word) {
    for (;;) {
        const auto bar = words.find('|');
        if (words.substr(0, bar) == word) {
            return true;
        }
        if (bar == std::string_view::npos) {
            return false;
        }
        words.remove_prefix(bar + 1);
    }
}

constexpr std::string_view kYes = "1|yes|on|true";
constexpr std::string_view kNo = "0|no|off|false";

std::string not_of_type(std::string_view type, const std::string& value) {
    return "type check ('" + std::string{type} + "') failed - got '" + value + '\'';
}

std::string not_like(std::string_view what) {
    return "invalid format - value does not look like a valid " + std::string{what};
}

// What is wrong with an integer; empty when nothing is.
std::string check_integer(const Parameter& parameter, const std::string& value) {
    std::int64_t number = 0;
    const auto* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (stop != end || (error != std::errc{} && error != std::errc::result_out_of_range)) {
        return not_of_type("integer", value);
    }
    const bool negative = value.starts_with('-');
    const bool too_far = error == std::errc::result_out_of_range;
    if (too_far ? negative : number < parameter.minimum) {
        return "value must have a minimum value of " + std::to_string(parameter.minimum);
    }
    if (too_far || number > parameter.maximum) {
        return "value must have a maximum value of " + std::to_string(parameter.maximum);
    }
    return {};
}

std::string check_cluster_name(const std::string& value) {
    constexpr std::size_t kClusterNameMax = 15;
    if (!is_node_name(value)) {
        return not_like("node name");
    }
    return value.size() <= kClusterNameMax ? std::string{} : "value may only be 15 characters long";
}

std::string check(const Parameter& parameter, const std::string& value) {
    switch (parameter.format) {
        case Format::kText:
            return value.empty() ? "value must not be empty" : std::string{};
        case Format::kInteger:
            return check_integer(parameter, value);
        case Format::kFlag:
            return has_word(kYes, value) || has_word(kNo, value) ? std::string{}
                                                                 : not_of_type("boolean", value);
        case Format::kClusterName:
            return check_cluster_name(value);
        case Format::kAddress:
            return is_address(value) ? std::string{} : not_like("address");
        case Format::kLink:
            return address_of_link(value).empty() ? not_like("link") : std::string{};
        case Format::kWord:
            break;
    }
    std::string words{parameter.words};
    std::replace(words.begin(), words.end(), '|', ' ');
    return has_word(parameter.words, value) ? std::string{}
                                            : "value '" + value + "' is none of: " + words;
}

// Options apart from arguments, before any value is looked at.
class Splitter {
  public:
    explicit Splitter(const Parameters& parameters) : parameters_(parameters) {
        std::transform(parameters.options.begin(), parameters.options.end(),
                       std::back_inserter(names_), [](const auto& option) { return option.name; });
    }

    void take(std::span<const std::string> words) {
        while (!words.empty()) {
            const std::string& word = words.front();
            words = words.subspan(1);
            if (word == "--") {
                arguments.insert(arguments.end(), words.begin(), words.end());
                return;
            }
            if (word.size() < 2 || word.front() != '-') {
                arguments.push_back(word);
            } else {
                words = option(std::string_view{word}.substr(word[1] == '-' ? 2 : 1), words);
            }
        }
    }

    std::string complaints;
    std::vector<std::string> arguments;
    Values values;

  private:
    // The words that are left behind the option and its value.
    std::span<const std::string> option(std::string_view word, std::span<const std::string> left) {
        const auto equals = word.find('=');
        const auto* known = find(word.substr(0, equals));
        if (known == nullptr) {
            return left;
        }
        if (equals != std::string_view::npos) {
            values.set(known->name, std::string{word.substr(equals + 1)});
            return left;
        }
        if (known->format == Format::kFlag) {
            const bool valued =
                !left.empty() && (has_word(kYes, left.front()) || has_word(kNo, left.front()));
            values.set(known->name, valued ? left.front() : "1");
            return left.subspan(valued ? 1 : 0);
        }
        if (left.empty()) {
            complaints += "Option " + std::string{known->name} + " requires an argument\n";
            return left;
        }
        values.set(known->name, left.front());
        return left.subspan(1);
    }

    const Parameter* find(std::string_view word) {
        const auto found = candidates(word, names_);
        if (found.size() == 1) {
            return &*std::find_if(parameters_.options.begin(), parameters_.options.end(),
                                  [&](const auto& one) { return one.name == found.front(); });
        }
        if (found.empty()) {
            complaints += "Unknown option: " + std::string{word} + '\n';
            return nullptr;
        }
        std::string list;
        for (const auto name : found) {
            list += (list.empty() ? "" : ", ") + std::string{name};
        }
        complaints += "Option " + std::string{word} + " is ambiguous (" + list + ")\n";
        return nullptr;
    }

    const Parameters& parameters_;
    std::vector<std::string_view> names_;
};

void check_into(const Parameter& parameter, const Values& values, std::string& wrong) {
    const auto* value = values.find(parameter.name);
    const auto text = value == nullptr ? std::string{} : check(parameter, *value);
    if (!text.empty()) {
        wrong += std::string{parameter.name} + ": " + text + '\n';
    }
}

}  // namespace

const std::string* Values::find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
}

const std::string& Values::text(std::string_view name) const {
    const auto* found = find(name);
    TOTEM_CHECK(found != nullptr);
    return *found;
}

std::uint32_t Values::number(std::string_view name, std::uint32_t if_absent) const {
    const auto* found = find(name);
    std::uint32_t number = if_absent;
    if (found != nullptr) {
        std::from_chars(found->data(), found->data() + found->size(), number);
    }
    return number;
}

bool Values::flag(std::string_view name) const {
    const auto* found = find(name);
    return found != nullptr && has_word(kYes, *found);
}

bool is_node_name(std::string_view text) {
    return !text.empty() && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

std::string address_of_link(std::string_view text) {
    constexpr std::string_view kAddress = "address=";
    constexpr std::string_view kPriority = ",priority=";
    if (text.starts_with(kAddress)) {
        text.remove_prefix(kAddress.size());
    }
    const auto priority = text.find(kPriority);
    if (priority != std::string_view::npos &&
        !is_number(text.substr(priority + kPriority.size()))) {
        return {};
    }
    const auto address = text.substr(0, priority);
    return is_address(address) ? std::string{address} : std::string{};
}

std::vector<std::string_view> candidates(std::string_view word,
                                         std::span<const std::string_view> names) {
    if (std::find(names.begin(), names.end(), word) != names.end()) {
        return {word};
    }
    std::vector<std::string_view> found;
    std::copy_if(names.begin(), names.end(), std::back_inserter(found),
                 [&](const auto name) { return !word.empty() && name.starts_with(word); });
    return found;
}

totem::Result<Values, ParameterError> read_words(const Parameters& parameters,
                                                 std::span<const std::string> words) {
    Splitter split{parameters};
    split.take(words);
    if (!split.complaints.empty()) {
        return totem::Unexpected{ParameterError{split.complaints + "400 unable to parse option\n"}};
    }
    const auto needed = parameters.arguments.size();
    if (split.arguments.size() < needed) {
        return totem::Unexpected{ParameterError{"400 not enough arguments\n"}};
    }
    if (split.arguments.size() > needed && parameters.rest.empty()) {
        return totem::Unexpected{ParameterError{"400 too many arguments\n"}};
    }
    for (std::size_t i = 0; i < split.arguments.size(); ++i) {
        if (i < needed) {
            split.values.set(parameters.arguments[i].name, split.arguments[i]);
        } else {
            split.values.add_rest(split.arguments[i]);
        }
    }
    std::string wrong;
    for (const auto* list : {&parameters.arguments, &parameters.options}) {
        for (const Parameter& parameter : *list) {
            check_into(parameter, split.values, wrong);
        }
    }
    if (!wrong.empty()) {
        return totem::Unexpected{
            ParameterError{"400 Parameter verification failed.\n" + std::move(wrong)}};
    }
    return std::move(split.values);
}

}  // namespace pvecm
