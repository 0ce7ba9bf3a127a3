// The words behind a command's name, read by the rules that pvecm's users and scripts rely on: one
// dash or two, `-opt V` and `-opt=V`, names cut short, arguments before and after options.
//
// Pure: a table says what a command takes, words go in, values or the complete complaint come out.
//
// Source: pvecm.md 1.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "totem/core/result.h"

namespace pvecm {

enum class Format : std::uint8_t {
    kText,
    kInteger,      // decimal, from `minimum` to `maximum`
    kFlag,         // stands alone, or with 0, 1, yes, no, on, off, true, false
    kClusterName,  // a node name of at most 15 characters
    kAddress,      // an IP address or a host name
    kLink,         // see address_of_link()
    kWord,         // one of `words`
};

struct Parameter {
    std::string_view name;
    Format format = Format::kText;
    std::string_view description;
    std::int64_t minimum = 0;
    std::int64_t maximum = std::numeric_limits<std::uint32_t>::max();
    std::string_view words = {};  // "none|active|passive"
};

struct Parameters {
    std::vector<Parameter> arguments = {};  // each must be given
    std::vector<Parameter> options = {};
    std::string_view rest = {};  // name of further arguments, any number; empty = there are none
};

class Values {
  public:
    [[nodiscard]] const std::string* find(std::string_view name) const;
    // Of one that is given: an argument, or an option after find().
    [[nodiscard]] const std::string& text(std::string_view name) const;
    [[nodiscard]] std::uint32_t number(std::string_view name, std::uint32_t if_absent = 0) const;
    [[nodiscard]] bool flag(std::string_view name) const;
    [[nodiscard]] const std::vector<std::string>& rest() const { return rest_; }

    void set(std::string_view name, std::string value) {
        values_.insert_or_assign(std::string{name}, std::move(value));
    }
    void add_rest(std::string word) { rest_.push_back(std::move(word)); }

  private:
    std::map<std::string, std::string, std::less<>> values_;
    std::vector<std::string> rest_;
};

// Lines for stderr, each with its end; the usage of the command belongs behind them.
struct ParameterError {
    std::string text;
};

[[nodiscard]] totem::Result<Values, ParameterError> read_words(const Parameters& parameters,
                                                               std::span<const std::string> words);

// Letters, digits and inner hyphens.
[[nodiscard]] bool is_node_name(std::string_view text);

// The address in "ADDRESS", "address=ADDRESS" or either with ",priority=NUMBER" behind it; empty
// when it is none of them.
[[nodiscard]] std::string address_of_link(std::string_view text);

// The one of `names` that `word` is, or is the beginning of; several when that is not certain.
[[nodiscard]] std::vector<std::string_view> candidates(std::string_view word,
                                                       std::span<const std::string_view> names);

}  // namespace pvecm
