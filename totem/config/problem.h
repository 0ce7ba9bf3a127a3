// What is wrong with a configuration file, or only worth a line in the log.
//
// Nothing here stops at the first fault: every step adds to a Report, so that an administrator sees
// all problems at once, each with its file and line. The texts are corosync's where people and
// scripts know them.
//
// Source: config.md 2, 3, 6, 7, 15 (texts, exit codes).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace totem::config {

// Which part of the daemon refuses the file. In the order in which corosync 3.1 would come to it,
// so that the smallest one present gives the exit code.
enum class Stage : std::uint8_t {
    kParser,   // grammar and single values: exit 8
    kLogging,  // section logging: exit 7
    kTotem,    // what the values mean together: exit 8
    kService,  // votequorum refuses to start: exit 20
};

struct Problem {
    Stage stage = Stage::kParser;
    std::string file;
    std::uint32_t line = 0;  // 1 is the first; 0 = belongs to no line (something is missing)
    std::string text;

    friend bool operator==(const Problem&, const Problem&) = default;
};

// One line for the log: the file is used all the same.
struct Warning {
    std::string file;
    std::uint32_t line = 0;
    std::string text;

    friend bool operator==(const Warning&, const Warning&) = default;
};

[[nodiscard]] int exit_code(Stage stage) noexcept;
// Exit code of a daemon that cannot start for these problems; 0 when there are none.
[[nodiscard]] int exit_code(const std::vector<Problem>& problems) noexcept;

// As corosync words it: `parser error: FILE:LINE: TEXT`, `parse error in config: TEXT (FILE:LINE)`,
// `Service engine 'corosync_quorum' failed to load for reason 'TEXT' (FILE:LINE)`.
[[nodiscard]] std::string to_string(const Problem& problem);
[[nodiscard]] std::string to_string(const Warning& warning);

// Where the steps of reading one file put what they find.
class Report {
  public:
    explicit Report(std::string_view file) : file_(file) {}

    void problem(Stage stage, std::uint32_t line, std::string text);
    // Of another file than this report's.
    void problem(Problem problem);
    void merge(const std::vector<Problem>& problems, const std::vector<Warning>& warnings);
    void warning(std::uint32_t line, std::string text);
    // Both lists by stage and line, repeats removed.
    void sort();

    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    [[nodiscard]] bool ok() const noexcept { return problems_.empty(); }
    [[nodiscard]] const std::vector<Problem>& problems() const noexcept { return problems_; }
    [[nodiscard]] const std::vector<Warning>& warnings() const noexcept { return warnings_; }

  private:
    std::string file_;
    std::vector<Problem> problems_;
    std::vector<Warning> warnings_;
};

}  // namespace totem::config
