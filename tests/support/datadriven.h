// Script tests: a file of commands, each with the output that it is expected to give.
//
//   # a comment, kept as it is
//   drop-next data node=3        the command: its name, then words and key=value arguments;
//   a line of input              a list is written (1,2,3)
//   ----
//   ok                           the output, up to an empty line
//
// run() hands each command to the test and compares. With TOTEM_REWRITE=1 in the environment it
// writes what it got into the file instead: read the difference as a reviewer would, and commit it
// with the change that caused it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace datadriven {

struct Command {
    std::string name{};
    std::vector<std::string> args{};               // words without '='
    std::map<std::string, std::string> options{};  // key=value
    std::string input{};                           // lines between the command and "----"
    std::size_t line = 0;

    [[nodiscard]] std::string word(std::size_t index) const {
        return index < args.size() ? args[index] : std::string();
    }
    [[nodiscard]] std::string text(const std::string& key,
                                   const std::string& otherwise = "") const {
        const auto found = options.find(key);
        return found == options.end() ? otherwise : found->second;
    }
    // 0 and a failed test when there is no such number.
    [[nodiscard]] std::uint32_t number(const std::string& key) const {
        const auto all = numbers(key);
        EXPECT_EQ(all.size(), 1U) << "line " << line << ": " << name << " needs " << key << "=N";
        return all.empty() ? 0 : all.front();
    }
    // "(1,2,3)" or "1".
    [[nodiscard]] std::vector<std::uint32_t> numbers(const std::string& key) const {
        std::string list = text(key);
        std::ranges::replace_if(
            list, [](char c) { return c == '(' || c == ')' || c == ','; }, ' ');
        std::istringstream in(list);
        std::vector<std::uint32_t> found;
        for (std::uint32_t value = 0; in >> value;) {
            found.push_back(value);
        }
        return found;
    }
};

// A stretch of the file: comment lines as they are, or one command and its expected output.
struct Block {
    std::string source{};  // everything before "----", or a whole comment
    Command command{};
    std::string output{};
    bool is_command = false;
};

inline Command parse_command(const std::string& text, std::size_t line) {
    Command command;
    command.line = line;
    std::istringstream words(text);
    words >> command.name;
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) {
            command.args.push_back(word);
        } else {
            command.options[word.substr(0, equals)] = word.substr(equals + 1);
        }
    }
    return command;
}

inline std::vector<Block> parse(std::istream& in) {
    std::vector<Block> blocks;
    bool inside = false;  // a command that has not ended yet
    bool output = false;  // behind its "----"
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (!inside && (line.empty() || line.front() == '#')) {
            blocks.push_back({.source = line + "\n"});
            continue;
        }
        if (!inside) {
            blocks.push_back({.source = line + "\n",
                              .command = parse_command(line, number),
                              .is_command = true});
            inside = true;
            continue;
        }
        Block& block = blocks.back();
        if (output && line.empty()) {
            inside = false;
            output = false;
            blocks.push_back({.source = "\n"});
        } else if (output) {
            block.output += line + "\n";
        } else if (line == "----") {
            output = true;
        } else {
            block.source += line + "\n";
            block.command.input += (block.command.input.empty() ? "" : "\n") + line;
        }
    }
    return blocks;
}

// Runs every command of `script` through `execute`, which answers with the output, lines and all.
// One of several runs of the same script may rewrite it; the others then compare.
template <typename Execute>
void run(const std::filesystem::path& script, bool may_rewrite, const Execute& execute) {
    std::ifstream in(script);
    ASSERT_TRUE(in) << script;
    const std::vector<Block> blocks = parse(in);
    const bool rewrite = may_rewrite && std::getenv("TOTEM_REWRITE") != nullptr;
    std::string text;
    for (const Block& block : blocks) {
        if (!block.is_command) {
            text += block.source;
            continue;
        }
        const std::string got = execute(block.command);
        if (!rewrite) {
            EXPECT_EQ(got, block.output)
                << script.filename() << ":" << block.command.line << ": " << block.source;
        }
        text += block.source + "----\n" + got;
    }
    if (rewrite) {
        std::ofstream(script) << text;
    }
}

// The scripts of a folder of the source tree, by name.
inline std::vector<std::filesystem::path> scripts(const std::string& folder) {
    std::vector<std::filesystem::path> found;
    const auto where = std::filesystem::path(QUORATE_SOURCE_DIR) / folder;
    for (const auto& entry : std::filesystem::directory_iterator(where)) {
        if (entry.path().extension() == ".txt") {
            found.push_back(entry.path());
        }
    }
    std::ranges::sort(found);
    return found;
}

inline std::string stem(const std::filesystem::path& script) { return script.stem().string(); }

}  // namespace datadriven
