#include "totem/config/syntax.h"

#include <algorithm>
#include <utility>

namespace totem::config {

namespace {

// What isspace() of the C locale accepts, which is what corosync trims.
constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

class Reader {
  public:
    explicit Reader(Report& report) : report_(report) { open_.push_back({.section = true}); }

    void take(std::string_view raw);
    [[nodiscard]] Tree finish();

  private:
    // A section whose keys cannot be named: it lost its name, or its path is too long.
    void open(std::string_view name);
    void close();
    void key(std::string_view line, std::size_t colon);
    void torn(std::string text) {
        whole_ = false;
        wrong(std::move(text));
    }
    void wrong(std::string text) { report_.problem(Stage::kParser, line_, std::move(text)); }

    Report& report_;
    bool whole_ = true;
    std::uint32_t line_ = 0;
    std::vector<Item> open_;  // the top level and the sections around the current line
    std::string path_;        // of the innermost section, with a '.' behind every name
    std::vector<std::size_t> path_sizes_;
    std::size_t ignored_depth_ = 0;  // sections opened inside one that cannot be kept
};

void Reader::take(std::string_view raw) {
    ++line_;
    if (raw.size() > kLineBytesMax) {
        wrong("Line too long");
        return;
    }
    const auto line = trim(raw);
    if (line.empty() || line.front() == '#') {
        return;
    }
    if (const auto brace = line.find('{'); brace != std::string_view::npos) {
        if (!trim(line.substr(brace + 1)).empty()) {
            torn("Extra characters after opening bracket '{'");
        }
        open(trim(line.substr(0, brace)));
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        key(line, colon);
    } else if (line.find('}') != std::string_view::npos) {
        if (line != "}") {
            torn("Extra characters before or after closing bracket '}'");
        }
        close();
    } else {
        wrong("Line is not opening or closing section or key value");
    }
}

void Reader::open(std::string_view name) {
    if (name.empty()) {
        torn("Missing section name before opening bracket '{'");
    }
    const bool too_long = path_.size() + name.size() + 1 > kKeyBytesMax || open_.size() > kDepthMax;
    if (too_long && ignored_depth_ == 0) {
        torn("Start of section makes total cmap path too long");
    }
    if (ignored_depth_ > 0 || name.empty() || too_long) {
        ++ignored_depth_;
        return;
    }
    path_sizes_.push_back(path_.size());
    path_.append(name).push_back('.');
    open_.push_back({.name = std::string{name}, .line = line_, .section = true});
}

void Reader::close() {
    if (ignored_depth_ > 0) {
        --ignored_depth_;
        return;
    }
    if (open_.size() == 1) {
        torn("Unexpected closing brace");
        return;
    }
    Item section = std::move(open_.back());
    open_.pop_back();
    section.last_line = line_;
    path_.resize(path_sizes_.back());
    path_sizes_.pop_back();
    open_.back().items.push_back(std::move(section));
}

void Reader::key(std::string_view line, std::size_t colon) {
    if (ignored_depth_ > 0) {
        return;
    }
    const auto name = trim(line.substr(0, colon));
    if (path_.size() + name.size() > kKeyBytesMax) {
        wrong("New key makes total cmap path too long");
        return;
    }
    const auto path = path_ + std::string{name};
    if (!is_legal_key(path)) {
        wrong("Can't store key \"" + path +
              "\" into icmap, returned error is CS_ERR_NAME_TOO_LONG");
        return;
    }
    open_.back().items.push_back({.name = std::string{name},
                                  .value = std::string{trim(line.substr(colon + 1))},
                                  .line = line_,
                                  .last_line = line_});
}

Tree Reader::finish() {
    if (open_.size() > 1 || ignored_depth_ > 0) {
        torn("Missing closing brace");
    }
    ignored_depth_ = 0;
    while (open_.size() > 1) {
        close();
    }
    open_.front().last_line = line_;
    return {std::move(open_.front()), whole_};
}

}  // namespace

bool is_legal_key(std::string_view key) noexcept {
    constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
    return key.size() >= 3 && key.size() <= kKeyBytesMax &&
           key.find_first_not_of(kLetters) == std::string_view::npos;
}

Tree read_syntax(std::string_view text, Report& report) {
    Reader reader{report};
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        reader.take(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return reader.finish();
}

}  // namespace totem::config
