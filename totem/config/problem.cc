#include "totem/config/problem.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace totem::config {

namespace {

std::string place(const std::string& file, std::uint32_t line) {
    return line == 0 ? file : file + ':' + std::to_string(line);
}

// Values of a file end up in logs and terminals: no control character of theirs may.
std::string printable(std::string text) {
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) {
            c = '?';
        }
    }
    return text;
}

}  // namespace

int exit_code(Stage stage) noexcept {
    switch (stage) {
        case Stage::kParser:
        case Stage::kTotem:
            return 8;
        case Stage::kLogging:
            return 7;
        case Stage::kService:
            return 20;
    }
    return 8;
}

int exit_code(const std::vector<Problem>& problems) noexcept {
    const auto first =
        std::min_element(problems.begin(), problems.end(),
                         [](const Problem& a, const Problem& b) { return a.stage < b.stage; });
    return first == problems.end() ? 0 : exit_code(first->stage);
}

std::string to_string(const Problem& problem) {
    if (problem.stage == Stage::kParser) {
        return "parser error: " + place(problem.file, problem.line) + ": " + problem.text;
    }
    const auto where = " (" + place(problem.file, problem.line) + ')';
    if (problem.stage == Stage::kService) {
        return "Service engine 'corosync_quorum' failed to load for reason '" + problem.text +
               '\'' + where;
    }
    return "parse error in config: " + problem.text + where;
}

std::string to_string(const Warning& warning) {
    return place(warning.file, warning.line) + ": " + warning.text;
}

void Report::problem(Stage stage, std::uint32_t line, std::string text) {
    problem(Problem{stage, file_, line, std::move(text)});
}

void Report::problem(Problem problem) {
    problem.text = printable(std::move(problem.text));
    problems_.push_back(std::move(problem));
}

void Report::merge(const std::vector<Problem>& problems, const std::vector<Warning>& warnings) {
    problems_.insert(problems_.end(), problems.begin(), problems.end());
    warnings_.insert(warnings_.end(), warnings.begin(), warnings.end());
}

void Report::warning(std::uint32_t line, std::string text) {
    warnings_.push_back({file_, line, printable(std::move(text))});
}

void Report::sort() {
    std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.stage, a.line) < std::tie(b.stage, b.line);
    });
    problems_.erase(std::unique(problems_.begin(), problems_.end()), problems_.end());
    std::stable_sort(warnings_.begin(), warnings_.end(),
                     [](const Warning& a, const Warning& b) { return a.line < b.line; });
    warnings_.erase(std::unique(warnings_.begin(), warnings_.end()), warnings_.end());
}

}  // namespace totem::config
